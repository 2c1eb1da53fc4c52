"""What one picture costs before the network, and what the sets of many cost.

Prints milliseconds per picture of 1200 × 900 of one core's own time (each picture's best of five
rounds, so that a busy machine disturbs less), then seconds for the sets of 100,000 clustered
hashes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._pictures import make_files
from imagery.core import decode, hamming, hashing, quality, uniqueness


def timed(name: str, step: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    best = np.full(len(items), np.inf)
    for _ in range(5):
        results = []
        for place, item in enumerate(items):
            begun = time.thread_time()
            results.append(step(item))
            best[place] = min(best[place], time.thread_time() - begun)
    print(f"{name:28}{best.mean() * 1e3:6.2f} ms")
    return results


def one_picture(files: Sequence[bytes]) -> None:
    decoded = timed("decode, luma, small copy", decode.decode, files)
    timed("pHash", lambda d: hashing.phash(d.luma), decoded)
    timed("PDQ", lambda d: hashing.pdq(d.small), decoded)
    timed("quality", lambda d: quality.measure(d.small, d.width, d.height), decoded)
    timed("signature", lambda d: hashing.signature(d.small), decoded)
    timed("thumbnail 320", lambda d: decode.thumbnail(d.small, 320), decoded)
    timed("all of these", everything, files)
    timed("rendition 960", lambda data: decode.render(data, 960), files)


def everything(data: bytes) -> None:
    found = decode.decode(data)
    hashing.phash(found.luma)
    hashing.pdq(found.small)
    quality.measure(found.small, found.width, found.height)
    hashing.signature(found.small)
    decode.thumbnail(found.small, 320)


def clustered(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 8) uint8: a fifth as many centres, members up to 11 bits away."""
    centres = rng.integers(0, 256, (n // 5, 8), np.uint8)
    bits = np.unpackbits(centres[rng.integers(0, len(centres), n)], axis=1)
    turn = rng.random(bits.shape).argsort(axis=1) < rng.integers(0, 12, n)[:, None]
    return np.packbits(bits ^ turn, axis=1)


def many_pictures() -> None:
    hashes = clustered(100_000, np.random.default_rng(0))
    clumped = hashes.copy()
    clumped[:10_000] = clumped[0]
    for name, step in (
        ("neighbours, 100,000", lambda: hamming.neighbours(hashes, 8)),
        ("sets, 100,000", lambda: uniqueness.assign(hashes, 8)),
        ("sets, 10,000 alike", lambda: uniqueness.assign(clumped, 8)),
    ):
        begun, worked = time.perf_counter(), time.process_time()
        step()
        wall_s, core_s = time.perf_counter() - begun, time.process_time() - worked
        print(f"{name:28}{wall_s:6.2f} s ({core_s:.2f} s of all cores together)")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="hashing")
    parser.add_argument("--pictures", type=int, default=40)
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        paths = make_files(Path(folder), parser.parse_args(arguments).pictures)
        one_picture([path.read_bytes() for path in paths])
    many_pictures()
