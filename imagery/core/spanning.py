"""Exact Euclidean minimum spanning forest without holding all pairs.

A minimum spanning tree of a union is that of the parts' trees together. So: a good forest
first, from blocks of vectors that lie near each other; then every pair once, tile by tile,
against what that forest already promises. A pair farther apart than the largest step on
the forest's path between them can be in no minimum tree. Few pairs pass; they are measured
exactly and the forest is built again with them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree as csgraph_tree

from imagery.core.distances import Product, exact

BLOCK = 1024  # vectors joined densely for the first forest
TILE = 4096  # side of a tile of pairs: 64 MB of float32
_HELD = 1_000_000  # pairs gathered before they are measured
_CROWDED = 1 / 256  # share of a tile that passes before it is done again in float64

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # u < v int64, d float32; sorted by d, u, v


def forest(rows: np.ndarray, reach: float = np.inf) -> Edges:
    """Minimum spanning forest of distinct rows (n, d) float32 by pairs nearer than reach.

    Edges sorted by d, u, v. Of pairs equally far apart any may be in it; what is joined
    below any distance is the same.
    """
    n = len(rows)
    none = np.zeros(0, np.int64)
    if n < 2:
        return none, none, np.zeros(0, np.float32)
    edges = _first_forest(rows)
    edges = _completed(rows, edges, reach)
    kept = edges[2] < reach
    return edges[0][kept], edges[1][kept], edges[2][kept]


def root(parent: list[int], i: int) -> int:
    """The representative of i in a union-find forest; halves the path on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


def kruskal(n: int, u: np.ndarray, v: np.ndarray, d: np.ndarray) -> Edges:
    """Minimum spanning forest of the given pairs, which may repeat; ties by u, then v."""
    u, v = np.minimum(u, v), np.maximum(u, v)
    _, once = np.unique(u * np.int64(n) + v, return_index=True)
    order = once[np.lexsort((v[once], u[once], d[once]))]
    u, v, d = u[order], v[order], d[order]
    # By rank, not by distance: no ties, and no zero that would read as no pair at all.
    rank = np.arange(1, len(u) + 1, dtype=np.float64)
    tree = csgraph_tree(coo_array((rank, (u, v)), shape=(n, n)).tocsr())
    kept = np.sort(tree.data).astype(np.int64) - 1
    return u[kept], v[kept], d[kept]


