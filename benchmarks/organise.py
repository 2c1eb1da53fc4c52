"""`organise`: files on disk to everything the pages need, through jobs and worker as in use.

Makes JPEGs of 1200 × 900 from the photographs that scikit-image carries, imports them as a
folder into a fresh data folder and times `process`. Beside it, in the same run, the floor: a
bare reduced decode and a bare forward pass of the same files, each alone on all cores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._pictures import SIZE, make_files

ROOT = Path(__file__).parent.parent


def _decode(path: Path) -> int:
    with Image.open(path) as image:
        image.draft("RGB", (600, 450))
        image.load()
        return image.size[0]


def bare_decode(paths: list[Path]) -> float:
    """Images a second of nothing but the reduced decode, on all cores."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_decode, paths[:16]))
        begun = time.perf_counter()
        list(pool.map(_decode, paths, chunksize=16))
        return len(paths) / (time.perf_counter() - begun)


def bare_forward(n: int) -> float | None:
    """Images a second of nothing but the default backbone's forward pass, on all cores."""
    from imagery.core import backbones

    weights = os.environ.get("IMAGERY_WEIGHTS_DIR")
    try:
        network = backbones.load(
            "mobilenet_v2",
            weights_dir=Path(weights) if weights else None,
            cache_dir=ROOT / "data" / "weights",
        )
    except backbones.WeightsMissing as error:
        print(f"no forward pass: {error}")
        return None
    batch = [network.prepare(np.zeros((450, 600, 3), np.uint8))] * 32
    network.encode(batch)
    begun = time.perf_counter()
    for _ in range(max(1, n // 32)):
        network.encode(batch)
    return max(1, n // 32) * 32 / (time.perf_counter() - begun)


def organise(folder: Path, data: Path) -> dict[str, float]:
    """Seconds of each stage, from the jobs' own rows."""
    env = os.environ | {"AFTERIMAGE_DATA": str(data)}
    run = [sys.executable, str(ROOT / "manage.py")]
    for command in (["migrate", "-v0"], ["import_posts", "bench", str(folder), "--no-process"]):
        subprocess.run([*run, *command], env=env, check=True, stdout=subprocess.DEVNULL)
    begun = time.perf_counter()
    subprocess.run([*run, "process", "bench"], env=env, check=True)
    seconds = {"whole command": time.perf_counter() - begun}
    show = (
        "from imagery.models import Job\n"
        "for j in Job.objects.order_by('id'): print(j.stage, j.elapsed_s())\n"
        "a = Job.objects.order_by('id'); "
        "print('all', (a.last().finished_at - a.first().started_at).total_seconds())"
    )
    out = subprocess.run(
        [*run, "shell", "-v0", "-c", show], env=env, check=True, capture_output=True, text=True
    )
    for line in out.stdout.splitlines():
        stage, elapsed = line.split()
        seconds[stage] = float(elapsed)
    return seconds


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="organise")
    parser.add_argument("--images", type=int, default=1000)
    n_images = parser.parse_args(arguments).images
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as made:
        folder, data = Path(made) / "pictures", Path(made) / "data"
        folder.mkdir()
        paths = make_files(folder, n_images)
        mean_kb = sum(path.stat().st_size for path in paths) / len(paths) / 1000
        print(f"{n_images} JPEGs of {SIZE[0]} × {SIZE[1]}, {mean_kb:.0f} kB each")
        seconds = organise(folder, data)
        decode, forward = bare_decode(paths), bare_forward(n_images)
    print(f"bare decode at 1/2   {decode:8.1f} images/s")
    if forward:
        floor = 1 / (1 / decode + 1 / forward)
        print(f"bare forward pass    {forward:8.1f} images/s")
        print(f"floor (one, then the other) {floor:.1f} images/s")
    for stage, elapsed in seconds.items():
        print(f"{stage:<20} {elapsed:8.2f} s  {n_images / elapsed if elapsed else 0:8.1f} images/s")
    if forward:
        rate = n_images / seconds["all"]
        print(f"organise {rate:.1f} images/s: {rate / floor:.2f} of the floor")
