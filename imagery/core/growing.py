"""The tree and the neighbours of vectors of which most were there before.

A minimum spanning tree of a union lies within that of the parts and the pairs between them; and
what is left of one, when vectors are taken out, lies within the tree of those that stay. So only
pairs with a vector outside the largest piece that is left are looked at: those that are new, and
those cut off. Distances are compared in float64 and measured by difference, as from scratch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imagery.core import spanning
from imagery.core.distances import Product, checked, exact
from imagery.core.linkage import Tree
from imagery.core.spanning import Edges

BLOCK = 256  # rows held against all others at once
TILE = 4096
NARROW = 4 * np.finfo(np.float32).eps  # what rounding to float32 may hide, relative


def outside(n: int, edges: Edges) -> np.ndarray:
    """(n,) bool: the vectors that are not in the largest piece of the forest."""
    ones = np.ones(len(edges[0]), np.int8)
    graph = coo_array((ones, (edges[0], edges[1])), shape=(n, n))
    _, piece = connected_components(graph, directed=False)
    return piece != np.bincount(piece).argmax() if n else np.zeros(0, bool)


def tree(vectors: np.ndarray, edges: Edges) -> Tree:
    """`linkage.minimum_spanning_tree` of (n, d) floats, from edges that are in it.

    edges: what is left of the tree of some of them: (u, v, d), u < v, indices into vectors.
    Costs O(m n d) for m vectors outside the largest piece. Of equally long edges others may be
    chosen than from scratch; lengths, and groups at any similarity, are the same.
    """
    rows, n = checked(vectors), len(vectors)
    far = outside(n, edges)
    found = spanning.kruskal(n, *_with(rows, edges, _first_links(rows, far)))
    order, step = spanning.leaves(n, found)
    pairs = [np.zeros((0, 2), np.int64), *_improving(rows, np.flatnonzero(far), order, step)]
    u, v, d = spanning.kruskal(n, *_with(rows, found, np.concatenate(pairs)))
    order = np.lexsort((v, u, d))
    return Tree(n, u[order].astype(np.int32), v[order].astype(np.int32), d[order])


def neighbours(
    vectors: np.ndarray, index: np.ndarray, distance: np.ndarray, added: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`neighbours.knn` of (n, d) floats, from lists that lack the added ones.

    index, distance: (n, k), as knn gives them, of those that are not added; a row that names −1
    although there are others, as where a neighbour was taken out, is made anew. added: (n,) bool.
    """
    rows, k = checked(vectors), index.shape[1]
    index, distance = index.astype(np.int32), distance.astype(np.float32)
    anew = added | (index[:, : min(k, int((~added).sum()) - 1)] < 0).any(axis=1)
    told = [np.zeros((0, 2), np.int64)]
    reach = np.where(anew, -np.inf, np.square(distance[:, -1].astype(np.float64)))
    reach += np.abs(np.where(np.isfinite(reach), reach, 0)) * NARROW
    for which, squared, margin in _squared(rows, np.flatnonzero(anew)):
        new = np.flatnonzero(added[which])
        row, column = np.nonzero(squared[new] <= reach + margin)
        told.append(np.stack([column, which[new][row]], axis=1))
        index[which], distance[which] = _nearest(rows, which, squared, margin, k)
    _merge(rows, index, distance, np.concatenate(told))
    return index, distance


def _squared(rows: np.ndarray, which: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Blocks of those rows: (m,), squared distances from all (m, n) float64, and their error."""
    n = len(rows)
    for at in range(0, len(which), BLOCK):
        block = which[at : at + BLOCK]
        squared, margin = np.empty((len(block), n)), 0.0
        for left in range(0, n, TILE):
            right = min(left + TILE, n)
            wide = Product.make(np.concatenate([rows[block], rows[left:right]]), np.float64)
            squared[:, left:right] = wide.of(slice(0, len(block)), slice(len(block), None))
            margin = max(margin, wide.margin)
        yield block, squared, margin


def _with(rows: np.ndarray, edges: Edges, pairs: np.ndarray) -> Edges:
    u, v = pairs.astype(np.int64).T
    made = [*edges[:2], edges[2].astype(np.float32)]
    new = (u, v, exact(rows, u, v))
    u, v, d = (np.concatenate(both) for both in zip(made, new, strict=True))
    return u.astype(np.int64), v.astype(np.int64), d


def _first_links(rows: np.ndarray, far: np.ndarray) -> np.ndarray:
    """(m, 2): each of the far ones with the nearest of all, and with the nearest of the others:
    with the forest they span everything."""
    pairs = [np.zeros((0, 2), np.int64)]
    for which, squared, _ in _squared(rows, np.flatnonzero(far)):
        squared[np.arange(len(which)), which] = np.inf
        pairs.append(np.stack([which, squared.argmin(axis=1)], axis=1))
        squared[:, far] = np.inf
        pairs.append(np.stack([which, squared.argmin(axis=1)], axis=1))
    found = np.concatenate(pairs)
    return found[found[:, 0] != found[:, 1]]


def _improving(
    rows: np.ndarray, which: np.ndarray, order: np.ndarray, step: np.ndarray
) -> Iterator[np.ndarray]:
    """Pairs (m, 2) with one of those rows that may be nearer than the largest step on the tree's
    path between them. order, step: of `spanning.leaves`."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    for block, squared, margin in _squared(rows, which):
        for row, at in enumerate(place[block].tolist()):
            before = np.maximum.accumulate(step[:at][::-1])[::-1]
            allowed = np.concatenate([before, [-np.inf], np.maximum.accumulate(step[at:])])
            near = order[squared[row, order] < allowed + margin]
            yield np.stack([np.full(len(near), block[row]), near], axis=1)


def _nearest(
    rows: np.ndarray, which: np.ndarray, squared: np.ndarray, margin: float, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest others of those rows, exactly: (m, k) indices and distances."""
    squared = squared.copy()
    squared[np.arange(len(which)), which] = np.inf
    width = min(k, len(rows) - 1)
    index = np.full((len(which), k), -1, np.int32)
    distance = np.full((len(which), k), np.inf, np.float32)
    if not width:
        return index, distance
    limit = np.partition(squared, width - 1, axis=1)[:, width - 1]
    limit = limit + np.abs(limit) * NARROW + 2 * margin
    for i, row in enumerate(which.tolist()):
        near = np.flatnonzero(squared[i] <= limit[i])
        away = exact(rows, np.full(len(near), row), near)
        order = np.lexsort((near, away))[:width]
        index[i, :width], distance[i, :width] = near[order], away[order]
    return index, distance


def _merge(rows: np.ndarray, index: np.ndarray, distance: np.ndarray, pairs: np.ndarray) -> None:
    """Put the second of each pair among the neighbours of the first, where it is near enough."""
    if not len(pairs):
        return
    k = index.shape[1]
    away = exact(rows, pairs[:, 0], pairs[:, 1])
    touched, row = np.unique(pairs[:, 0], return_inverse=True)
    held = index[touched] >= 0
    of_held = np.nonzero(held)[0]
    row = np.concatenate([of_held, row])
    other = np.concatenate([index[touched][held].astype(np.int64), pairs[:, 1]])
    away = np.concatenate([distance[touched][held], away])
    order = np.lexsort((other, away, row))
    row, other, away = row[order], other[order], away[order]
    begin = np.searchsorted(row, np.arange(len(touched)))
    rank = np.arange(len(row)) - begin[row]
    kept = rank < k
    index[touched[row[kept]], rank[kept]] = other[kept]
    distance[touched[row[kept]], rank[kept]] = away[kept]