def leaves(n: int, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """An order of the vectors in which every group at every distance is a run.

    Returns the order (n,) int64 and the squared step (n − 1,) float64 between successive
    ones: the largest step on the forest's path between two vectors is the largest between
    their places; inf between trees.
    """
    parent, following, last = list(range(n)), [-1] * n, list(range(n))
    step = np.full(n, np.inf)
    for a, b, d in zip(*(part.tolist() for part in edges), strict=True):
        a, b = root(parent, a), root(parent, b)
        following[last[a]] = b
        step[last[a]] = d
        last[a] = last[b]
        parent[b] = a
    order: list[int] = []
    for start in (i for i in range(n) if parent[i] == i):
        while start != -1:
            order.append(start)
            start = following[start]
    at = np.array(order, np.int64)
    return at, np.square(step[at[:-1]])


def _first_forest(rows: np.ndarray) -> Edges:
    """A spanning tree near the minimum one: blocks along several orders of the vectors."""
    n = len(rows)
    product = Product.make(rows, np.float32)
    edges: Edges | None = None
    for order in _orders(rows):
        u, v = _joined_in_blocks(product, order)
        d = exact(rows, u, v)
        if edges is not None:
            u, v, d = (np.concatenate(pair) for pair in zip(edges, (u, v, d), strict=True))
        edges = kruskal(n, u, v, d)
    assert edges is not None
    for shift in () if n <= BLOCK else (BLOCK // 2, BLOCK // 4):
        order = np.roll(leaves(n, edges)[0], shift)
        u, v = _joined_in_blocks(product, order)
        new = (u, v, exact(rows, u, v))
        edges = kruskal(n, *(np.concatenate(pair) for pair in zip(edges, new, strict=True)))
    return edges


def _orders(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Orders of the vectors in which near ones tend to be close: by their largest entries.

    For class probabilities that is the likeliest class; for others a cross-polytope hash.
    """
    n, width = rows.shape
    if n <= BLOCK or not width:
        yield np.arange(n)
        return
    top = rows.argmax(axis=1)
    yield np.lexsort((rows[np.arange(n), top], top))
    turned = rows @ np.random.default_rng(0).normal(size=(width, 24)).astype(np.float32)
    turned -= turned.mean(axis=0)
    far = np.abs(turned).argmax(axis=1)
    value = turned[np.arange(n), far]
    yield np.lexsort((value, far))


def _joined_in_blocks(product: Product, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spanning trees of consecutive blocks, each sharing one vector with the next."""
    us, vs = [], []
    for at in range(0, max(len(order) - 1, 1), BLOCK):
        block = order[at : at + BLOCK + 1]
        a, b = _prim(product.of(block, block))
        us.append(block[a])
        vs.append(block[b])
    return np.concatenate(us), np.concatenate(vs)


def _prim(away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spanning tree of a dense matrix of distances (m, m): pairs (m − 1,)."""
    m = len(away)
    outside = np.ones(m, bool)
    nearest, via = away[0].copy(), np.zeros(m, np.int64)
    a, b = np.zeros(m - 1, np.int64), np.zeros(m - 1, np.int64)
    j = 0
    for k in range(m - 1):
        outside[j] = False
        nearest[j] = np.inf
        better = (away[j] < nearest) & outside
        nearest[better] = away[j][better]
        via[better] = j
        j = int(nearest.argmin())
        a[k], b[k] = via[j], j
    return a, b


def _completed(rows: np.ndarray, edges: Edges, reach: float) -> Edges:
    """The minimum forest, from a spanning tree and every pair nearer than reach that improves it.

    A pair that cannot improve the first tree cannot improve a better one.
    """
    order, step = leaves(len(rows), edges)
    waiting: list[np.ndarray] = []
    for places in _improving(rows[order], np.minimum(step, reach * reach)):
        waiting.append(order[places])
        if sum(map(len, waiting)) >= _HELD:
            edges, waiting = _with(rows, edges, waiting), []
    return _with(rows, edges, waiting)


def _with(rows: np.ndarray, edges: Edges, pairs: list[np.ndarray]) -> Edges:
    if not pairs:
        return edges
    u, v = np.concatenate(pairs).T
    new = (u, v, exact(rows, u, v))
    return kruskal(len(rows), *(np.concatenate(both) for both in zip(edges, new, strict=True)))


def _improving(rows: np.ndarray, step: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (m, 2) of places that may be nearer than the largest step between them.

    rows: in the order of `leaves`; step: (n − 1,) squared. None that is nearer is left out.
    """
    n = len(rows)
    narrow = Product.make(rows, np.float32)
    for top in range(0, n, TILE):
        for left in range(top, n, TILE):
            down, across = slice(top, min(top + TILE, n)), slice(left, min(left + TILE, n))
            pairs = _nearer(narrow.of(down, across), narrow.margin, step, down, across)
            if len(pairs) <= _CROWDED * TILE * TILE:
                yield pairs
                continue
            wide = Product.make(np.concatenate([rows[down], rows[across]]), np.float64)
            m = down.stop - down.start
            squared = wide.of(slice(0, m), slice(m, None))
            yield _nearer(squared, wide.margin, step, down, across)


def _nearer(
    squared: np.ndarray, margin: float, step: np.ndarray, down: slice, across: slice
) -> np.ndarray:
    """Places (m, 2) in one tile not proven to be as far apart as the largest step between."""
    # In the tile's own precision, rounded up: comparing across two is several times slower.
    allowed = np.nextafter((step + margin).astype(squared.dtype), squared.dtype.type(np.inf))
    if down == across:
        m = len(squared)
        between = np.full((m, m), -np.inf, squared.dtype)
        between[:, 1:] = allowed[down.start : down.stop - 1]
        # Row i starts at place i: the steps before it do not count.
        between[np.tri(m, dtype=bool)] = -np.inf
        near = squared < np.maximum.accumulate(between, axis=1, out=between)
    else:
        # The largest step up to the other run, or from its beginning: within either is near.
        before = np.maximum.accumulate(allowed[down.start : across.start][::-1])[::-1]
        near = squared < before[: len(squared), None]
        within = np.maximum.accumulate(allowed[across.start : across.stop - 1])
        near[:, 1:] |= squared[:, 1:] < within
    row, column = np.divmod(np.flatnonzero(near), near.shape[1])
    return np.stack([row + down.start, column + across.start], axis=1)
