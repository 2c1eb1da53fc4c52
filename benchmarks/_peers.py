"""Other programs that do part of the work, each in an environment of its own, made once.

They want other versions of what this product uses. Environments are kept in the user's cache
folder; where one cannot be made, that is said, and the figures go without it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afterimage-bench"

FASTDUP = ("fastdup==2.54", "numpy<2")
# Without dependencies: torch and the rest are ours, which it sees behind its own.
IMAGEDEDUP = (
    "--no-deps", "imagededup==0.3.3.post2", "PyWavelets", "matplotlib", "contourpy", "cycler",
    "kiwisolver", "fonttools", "pyparsing", "python-dateutil", "packaging", "six", "tqdm",
)  # fmt: skip

RUN_FASTDUP = """
import sys, tempfile, time
import fastdup
with tempfile.TemporaryDirectory() as work:
    begun = time.perf_counter()
    fastdup.create(work_dir=work, input_dir=sys.argv[1]).run(print_summary=False)
    print("SECONDS", time.perf_counter() - begun)
"""
RUN_IMAGEDEDUP = """
import sys, time
from imagery.core.torchvision_ready import import_torchvision
import_torchvision()
from imagededup.methods import PHash
begun = time.perf_counter()
PHash(verbose=False).encode_images(image_dir=sys.argv[1])
print("SECONDS", time.perf_counter() - begun)
"""


def fastdup(folder: Path) -> float | None:
    """Seconds of its `run` on a folder's pictures, imports aside; None where it cannot be had."""
    return _seconds("fastdup", FASTDUP, RUN_FASTDUP, folder, ours=False)


def imagededup(folder: Path) -> float | None:
    """Seconds of `PHash.encode_images` on a folder's pictures; None where it cannot be had."""
    return _seconds("imagededup", IMAGEDEDUP, RUN_IMAGEDEDUP, folder, ours=True)


def _seconds(
    name: str, packages: tuple[str, ...], code: str, folder: Path, ours: bool
) -> float | None:
    try:
        python = _environment(name, packages, ours)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"{name} is left out, for it cannot be installed: {_why(error)}", flush=True)
        return None
    env = os.environ | {"SENTRY_OPT_OUT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(python), "-c", code, str(folder)],
        env=env, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    found = re.search(r"^SECONDS ([\d.]+)$", done.stdout, re.MULTILINE)
    if done.returncode or found is None:
        print(f"{name} is left out, for it ended badly: {done.stderr.strip()[-300:]}", flush=True)
        return None
    return float(found[1])


def _environment(name: str, packages: tuple[str, ...], ours: bool) -> Path:
    """The interpreter of an environment with these packages, made where there is none yet."""
    home = CACHE / name
    python, made = home / "bin" / "python", home / "made-of.txt"
    wanted = "\n".join([*packages, sys.version])
    if not made.is_file() or made.read_text() != wanted:
        print(f"installing {name} into an environment of its own …", flush=True)
        run = {"check": True, "capture_output": True, "text": True, "timeout": 1200}
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], **run)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], **run)
        if ours:
            site = next((home / "lib").glob("python*/site-packages"))
            (site / "zz_ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
        made.write_text(wanted)
    return python


def _why(error: Exception) -> str:
    said = str(getattr(error, "stderr", "") or error).strip()
    return said.splitlines()[-1][:300] if said else type(error).__name__
