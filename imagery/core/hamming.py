"""Exact neighbours under Hamming distance, among many short hashes.

One convention everywhere: neighbours are closer than the threshold, d < threshold, which is also
the strict radius of FAISS's binary range search.
"""

from dataclasses import dataclass

import numpy as np

from imagery.core.buckets import Buckets, probes

# Below this many hashes, comparing all of them is as quick as sorting them into buckets.
FLAT_LIMIT = 8_000
# Beyond this many buckets a query, comparing everything is quicker at 100,000 hashes.
MAX_PROBES = 300


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of one set of hashes with their neighbours in another, compressed by row (CSR).

    Row i's neighbours are indices[indptr[i]:indptr[i + 1]], ascending, at the distances beside.
    indptr: (n + 1,) int64. indices: (m,) int64. distances: (m,) int32, all below the threshold.
    """

    indptr: np.ndarray
    indices: np.ndarray
    distances: np.ndarray

    def row(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of row i."""
        part = slice(self.indptr[i], self.indptr[i + 1])
        return self.indices[part], self.distances[part]

    def nearest(self, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each row the nearest neighbour, of equally near ones the one with the least name.

        names: (k,) int64 below 2^40, of what the indices count. Returns distances (n,) int64 and
        names (n,) int64, -1 where a row is empty.
        """
        n_rows = len(self.indptr) - 1
        found = np.full(n_rows, -1, np.int64)
        some = np.flatnonzero(np.diff(self.indptr))
        if len(some):
            keys = (self.distances.astype(np.int64) << 40) | names[self.indices]
            found[some] = np.minimum.reduceat(keys, self.indptr[some])
        return np.where(found < 0, -1, found >> 40), np.where(found < 0, -1, found & (2**40 - 1))

    def before_self(self) -> "Pairs":
        """Of rows searched among themselves: each row's neighbours that come before it."""
        n_rows = len(self.indptr) - 1
        rows = np.repeat(np.arange(n_rows), np.diff(self.indptr))
        kept = self.indices < rows
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=n_rows))])
        return Pairs(indptr.astype(np.int64), self.indices[kept], self.distances[kept])


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All pairs closer than the threshold among the distinct values of n hashes.

    distinct: (m, b) uint8, in order of first appearance. first: (m,) int64, where each first
    appears. inverse: (n,) int64, each hash's row in distinct. pairs: among distinct, each row
    without itself. Copies of one hash are thus held once, however many there are.
    """

    distinct: np.ndarray
    first: np.ndarray
    inverse: np.ndarray
    pairs: Pairs


class Index:
    """Hashes that can be added to, and searched exactly for everything within a threshold.

    Built for one threshold. Few hashes are compared with all (FAISS), as are those for which
    buckets would take too many probes; else see imagery.core.buckets.
    """

    def __init__(self, n_bytes: int, threshold: int, expected: int = 0) -> None:
        if n_bytes < 1 or threshold < 1:
            raise ValueError(f"want bytes >= 1 and threshold >= 1, got {n_bytes}, {threshold}")
        import faiss

        self.threshold = threshold
        self._n_bytes = n_bytes
        self._index: faiss.IndexBinary = faiss.IndexBinaryFlat(8 * n_bytes)
        self._buckets: Buckets | None = None
        if expected > FLAT_LIMIT and n_bytes % 8 == 0 and probes(n_bytes, threshold) <= MAX_PROBES:
            self._buckets = Buckets(n_bytes, threshold)

    def __len__(self) -> int:
        return int(self._index.ntotal) if self._buckets is None else len(self._buckets)

    def add(self, hashes: np.ndarray) -> None:
        """Append (n, b) uint8; they take the next row numbers."""
        (self._index if self._buckets is None else self._buckets).add(
            _checked(hashes, self._n_bytes)
        )

    def search(self, queries: np.ndarray) -> Pairs:
        """Everything added with d < threshold from each of (q, b) uint8."""
        queries = _checked(queries, self._n_bytes)
        if not len(queries) or not len(self):
            return Pairs(
                np.zeros(len(queries) + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32)
            )
        if self._buckets is not None:
            rows, indices, bits = self._buckets.search(queries)
            n = np.bincount(rows, minlength=len(queries))
            return Pairs(np.concatenate([[0], np.cumsum(n)]), indices, bits.astype(np.int32))
        limits, bits, indices = self._index.range_search(queries, self.threshold)
        indptr = limits.astype(np.int64)
        order = np.lexsort((indices, np.repeat(np.arange(len(queries)), np.diff(indptr))))
        return Pairs(indptr, indices[order].astype(np.int64), bits[order].astype(np.int32))


def neighbours(hashes: np.ndarray, threshold: int) -> Neighbours:
    """All pairs with d < threshold among (n, b) uint8 hashes; exact, copies collapsed.

    Memory grows with the pairs of distinct hashes: about 20 bytes each.
    """
    hashes = _checked(hashes, hashes.shape[-1] if hashes.ndim else 0)
    first, inverse = collapse(hashes)
    distinct = hashes[first]
    index = Index(distinct.shape[1], threshold, expected=len(distinct))
    index.add(distinct)
    return Neighbours(distinct, first, inverse, _without_self(index.search(distinct)))


def distances(hashes: np.ndarray, one: np.ndarray) -> np.ndarray:
    """(n,) int64 Hamming distances of (n, b) uint8 from one (b,), or row by row from (n, b)."""
    return np.bitwise_count(hashes ^ one).sum(axis=-1, dtype=np.int64)


def collapse(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of a 2-D array: first appearances, ascending, and each row's place in them."""
    keys = np.ascontiguousarray(rows).view([("", rows.dtype)] * rows.shape[1]).reshape(-1)
    if rows.dtype == np.uint8 and rows.shape[1] == 8:
        keys = np.ascontiguousarray(rows).view(np.uint64).reshape(-1)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[inverse.reshape(-1)]


def _without_self(pairs: Pairs) -> Pairs:
    rows = np.repeat(np.arange(len(pairs.indptr) - 1), np.diff(pairs.indptr))
    others = rows != pairs.indices
    # Every row finds itself exactly once.
    indptr = pairs.indptr - np.arange(len(pairs.indptr))
    return Pairs(indptr, pairs.indices[others], pairs.distances[others])


def _checked(hashes: np.ndarray, n_bytes: int) -> np.ndarray:
    if hashes.ndim != 2 or hashes.shape[1] != n_bytes or hashes.dtype != np.uint8:
        raise ValueError(f"want (n, {n_bytes}) uint8, got {hashes.shape} {hashes.dtype}")
    return np.ascontiguousarray(hashes)
