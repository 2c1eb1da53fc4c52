"""Posts brought in from a file, against Python's bare parse of the same lines.

python -m benchmarks imports [--posts 100000]

Two files: one post in thirteen with a picture, as in a stream of posts about a storm, and every
post with one. Each goes in twice: as new, and again unchanged. Figures are posts a second of
processor time; peak memory is the importing process's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _posts
from benchmarks._event import fresh_data, peak_mb

ROOT = Path(__file__).parent.parent
SHARES = (1 / 13, 1.0)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="imports")
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--one", metavar="FILE", help="measure this file, in this process")
    options = parser.parse_args(arguments)
    if options.one:
        measure(Path(options.one))
        return
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        for share in SHARES:
            path = _posts.write(Path(folder) / f"{share:.0%}.ndjson", options.posts, share)
            print(f"{options.posts:,} posts, {share:.0%} with a picture, {_mb(path):.0f} MB")
            command = [sys.executable, "-m", "benchmarks", "imports", "--one", str(path)]
            subprocess.run(command, cwd=ROOT, check=True)


def _mb(path: Path) -> float:
    return path.stat().st_size / 1e6


def measure(path: Path) -> None:
    with fresh_data():
        from imagery import ingest, sources
        from imagery.models import Event

        bare = _timed(lambda: bare_parse(path))
        read = _timed(lambda: sum(1 for _ in sources.read(path)))
        event = Event.objects.create(slug="bench", name="Bench")
        n = 0
        for name in ("new", "again, unchanged"):
            row = ingest.accept_path(event, path)
            spent = _timed(lambda row=row: ingest.run(row))
            n = row.n_read
            told = f"{n / spent:9,.0f} posts/s  {bare / spent:6.3f} of the bare parse"
            print(f"  {name:<18}{told}  ({row.n_new:,} new, {row.n_unchanged:,} unchanged)")
        print(f"  {'read into records':<18}{n / read:9,.0f} posts/s")
        print(f"  {'bare json.loads':<18}{n / bare:9,.0f} posts/s")
        print(f"  peak memory {peak_mb():,.0f} MB")


def bare_parse(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def _timed(act: object) -> float:
    """Seconds of this process's processor time."""
    begun = time.process_time()
    act()  # type: ignore[operator]
    return time.process_time() - begun
