"""What one picture costs before the network, and `hash` against others.

Prints milliseconds per picture of 1200 × 900 of one core's own time (each picture's best of five
rounds, so that a busy machine disturbs less). Then `hash`, files on disk to pHash on all cores,
beside the bare reduced decode and imagededup's `PHash.encode_images` of the same files.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import _peers
from benchmarks._pictures import make_files
from benchmarks.organise import bare_decode
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
    decoded = timed("decode, small copy", decode.decode, files)
    timed("its luma", lambda d: d.small_image.convert("L"), decoded)
    timed("pHash", lambda d: hashing.phash(d.luma), decoded)
    timed("PDQ", lambda d: hashing.pdq(d.small_image), decoded)
    timed("quality", lambda d: quality.measure(d.luma, d.width, d.height), decoded)
    timed("signature", lambda d: hashing.signature(d.small_image), decoded)
    timed("thumbnail 320", lambda d: decode.thumbnail(d.small_image, 320), decoded)
    timed("all of these", everything, files)
    timed("rendition 960", lambda data: decode.render(data, 960), files)


def everything(data: bytes) -> None:
    found = decode.decode(data)
    hashing.phash(found.luma)
    hashing.pdq(found.small_image)
    quality.measure(found.luma, found.width, found.height)
    hashing.signature(found.small_image)
    decode.thumbnail(found.small_image, 320)


def _one_core() -> None:
    """Each process keeps to one core, as the worker's do."""
    threadpool_limits(1, user_api="blas")


def _hash(path: Path) -> str:
    return hashing.to_hex(hashing.phash(decode.decode(path.read_bytes()).luma))


def hash_all(paths: list[Path]) -> float:
    """Images a second from files to pHash, on all cores."""
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_core) as pool:
        list(pool.map(_hash, paths[:16]))
        begun = time.perf_counter()
        list(pool.map(_hash, paths, chunksize=16))
        return len(paths) / (time.perf_counter() - begun)


def beside_others(paths: list[Path], peers: bool) -> None:
    """The median of five ratios, each of two that ran one right after the other."""
    rates = [(hash_all(paths), bare_decode(paths)) for _ in range(5)]
    ours, bare = np.median(rates, axis=0)
    ratio = np.median([one / other for one, other in rates])
    print(f"hash                        {ours:8.1f} images/s")
    print(f"bare decode at 1/2          {bare:8.1f} images/s: hash is {ratio:.2f} of it")
    theirs = _peers.imagededup(paths[0].parent) if peers else None
    if theirs:
        rate, again = len(paths) / theirs, hash_all(paths)
        print(f"imagededup's encode_images  {rate:8.1f} images/s: hash is {again / rate:.1f} times")


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
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--no-peers", action="store_true", help="leave imagededup out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        paths = make_files(Path(folder), options.pictures)
        one_picture([path.read_bytes() for path in paths[:40]])
        beside_others(paths, peers=not options.no_peers)
    many_pictures()
