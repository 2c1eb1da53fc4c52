"""Sets of near-duplicate hashes: how long, how it grows, and whether they are exact.

python -m benchmarks dedup [--sizes 100000 1000000] [--rows 100000]

Hashes come in clusters of five on average, up to 11 bits around their centres. Exactness is told
against comparing a sample with every representative. Then the stage as a whole, from rows to rows.
"""

from __future__ import annotations

import argparse
import math
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks import _event
from imagery.core import uniqueness

THRESHOLD = 8
SAMPLE = 300


def clustered(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 8) uint8: a fifth as many centres, members up to 11 bits away."""
    centres = rng.integers(0, 256, (n // 5, 8), np.uint8)
    which, n_turned = rng.integers(0, len(centres), n), rng.integers(0, 12, n)
    parts = []
    for at in range(0, n, 100_000):
        bits = np.unpackbits(centres[which[at : at + 100_000]], axis=1)
        turn = rng.random(bits.shape).argsort(axis=1) < n_turned[at : at + 100_000, None]
        parts.append(np.packbits(bits ^ turn, axis=1))
    return np.concatenate(parts)


def wrong(hashes: np.ndarray, made: uniqueness.Assignment, rng: np.random.Generator) -> int:
    """How many of a sample are not where comparing them with every representative puts them."""
    words = hashes.view(np.uint64)[:, 0]
    leads = np.unique(made.representative)
    n_wrong = 0
    for i in rng.choice(len(hashes), min(SAMPLE, len(hashes)), replace=False).tolist():
        earlier = leads[leads < i]
        bits = np.bitwise_count(words[earlier] ^ words[i])
        near = bits.min(initial=64) < THRESHOLD
        n_wrong += int(made.representative[i]) != (int(earlier[bits.argmin()]) if near else i)
    return n_wrong


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="dedup")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    print("   hashes  wall s  cores s   hashes/s      sets  wrong of the sample  growth   peak MB")
    before: tuple[int, float] | None = None
    for n in options.sizes:
        hashes = clustered(n, rng)
        begun, worked = time.perf_counter(), time.process_time()
        made = uniqueness.assign(hashes, THRESHOLD)
        wall, core = time.perf_counter() - begun, time.process_time() - worked
        peak = _event.peak_mb()
        growth = ""
        if before:
            growth = f"n^{math.log(core / before[1]) / math.log(n / before[0]):.2f}"
        n_sets = len(np.unique(made.representative))
        print(
            f"{n:9,d} {wall:7.2f} {core:8.2f} {n / wall:10,.0f} {n_sets:9,d} "
            f"{wrong(hashes, made, rng):7d} of {SAMPLE:<8} {growth:>9} {peak:9,.0f}",
            flush=True,
        )
        before = n, core
    with _event.fresh_data():
        stage(options.rows)


def stage(n: int) -> None:
    """`dedup.run` on n images, each in one post; then again, where nothing changes."""
    from imagery import dedup
    from imagery.models import Event, Image, Link, Post, PostLink
    from imagery.writing import insert_rows

    event = Event.objects.create(slug="bench", name="Bench")
    hashes = clustered(n, np.random.default_rng(1))
    begin = datetime(2017, 9, 20, tzinfo=UTC)
    ids = range(1, n + 1)
    insert_rows(
        Image,
        ("event_id", "sha256", "n_bytes", "phash", "signature", "created_at"),
        [(event.pk, f"{i:064x}", 1, hashes[i - 1].tobytes().hex(), bytes(192), begin) for i in ids],
    )
    insert_rows(
        Link, ("event_id", "url", "key", "image_id"), [(event.pk, str(i), str(i), i) for i in ids]
    )
    insert_rows(
        Post,
        ("event_id", "platform", "uid", "posted_at", "has_images"),
        [(event.pk, "x", str(i), begin + timedelta(seconds=i), True) for i in ids],
    )
    insert_rows(PostLink, ("post_id", "link_id"), [(i, i) for i in ids])
    for name in ("rows to rows", "again, unchanged"):
        begun, worked = time.perf_counter(), time.process_time()
        dedup.run(event)
        wall, core = time.perf_counter() - begun, time.process_time() - worked
        print(
            f"{n:9,d} {wall:7.2f} {core:8.2f} {n / wall:10,.0f} {event.unique_images.count():9,d} "
            f"stage, {name}; peak {_event.peak_mb():,.0f} MB",
            flush=True,
        )
