import numpy as np
import pytest

from analytics.core import coverage


def test_by_hand() -> None:
    # Post 1 is in rows 0 and 1, post 2 twice in row 1, post 3 in row 2.
    post, row = np.array([1, 1, 2, 2, 3]), np.array([1, 0, 1, 1, 2])
    n, covered = coverage.counted(post, row, 4)
    assert n.tolist() == [1, 2, 1, 0]
    assert covered.tolist() == [1, 2, 3, 3]


def test_nothing() -> None:
    none = np.zeros(0, np.int64)
    n, covered = coverage.counted(none, none, 2)
    assert n.tolist() == covered.tolist() == [0, 0]


def test_bad_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        coverage.counted(np.zeros(2, np.int64), np.zeros(3, np.int64), 1)


@pytest.mark.parametrize("seed", range(4))
def test_against_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    post, row = rng.integers(0, 40, 200), rng.integers(0, 6, 200)
    n, covered = coverage.counted(post, row, 6)
    sets = [set(post[row == r].tolist()) for r in range(6)]
    assert n.tolist() == [len(part) for part in sets]
    assert covered.tolist() == [len(set().union(*sets[: r + 1])) for r in range(6)]


@pytest.mark.parametrize("seed", range(4))
def test_without_repeats_agrees_with_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.stack([rng.integers(0, 60, 80), rng.integers(0, 6, 80)]), axis=1)
    post, row = pairs  # each row one picture
    several = np.bincount(post)[post] > 1
    n, covered = coverage.without_repeats(
        np.bincount(row, minlength=6), post[several], row[several]
    )
    expected = coverage.counted(post, row, 6)
    assert n.tolist() == expected[0].tolist()
    assert covered.tolist() == expected[1].tolist()
