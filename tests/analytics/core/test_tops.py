from collections import Counter

import numpy as np
import pytest

from analytics.core import tops


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_positions_by_table_and_by_search_agree() -> None:
    near = ints(30, 10, 20)
    assert tops.positions(near, ints(10, 20, 30, 31, 9, -5)).tolist() == [1, 2, 0, -1, -1, -1]
    far = ints(30 * 10**12, 10, 20)
    assert tops.positions(far, ints(10, 30 * 10**12, 11)).tolist() == [1, 0, -1]
    assert tops.positions(ints(), ints(4)).tolist() == [-1]


def test_columns_close_at_their_beginning_and_open_at_their_end() -> None:
    edges = ints(10, 20, 30)
    assert tops.columns(edges, ints(9, 10, 19, 20, 29, 30)).tolist() == [-1, 0, 0, 1, 1, -1]


def test_summed_and_before_by_hand() -> None:
    column, item, n = tops.summed(ints(1, 0, 1, 1), ints(2, 2, 2, 0), ints(1, 5, 3, 7), 3)
    assert column.tolist() == [0, 1, 1]
    assert item.tolist() == [2, 0, 2]
    assert n.tolist() == [5, 7, 4]
    assert tops.before(column, item, n, 3).tolist() == [0, 0, 5]


def test_nothing_gives_nothing() -> None:
    none = ints()
    assert [len(part) for part in tops.summed(none, none, none, 1)] == [0, 0, 0]
    assert len(tops.before(none, none, none, 1)) == 0
    assert len(tops.highest(none, none, none, 3)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, k, n_items, limit = 500, 7, 30, 4
    column, item = rng.integers(0, k, m), rng.integers(0, n_items, m)
    n = rng.integers(1, 4, m)
    counts: Counter[tuple[int, int]] = Counter()
    for c, i, count in zip(column.tolist(), item.tolist(), n.tolist(), strict=True):
        counts[c, i] += count
    got = tops.summed(column, item, n, n_items)
    assert list(zip(*(part.tolist() for part in got), strict=True)) == [
        (c, i, counts[c, i]) for c, i in sorted(counts)
    ]
    earlier = tops.before(*got, n_items)
    assert earlier.tolist() == [
        counts.get((c - 1, i), 0) for c, i in zip(got[0].tolist(), got[1].tolist(), strict=True)
    ]
    best = tops.highest(got[0], got[2], earlier, limit)
    want = []
    for c in range(k):
        rows = [(-counts[c, i], -counts.get((c - 1, i), 0), i) for cc, i in counts if cc == c]
        want += [(c, i) for _, _, i in sorted(rows)[:limit]]
    assert list(zip(got[0][best].tolist(), got[1][best].tolist(), strict=True)) == want


def test_many_are_summed_as_few_are() -> None:
    rng = np.random.default_rng(5)
    column, item = rng.integers(0, 30, 20_000), rng.integers(0, 500, 20_000)
    n = rng.integers(1, 9, 20_000)
    counted = tops.summed(column, item, n, 500)  # by counting
    part = [tops.summed(column[column == c], item[column == c], n[column == c], 500)
            for c in range(30)]  # fmt: skip
    assert all(len(of[0]) < 10_000 for of in part)
    for found, expected in zip(counted, zip(*part, strict=True), strict=True):
        assert found.dtype == np.int64
        assert found.tolist() == np.concatenate(expected).tolist()
