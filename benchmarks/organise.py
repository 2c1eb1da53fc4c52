"""`organise`: files on disk to everything the pages need, through jobs and worker as in use.

Makes JPEGs of 1200 × 900 from the photographs that scikit-image carries, imports them as a
folder into a fresh data folder and times `process`, with copies told by hash alone. Beside it, in
the same run on the same files: the floor, which is a bare reduced decode and a bare forward pass,
each alone on all cores, by the libraries that `organise` itself uses; and fastdup's `run`.

One pass over two pictures goes first: once per installation the network is converted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import _peers, _watch
from benchmarks._pictures import SIZE, make_files

ROOT = Path(__file__).parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@dataclass(frozen=True)
class Pass:
    """One pass over an event: what the command took, and each stage, in seconds."""

    command: _watch.Watched
    stages: dict[str, float]

    @property
    def seconds(self) -> float:
        """From the first job's start to the last one's end, `versions` aside."""
        return self.stages["all"] - self.stages.get("versions", 0.0)


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


def _forward(n: int, weights: Path | None, cache: Path) -> float:
    """Seconds of n forward passes in one process, on one core; raises WeightsMissing."""
    from imagery.core import backbones

    network = backbones.load("mobilenet_v2", weights_dir=weights, cache_dir=cache, threads=1)
    batch = [network.prepare(np.zeros((450, 600, 3), np.uint8))] * 32
    network.encode(batch)
    begun = time.perf_counter()
    for _ in range(n // 32):
        network.encode(batch)
    return time.perf_counter() - begun


def bare_forward(n: int, data: Path) -> float | None:
    """Images a second of nothing but the default backbone's forward pass, on all cores."""
    from imagery.core.backbones import WeightsMissing

    given = os.environ.get("IMAGERY_WEIGHTS_DIR")
    cores = os.cpu_count() or 1
    each = max(1, n // cores // 32) * 32
    weights = Path(given) if given else data / "weights"
    with ProcessPoolExecutor(cores) as pool:
        try:
            took = [
                job.result()
                for job in [
                    pool.submit(_forward, each, weights, data / "weights") for _ in range(cores)
                ]
            ]
        except WeightsMissing as error:
            print(f"no forward pass: {error}")
            return None
    return sum(each / seconds for seconds in took)


def _manage(data: Path, *arguments: str) -> str:
    env = os.environ | {"AFTERIMAGE_DATA": str(data)}
    done = subprocess.run(
        [*MANAGE, *arguments], env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _shell(data: Path, code: str) -> str:
    return _manage(data, "shell", "-v0", "-c", code)


def process(data: Path, slug: str) -> Pass:
    """Organise an event with a worker of its own; stages as the jobs' own rows tell them."""
    event = f"from imagery.models import Job; jobs = Job.objects.filter(event__slug={slug!r})"
    last = _shell(data, f"{event}; print(max(jobs.values_list('id', flat=True), default=0))")
    env = os.environ | {"AFTERIMAGE_DATA": str(data)}
    command = _watch.run([*MANAGE, "process", slug], env)
    show = (
        f"{event}.filter(id__gt={int(last)}).order_by('id')\n"
        "for j in jobs: print(j.stage, j.elapsed_s())\n"
        "print('all', (jobs.last().finished_at - jobs.first().started_at).total_seconds())"
    )
    lines = (line.split() for line in _shell(data, show).splitlines())
    return Pass(command, {stage: float(elapsed) for stage, elapsed in lines})


def organise(paths: list[Path], data: Path) -> tuple[Pass, Pass, Pass]:
    """A first pass over two pictures, one over all by hash alone, and one that looks for
    versions, where there is such a stage.
    """
    few = data.parent / "few"
    few.mkdir()
    for path in paths[:2]:
        shutil.copy(path, few)
    _manage(data, "migrate", "-v0")
    _manage(data, "import_posts", "few", str(few), "--no-process")
    _manage(data, "import_posts", "bench", str(paths[0].parent), "--no-process")
    copies = "from imagery.models import Event; Event.objects.update(copies={!r})"
    _shell(data, copies.format("near"))
    first, near = process(data, "few"), process(data, "bench")
    _shell(data, copies.format("versions"))
    return first, near, process(data, "bench")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="organise")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--no-peers", action="store_true", help="leave fastdup out")
    options = parser.parse_args(arguments)
    n_images = options.images
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as made:
        folder, data = Path(made) / "pictures", Path(made) / "data"
        folder.mkdir()
        paths = make_files(folder, n_images)
        mean_kb = sum(path.stat().st_size for path in paths) / len(paths) / 1000
        print(f"{n_images} JPEGs of {SIZE[0]} × {SIZE[1]}, {mean_kb:.0f} kB each", flush=True)
        first, near, wider = organise(paths, data)
        decode, forward = bare_decode(paths), bare_forward(n_images, data)
        fastdup_s = None if options.no_peers else _peers.fastdup(folder)
    print(f"the first pass of all, 2 pictures    {first.command.seconds:8.2f} s")
    for stage, elapsed in near.stages.items():
        print(f"{stage:<36} {elapsed:8.2f} s  {n_images / elapsed if elapsed else 0:8.1f} images/s")
    whole = near.command
    print(f"command, worker's start included     {whole.seconds:8.2f} s")
    print(
        f"processor time                       {whole.core_s:8.2f} s  "
        f"{whole.core_s * 1e3 / n_images:8.2f} ms an image"
    )
    print(f"peak memory, all processes           {whole.peak_mb:8.0f} MB")
    if "versions" in wider.stages:
        versions = wider.stages["versions"]
        print(f"versions, its own pass               {versions:8.2f} s")
    rate = n_images / near.seconds
    print(f"organise                             {rate:8.1f} images/s")
    print(f"bare decode at 1/2                   {decode:8.1f} images/s")
    if forward:
        floor = 1 / (1 / decode + 1 / forward)
        print(f"bare forward pass                    {forward:8.1f} images/s")
        print(f"floor (one, then the other)          {floor:8.1f} images/s")
        print(f"organise is {rate / floor:.2f} of the floor")
    if fastdup_s:
        print(f"fastdup's run                        {n_images / fastdup_s:8.1f} images/s")
        print(f"organise is {rate * fastdup_s / n_images:.2f} times fastdup's run")


if __name__ == "__main__":
    main(sys.argv[1:])
