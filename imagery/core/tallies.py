"""Counts of what belongs to what, for many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of two (m,) int64, ascending by a, then b: where each is first, and how
    often it is: int64 each."""
    if not len(a):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    begin = np.flatnonzero(np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])]))
    return order[begin], np.diff(np.concatenate([begin, [len(a)]]))


def spans(item: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest `at` of each distinct item, ascending; (m,) int64 each in."""
    if not len(item):
        return at[:0], at[:0]
    order = np.lexsort((at, item))
    item, at = item[order], at[order]
    turn = np.flatnonzero(item[1:] != item[:-1])
    return at[np.concatenate([[0], turn + 1])], at[np.concatenate([turn, [len(at) - 1]])]


def fullest(item: np.ndarray, bin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each distinct item the bin it is in most often, of equals the least.

    item, bin: (m,) int64. Returns items ascending, bins, and how often: int64 each.
    """
    once, n = pairs(item, bin)
    item, bin = item[once], bin[once]
    order = np.lexsort((bin, -n, item))
    item, bin, n = item[order], bin[order], n[order]
    first = np.concatenate([[True], item[1:] != item[:-1]]) if len(item) else np.zeros(0, bool)
    return item[first], bin[first], n[first]


def most(
    item: np.ndarray, group: np.ndarray, words: Sequence[Sequence[str]], top: int
) -> dict[int, list[tuple[str, int]]]:
    """Item → its `top` words with their counts, most frequent first, then by the alphabet.

    item, group: (m,) int64; each entry counts the words of its group once. Letter case is put
    aside; a word is written as it came first.
    """
    folded = [{word.casefold(): word for word in part} for part in words]
    once, times = pairs(item, group)
    counters: dict[int, Counter[str]] = {}
    spelling: dict[str, str] = {}
    for of, number, n in zip(
        item[once].tolist(), group[once].tolist(), times.tolist(), strict=True
    ):
        for fold, word in folded[number].items():
            spelling.setdefault(fold, word)
            counters.setdefault(of, Counter())[fold] += n
    return {
        of: [
            (spelling[fold], n)
            for fold, n in sorted(counter.items(), key=lambda found: (-found[1], found[0]))[:top]
        ]
        for of, counter in counters.items()
    }
