"""Posts brought in from a file, against Python's bare parse of the same lines.

python -m benchmarks imports [--posts 100000]

Two files: one post in thirteen with a picture, as in a stream of posts about a storm, and every
post with one. Each goes in twice: as new, and again unchanged. Figures are posts a second of
processor time; peak memory is the importing process's.

With DATABASE_URL of a PostgreSQL database that may be emptied, the rows go there, and the figures
also say how long it took, and how that compares with a bare COPY of the same rows of posts from a
file, into a table of the same columns and indexes, within the same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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
        Event.objects.filter(slug="bench").delete()
        event = Event.objects.create(slug="bench", name="Bench")
        n = 0
        for name in ("new", "again, unchanged"):
            row = ingest.accept_path(event, path)
            begun = time.perf_counter()
            spent = _timed(lambda row=row: ingest.run(row))
            lasted = time.perf_counter() - begun
            n = row.n_read
            told = f"{n / spent:9,.0f} posts/s  {bare / spent:6.3f} of the bare parse"
            print(f"  {name:<18}{told}  ({row.n_new:,} new, {row.n_unchanged:,} unchanged)")
            if on_postgresql():
                print(f"  {'':<18}{n / lasted:9,.0f} posts/s by the clock")
        if on_postgresql():
            copied = bare_copy(path.with_suffix(".copy"))
            print(f"  {'bare COPY':<18}{n / copied:9,.0f} posts/s by the clock")
        print(f"  {'read into records':<18}{n / read:9,.0f} posts/s")
        print(f"  {'bare json.loads':<18}{n / bare:9,.0f} posts/s")
        print(f"  peak memory {peak_mb():,.0f} MB")


def on_postgresql() -> bool:
    from django.db import connection

    return connection.vendor == "postgresql"


def bare_copy(file: Path) -> float:
    """Seconds that the server takes for a COPY of the rows of posts into a table like theirs."""
    from django.db import connection

    cursor: Any
    with connection.cursor() as cursor:
        with file.open("wb") as kept, cursor.copy("COPY imagery_post TO STDOUT") as rows:
            for block in rows:
                kept.write(block)
        cursor.execute("CREATE TABLE bench_post (LIKE imagery_post INCLUDING ALL)")
        try:
            begun = time.perf_counter()
            with file.open("rb") as kept, cursor.copy("COPY bench_post FROM STDIN") as rows:
                while block := kept.read(2**16):
                    rows.write(block)
            return time.perf_counter() - begun
        finally:
            cursor.execute("DROP TABLE bench_post")
            file.unlink(missing_ok=True)


def bare_parse(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def _timed(act: object) -> float:
    """Seconds of this process's processor time."""
    begun = time.process_time()
    act()  # type: ignore[operator]
    return time.process_time() - begun
