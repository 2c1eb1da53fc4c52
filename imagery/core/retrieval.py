"""Retrieval by example: how well a descriptor finds the other pictures of a group.

Paper A, Table I: each query ranks all other pictures by their distance to it, nearest first;
the mean over queries of the average precision of those rankings is the mAP. Two ways to
measure the area under precision against recall are in use, and both are computed:

- plain: the mean of the precision at each picture that belongs;
- trapezoid: precision drawn as straight lines between those points, as the tool that INRIA
  published with Holidays does (Jégou, Douze & Schmid 2008).

Pictures at one distance from the query have no order among themselves. Their expected average
precision over all their orders is computed, in closed form (McSherry & Najork, "Computing
information retrieval performance measures efficiently in the presence of tied scores", 2008):
hashes tie often, and the order of files' names would favour whole groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from imagery.core.distances import Product, checked

METRICS = ("euclidean", "hamming")
RESAMPLES = 2000
_HELD = 8_000_000  # distances held at once: 64 MB of float64


@dataclass(frozen=True, slots=True)
class Precisions:
    """Average precision of each query, in the queries' order: (q,) float64 in 0…1."""

    plain: np.ndarray
    trapezoid: np.ndarray


def score(
    vectors: np.ndarray, groups: np.ndarray, queries: np.ndarray, metric: str = "euclidean"
) -> Precisions:
    """Rank all rows but the query's own for each query, and score the rankings.

    vectors: (n, d) floats, or (n, b) uint8 hashes for "hamming". groups: (n,) integers.
    queries: (q,) row numbers. Holds 8 bytes per number of `vectors` and 64 MB of distances,
    whatever n. Raises ValueError for other arrays, a vector that is not finite, a query that is
    alone in its group.
    """
    if groups.shape != vectors.shape[:1] or groups.dtype.kind not in "iu":
        raise ValueError(f"want {len(vectors)} whole numbers, got {groups.shape} {groups.dtype}")
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sizes = counts[place]
    if queries.size and (sizes[queries] < 2).any():
        first = int(queries[np.argmax(sizes[queries] < 2)])
        raise ValueError(f"row {first} is asked for others of its group, and has none")
    plain, trapezoid = np.empty(len(queries)), np.empty(len(queries))
    at = 0
    for block, away in _distances(vectors, queries, metric):
        for query, row in zip(block, away, strict=True):
            row[query] = np.inf
            belongs = groups == groups[query]
            belongs[query] = False
            plain[at], trapezoid[at] = average_precision(row[belongs], row)
            at += 1
    return Precisions(plain, trapezoid)


def average_precision(relevant: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Average precision of one ranking, plain and by trapezoids.

    relevant: (m,) distances of the pictures that belong, m ≥ 1. others: (n,) distances of all
    that are ranked, those among them; an infinite one ranks nowhere. Ties: their mean over all
    orders.
    """
    if not relevant.size or not np.isfinite(relevant).all():
        raise ValueError(f"want finite distances of one picture or more, got {relevant[:3]}")
    ordered = np.sort(others)
    values, hits = np.unique(relevant, return_counts=True)
    first = np.searchsorted(ordered, values, side="left")
    tied = np.searchsorted(ordered, values, side="right") - first
    found = np.cumsum(hits) - hits
    # One entry for each place of each run of ties.
    run = np.repeat(np.arange(len(values)), tied)
    step = np.arange(len(run)) - np.repeat(np.cumsum(tied) - tied, tied)
    place = first[run] + step  # pictures ranked before
    likely = (hits / tied)[run]  # that the picture at this place belongs
    # Given that it does, the run's other hits fall on the places before it evenly.
    before = found[run] + step * ((hits - 1) / np.maximum(tied - 1, 1))[run]
    right = (before + 1) / (place + 1)
    left = np.where(place == 0, 1.0, before / np.maximum(place, 1))
    plain = float(likely @ right) / len(relevant)
    return plain, float(likely @ (right + left)) / 2 / len(relevant)


def interval(
    scores: np.ndarray, groups: np.ndarray, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float] | None:
    """Where the mean would lie, had other groups been drawn: percentiles of a bootstrap.

    scores: (q,) of queries, groups: (q,) the group of each. Groups are resampled whole, for
    queries of one group are no independent draws. None where there are fewer than two groups.
    """
    _, place = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(place, weights=scores), np.bincount(place)
    if len(sums) < 2:
        return None
    if np.ptp(scores) == 0:
        return float(scores[0]), float(scores[0])
    from scipy import stats

    found = stats.bootstrap(
        (sums, sizes),
        lambda total, n, axis: total.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=level,
        n_resamples=RESAMPLES,
        batch=max(1, _HELD // (4 * len(sums))),
        rng=rng,
    ).confidence_interval
    return float(found.low), float(found.high)


def _distances(
    vectors: np.ndarray, queries: np.ndarray, metric: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of queries with their distances to all rows: (k,), (k, n) float32, theirs to change.

    Euclidean ones below what a matrix product can tell from none are 0, so copies tie.
    """
    if metric not in METRICS:
        raise ValueError(f"want a metric of {METRICS}, got {metric!r}")
    if metric == "hamming":
        if vectors.ndim != 2 or vectors.dtype != np.uint8:
            raise ValueError(f"want (n, b) uint8 hashes, got {vectors.shape} {vectors.dtype}")
        held = max(1, _HELD // max(1, vectors.size))
        for at in range(0, len(queries), held):
            block = queries[at : at + held]
            bits = np.bitwise_count(vectors[block, None] ^ vectors[None])
            yield block, bits.sum(axis=2, dtype=np.int32).astype(np.float32)
        return
    product = Product.make(checked(vectors), np.float64)
    held = max(1, _HELD // max(1, len(vectors)))
    for at in range(0, len(queries), held):
        block = queries[at : at + held]
        squares = product.of(block, slice(None))
        squares[squares <= product.margin] = 0.0
        yield block, np.sqrt(squares).astype(np.float32)
