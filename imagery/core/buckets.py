"""Binary hashes by their 16-bit chunks: those a few bits from a query without comparing all.

Multi-index hashing (Norouzi et al., "Fast Search in Hamming Space with Multi-Index Hashing",
CVPR 2012): two hashes closer than a threshold agree in one of their chunks up to
(threshold - 1) // chunks bits, by the pigeonhole principle.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

CHUNK_BITS = 16
N_VALUES = 1 << CHUNK_BITS
SMALL = 4096  # hashes that are sorted anew with every addition
HELD = 1 << 21  # candidates compared at once: about 100 MB


def masks(flips: int) -> np.ndarray:
    """(m,) uint16: every 16-bit number of at most `flips` bits."""
    made = [
        sum(1 << bit for bit in bits)
        for n in range(flips + 1)
        for bits in combinations(range(CHUNK_BITS), n)
    ]
    return np.array(made, np.uint16)


def probes(n_bytes: int, threshold: int) -> int:
    """Buckets looked into for one query of so many bytes."""
    chunks = 8 * n_bytes // CHUNK_BITS
    flips = (threshold - 1) // chunks
    return chunks * sum(comb(CHUNK_BITS, n) for n in range(min(flips, CHUNK_BITS) + 1))


class _Table:
    """Hashes sorted by each of their chunks. words: (n, b / 8) uint64, the first is number
    `begin`."""

    def __init__(self, words: np.ndarray, begin: int) -> None:
        self.words, self.begin = words, begin
        chunks = words.view(np.uint16)
        self.order = [np.argsort(chunk, kind="stable").astype(np.int32) for chunk in chunks.T]
        self.start = [
            np.concatenate([[0], np.cumsum(np.bincount(chunk, minlength=N_VALUES))])
            for chunk in chunks.T
        ]

    def __len__(self) -> int:
        return len(self.words)

    def candidates(self, words: np.ndarray, wanted: np.ndarray) -> Iterator[tuple]:
        """(query, number in the table) (m,) each, of those that share a bucket; with repeats."""
        for chunk, order, start in zip(
            words.view(np.uint16).T, self.order, self.start, strict=True
        ):
            key = (chunk[:, None] ^ wanted).reshape(-1)
            begin, n = start[key], start[key.astype(np.int64) + 1] - start[key]
            some = np.flatnonzero(n)
            begin, n, query = begin[some], n[some], some // len(wanted)
            ends = np.cumsum(n)
            for low, high in _runs(ends):
                part = n[low:high]
                offset = np.cumsum(part) - part
                place = np.repeat(begin[low:high] - offset, part) + np.arange(part.sum())
                yield np.repeat(query[low:high], part), order[place]


def _runs(ends: np.ndarray) -> Iterator[tuple[int, int]]:
    """Slices of rows whose sizes, told by their running sum, add up to HELD or one row's own."""
    low = 0
    while low < len(ends):
        before = ends[low - 1] if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + HELD, side="right")))
        yield low, high
        low = high


class Buckets:
    """Hashes of b bytes, b a multiple of 8, found exactly within a threshold.

    A large sorted table and a small one of what came last, which now and then joins it.
    """

    def __init__(self, n_bytes: int, threshold: int) -> None:
        if n_bytes % 8:
            raise ValueError(f"want a multiple of 8 bytes, got {n_bytes}")
        self._threshold = threshold
        self._masks = masks((threshold - 1) // (8 * n_bytes // CHUNK_BITS))
        empty = np.zeros((0, n_bytes // 8), np.uint64)
        self._large, self._late = _Table(empty, 0), _Table(empty, 0)

    def __len__(self) -> int:
        return len(self._large) + len(self._late)

    def add(self, hashes: np.ndarray) -> None:
        """Append (n, b) uint8, contiguous."""
        late = np.concatenate([self._late.words, hashes.view(np.uint64)])
        if len(late) > max(SMALL, len(self._large) // 16):
            self._large = _Table(np.concatenate([self._large.words, late]), 0)
            late = late[:0]
        self._late = _Table(late, len(self._large))

    def search(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All with d < threshold from each of (q, b) uint8: query, number, distance (m,) int64,
        by query, then number."""
        words = queries.view(np.uint64)
        none = np.zeros(0, np.int64)
        found = [(none, none, none)]
        for table in (self._large, self._late):
            for query, number in table.candidates(words, self._masks):
                bits = _distances(words[query], table.words[number])
                near = bits < self._threshold
                found.append((query[near], number[near] + table.begin, bits[near]))
        query, number, bits = (
            np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True)
        )
        _, once = np.unique(query * max(1, len(self)) + number, return_index=True)
        return query[once], number[once], bits[once]


def _distances(words: np.ndarray, others: np.ndarray) -> np.ndarray:
    apart = np.bitwise_count(words ^ others)
    return apart[:, 0] if apart.shape[1] == 1 else apart.sum(axis=1, dtype=np.int32)
