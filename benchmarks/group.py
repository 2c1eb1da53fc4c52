"""The similarity tree against FAISS's bare flat search, and groups at any θ once it is there, on
vectors like class probabilities; the largest size is that of paper A's S1.

python -m benchmarks group [--sizes 5000 10000 32720] [--width 1000] [--neighbours 32]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import faiss

from benchmarks._event import peak_mb, peaky
from imagery.core import linkage

THETAS = (0.45, 0.6, 0.7, 0.8, 0.9, 0.97)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="group")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 10_000, 32_720])
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--neighbours", type=int, default=32)
    options = parser.parse_args(arguments)
    print(
        "     n    tree s  flat search s  of it  growth of tree  groups at 0.8   peak MB   any θ ms"
    )
    before: tuple[int, float] | None = None
    for n in options.sizes:
        vectors = peaky(n, options.width)
        start = time.perf_counter()
        tree = linkage.minimum_spanning_tree(vectors)
        spent = time.perf_counter() - start
        peak = peak_mb()
        bare = seconds(lambda rows=vectors: faiss.knn(rows, rows, options.neighbours + 1))
        growth = ""
        if before is not None:
            growth = f"n^{math.log(spent / before[1]) / math.log(n / before[0]):.2f}"
        n_groups = int(linkage.cut(tree, 0.8).max()) + 1
        cuts = [
            seconds(lambda theta=theta, tree=tree: linkage.cut(tree, theta)) for theta in THETAS
        ]
        print(
            f"{n:6d} {spent:9.2f} {bare:14.2f} {bare / spent:6.2f} {growth:>15} "
            f"{n_groups:14d} {peak:9.0f} {1000 * max(cuts):10.1f}"
        )
        before = n, spent
