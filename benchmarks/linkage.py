"""Time the similarity tree against FAISS's bare flat search, on vectors like class probabilities.

python -m benchmarks linkage [--sizes 5000 10000 32720] [--width 1000] [--neighbours 32]
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable

import faiss
import numpy as np

from imagery.core import linkage


def peaky(n: int, width: int, seed: int = 0) -> np.ndarray:
    """(n, width) float32, rows sum to 1: pictures of 300 classes, sure of them or not."""
    rng = np.random.default_rng(seed)
    out = np.empty((n, width), np.float32)
    theme = rng.normal(0, 1.5, (300, width)).astype(np.float32)
    popularity = 1 / np.arange(1, 301)
    which = rng.choice(300, n, p=popularity / popularity.sum())
    for at in range(0, n, 4096):
        part = which[at : at + 4096]
        logits = theme[part] + rng.normal(0, 1, (len(part), width)).astype(np.float32)
        logits[np.arange(len(part)), part * width // 300] += rng.gamma(4, 2.5, len(part))
        odds = np.exp(logits)
        out[at : at + 4096] = odds / odds.sum(axis=1, keepdims=True)
    return out


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="linkage")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 10_000, 32_720])
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--neighbours", type=int, default=32)
    options = parser.parse_args(arguments)
    print("     n    tree s  flat search s  ratio  growth of tree  groups at 0.8   peak MB")
    before: tuple[int, float] | None = None
    for n in options.sizes:
        vectors = peaky(n, options.width)
        start = time.perf_counter()
        tree = linkage.minimum_spanning_tree(vectors)
        spent = time.perf_counter() - start
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = seconds(lambda rows=vectors: faiss.knn(rows, rows, options.neighbours + 1))
        growth = ""
        if before is not None:
            growth = f"n^{math.log(spent / before[1]) / math.log(n / before[0]):.2f}"
        n_groups = int(linkage.cut(tree, 0.8).max()) + 1
        print(
            f"{n:6d} {spent:9.2f} {bare:14.2f} {spent / bare:6.2f} {growth:>15} "
            f"{n_groups:14d} {peak_mb:9.0f}"
        )
        before = n, spent
