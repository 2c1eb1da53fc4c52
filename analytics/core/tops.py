"""The top items of each column, for all columns at once."""

from __future__ import annotations

import numpy as np

Triples = tuple[np.ndarray, np.ndarray, np.ndarray]
DENSE = 4_000_000  # cells of (column, item) that are counted at once: 64 MB


def positions(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted id stands in `ids` (distinct, any order); −1 where it does not.

    ids: (n,) int64; wanted: (m,) int64. Returns (m,) int64. A table where ids lie close
    together (as a database gives them), a search otherwise.
    """
    if not len(ids) or not len(wanted):
        return np.full(len(wanted), -1, np.int64)
    low, high = int(ids.min()), int(ids.max())
    if high - low < 16 * len(ids) + 2**20:
        table = np.full(high - low + 2, -1, np.int32)
        table[ids - low] = np.arange(len(ids), dtype=np.int32)
        inside = (wanted >= low) & (wanted <= high)
        return table[np.where(inside, wanted - low, high - low + 1)].astype(np.int64)
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids[order], wanted), len(ids) - 1)
    return np.where(ids[order][at] == wanted, order[at], -1)


def columns(edges: np.ndarray, minute: np.ndarray) -> np.ndarray:
    """Column of each minute: i where edges[i] ≤ minute < edges[i + 1], −1 outside.

    edges: (k + 1,) int64 ascending. Returns (m,) int64.
    """
    at = np.searchsorted(edges.astype(minute.dtype), minute, side="right").astype(np.int64) - 1
    at[at == len(edges) - 1] = -1
    return at


def summed(column: np.ndarray, item: np.ndarray, n: np.ndarray, n_items: int) -> Triples:
    """Equal (column, item) pairs as one, their n added; ascending by column, then item.

    column: (m,) int64 ≥ 0; item: (m,) int64 in [0, n_items); n: (m,) integers. All returned
    as int64.
    """
    key = column * n_items + item
    n_cells = (int(column.max()) + 1) * n_items if len(column) else 0
    if len(key) > 10_000 and n_cells <= DENSE:  # counting is quicker than sorting
        held = np.flatnonzero(np.bincount(key, minlength=n_cells))
        total = np.bincount(key, n, n_cells)[held].astype(np.int64)
        return held // n_items, held % n_items, total
    if len(key) and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        key, n = key[order], n[order]
    if not len(key):
        empty = np.zeros(0, np.int64)
        return empty, empty, empty
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    total = np.add.reduceat(n.astype(np.int64), first)
    return key[first] // n_items, key[first] % n_items, total


def before(column: np.ndarray, item: np.ndarray, n: np.ndarray, n_items: int) -> np.ndarray:
    """n of the same item in the column before, 0 where it is not there: (m,) int64.

    The three as `summed` returns them.
    """
    if not len(n):
        return np.zeros(0, np.int64)
    key = column * n_items + item
    at = np.minimum(np.searchsorted(key, key - n_items), len(key) - 1)
    return np.where(key[at] == key - n_items, n[at], 0)


def highest(column: np.ndarray, score: np.ndarray, then: np.ndarray, limit: int) -> np.ndarray:
    """Indices of the `limit` highest scores in each column, by column, highest first.

    column: (m,) int64 ascending; score, then: (m,) numbers. Among equal scores the higher
    `then` goes first, among equals there the one that comes first.
    """
    if not len(column) or limit <= 0:
        return np.zeros(0, np.int64)
    order = np.lexsort((-then, -score, column))
    start = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    size = np.diff(np.concatenate([start, [len(column)]]))
    place = np.arange(len(column)) - np.repeat(start, size)
    return order[place < limit]
