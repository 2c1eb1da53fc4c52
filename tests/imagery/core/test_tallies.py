from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.core import tallies

PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 4)), max_size=40)


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(PAIRS)
def test_pairs_agree_with_counting(rows):
    a, b = arrays(rows)
    first, n = tallies.pairs(a, b)
    counts = Counter(rows)
    assert [rows[i] for i in first] == sorted(counts)
    assert n.tolist() == [counts[pair] for pair in sorted(counts)]
    assert first.tolist() == [rows.index(pair) for pair in sorted(counts)]


@given(PAIRS)
def test_spans_agree_with_looking(rows):
    item, at = arrays(rows)
    least, most = tallies.spans(item, at)
    expected = [[v for i, v in rows if i == own] for own in sorted({i for i, _ in rows})]
    assert least.tolist() == [min(values) for values in expected]
    assert most.tolist() == [max(values) for values in expected]


@given(PAIRS)
def test_the_fullest_bin_is_the_least_of_the_most_frequent(rows):
    items, bins, n = tallies.fullest(*arrays(rows))
    for item, bin, times in zip(items.tolist(), bins.tolist(), n.tolist(), strict=True):
        counts = Counter(b for i, b in rows if i == item)
        assert times == max(counts.values()) == counts[bin]
        assert bin == min(b for b, k in counts.items() if k == times)
    assert items.tolist() == sorted({i for i, _ in rows})


def test_most_frequent_words_letter_case_put_aside():
    words = [["Maria", "storm"], ["maria"], [], ["Aid", "aid"]]
    found = tallies.most(np.array([1, 1, 1, 2, 1]), np.array([0, 1, 1, 2, 3]), words, top=2)
    assert found == {1: [("Maria", 3), ("aid", 1)]}


@pytest.mark.parametrize("act", [tallies.pairs, tallies.spans, tallies.fullest])
def test_nothing_gives_nothing(act):
    none = np.zeros(0, np.int64)
    assert all(len(part) == 0 for part in act(none, none))
