"""Which pictures share local features in one arrangement: candidates, cheaply, among many.

Features are looked up by their word (see feature_codes). Each pair found tells by itself how the
one picture would lie in the other: turned, scaled and shifted. Pairs that tell nearly the same
are votes for a candidate ("weak geometric consistency", Jégou, Douze, Schmid, 2008, with the
shift as well). Whether two pictures are candidates depends on the two alone; only the number that
is kept of each makes a difference between them, by votes weighed by how rare each one's word is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imagery.core.feature_codes import ROW, SIZE_STEPS, TURN_STEPS, WORD_BITS
from imagery.core.features import SIDE

NEAR_BITS = 10  # of the 64, between features that are taken for the same
LEAST_VOTES = 2
MOST_CANDIDATES = 40
COMMON = 1_000  # a word's entries beyond which it tells next to nothing: bounds a search's cost
_AT_ONCE = 2_000_000  # pairs of features held at a time
_TURNS, _SIZES, _SHIFTS = 12, 20, 16
_SIZE_STEP = 0.8  # doublings
_SHIFT_STEP = 0.2  # of a view's side


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pictures that may hold a query's picture, the likeliest first.

    query: (m,) int64, place among the queries. owner: (m,) int64, place among the indexed.
    votes: (m,) int64. mirrored: (m,) bool, whether the query's mirror image was found.
    """

    query: np.ndarray
    owner: np.ndarray
    votes: np.ndarray
    mirrored: np.ndarray


class FeatureIndex:
    """Features of many pictures by their words; 20 bytes a feature."""

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        """pictures: feature_codes.rows_of each."""
        sizes = np.array([len(rows) for rows in pictures], np.int64)
        rows = np.concatenate([np.zeros(0, ROW), *pictures])
        order = np.argsort(rows["code"], kind="stable")
        self._rows = rows[order]
        self._words = (self._rows["code"] >> np.uint64(64 - WORD_BITS)).astype(np.uint32)
        self._owners = np.repeat(np.arange(len(pictures), dtype=np.int32), sizes)[order]
        self._n_pictures = len(pictures)

    def __len__(self) -> int:
        return self._n_pictures

    def search(
        self,
        plain: Sequence[np.ndarray],
        mirrored: Sequence[np.ndarray],
        most: int = MOST_CANDIDATES,
    ) -> Candidates:
        """The `most` likeliest candidates of each query, given by rows_of its features, and of
        the same mirrored. A query that is indexed finds itself as well."""
        upright, turned = self._votes(plain), self._votes(mirrored)
        query, owner, votes, weight = (
            np.concatenate(pair) for pair in zip(upright, turned, strict=True)
        )
        mirror = np.arange(len(query)) >= len(upright[0])
        order = np.lexsort((mirror, owner, -weight, query))
        query, owner, votes, mirror = (a[order] for a in (query, owner, votes, mirror))
        # Once for each candidate: as it lies better, plain or mirrored.
        _, first = np.unique(query * len(self) + owner, return_index=True)
        first.sort()
        query, owner, votes, mirror = (a[first] for a in (query, owner, votes, mirror))
        start = np.searchsorted(query, query)
        kept = np.arange(len(query)) - start < most
        return Candidates(query[kept], owner[kept], votes[kept], mirror[kept])

    def _votes(self, queries: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Query, owner, votes (int64) and weight (float64) of all that share an arrangement."""
        parts = [self._count(*pairs) for pairs in self._pairs(queries)]
        empty = np.zeros(0, np.int64)
        parts.append((empty, empty, empty, np.zeros(0)))
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _pairs(self, queries: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
        """(query, its feature's ROW, entry, weight) of features near each other, in parts.

        A query is never split over two parts.
        """
        sizes = np.array([len(rows) for rows in queries], np.int64)
        rows = np.concatenate([np.zeros(0, ROW), *queries])
        words = (rows["code"] >> np.uint64(64 - WORD_BITS)).astype(np.uint32)
        low = np.searchsorted(self._words, words)
        counts = np.searchsorted(self._words, words, "right") - low
        counts[counts > COMMON] = 0
        ends = np.cumsum(sizes)
        total = np.concatenate([[0], np.cumsum(counts)])
        first = 0
        while first < len(sizes):
            begin = ends[first] - sizes[first]
            after = np.searchsorted(total[ends], total[begin] + _AT_ONCE, "right")
            last = max(first + 1, int(after))
            part = slice(begin, ends[last - 1])
            row = np.repeat(np.arange(part.start, part.stop), counts[part])
            entry = np.arange(len(row)) - np.repeat(total[part] - total[begin], counts[part])
            entry += low[row]
            differing = np.bitwise_count(rows["code"][row] ^ self._rows["code"][entry])
            near = differing <= NEAR_BITS
            row, entry = row[near], entry[near]
            yield np.searchsorted(ends, row, "right"), rows[row], entry, 1.0 / counts[row]
            first = last

    def _count(
        self, query: np.ndarray, rows: np.ndarray, entry: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """The most votes that agree on one arrangement, for each query and owner."""
        owner = self._owners[entry].astype(np.int64)
        pair = query * len(self) + owner
        pairs, place = np.unique(pair, return_inverse=True)
        votes, weights = np.zeros(len(pairs), np.int64), np.zeros(len(pairs))
        # Cells twice, shifted by half: what agrees closely shares one of them.
        for shift in (0.0, 0.5):
            cell = place * _CELLS + _cells(rows, self._rows[entry], shift)
            cells, back, n = np.unique(cell, return_inverse=True, return_counts=True)
            sums = np.bincount(back, weights=weight, minlength=len(cells))
            of = cells // _CELLS
            np.maximum.at(votes, of, n)
            np.maximum.at(weights, of, np.where(n >= LEAST_VOTES, sums, 0.0))
        kept = votes >= LEAST_VOTES
        return pairs[kept] // len(self), pairs[kept] % len(self), votes[kept], weights[kept]


_CELLS = _TURNS * _SIZES * _SHIFTS * _SHIFTS


def _cells(ours: np.ndarray, theirs: np.ndarray, shift: float) -> np.ndarray:
    """(m,) int64: the cell of turn, scale and shift that would lay ours on theirs, by feature."""
    turn = (theirs["turn"].astype(np.int64) - ours["turn"]) / TURN_STEPS
    doublings = (theirs["size"].astype(np.int64) - ours["size"]) / SIZE_STEPS
    scale, angle = np.exp2(doublings), 2 * np.pi * turn
    # Where the middle of a view like ours would come to lie.
    x, y = SIDE / 2 - ours["x"], SIDE / 2 - ours["y"]
    to_x = theirs["x"] + scale * (np.cos(angle) * x - np.sin(angle) * y)
    to_y = theirs["y"] + scale * (np.sin(angle) * x + np.cos(angle) * y)
    turns = np.floor(turn * _TURNS + shift).astype(np.int64) % _TURNS
    sizes = np.floor(doublings / _SIZE_STEP + shift).astype(np.int64) + _SIZES // 2
    steps = [
        np.floor(v / (SIDE * _SHIFT_STEP) + shift).astype(np.int64) + _SHIFTS // 3
        for v in (to_x, to_y)
    ]
    cell = turns * _SIZES + np.clip(sizes, 0, _SIZES - 1)
    for step in steps:
        cell = cell * _SHIFTS + np.clip(step, 0, _SHIFTS - 1)
    return cell
