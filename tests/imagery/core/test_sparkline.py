import numpy as np
import pytest

from imagery.core.sparkline import binned, steps


def test_bins_hold_both_ends_and_nothing_beyond():
    at = np.array([9, 10, 14, 15, 19, 20])
    n = np.array([100, 1, 2, 4, 8, 100])
    assert binned(at, n, 10, 19, 2).tolist() == [3, 12]


def test_one_moment_is_one_bin_of_many():
    assert binned(np.array([5]), np.array([3]), 5, 5, 4).tolist() == [3, 0, 0, 0]


def test_bins_want_a_span():
    with pytest.raises(ValueError, match="5 … 4"):
        binned(np.array([5]), np.array([1]), 5, 4, 3)


def test_steps_trace_the_bars():
    assert steps(np.array([1, 2, 0]), 30, 10) == "M0 10V5H10V0H20V10H30V10Z"


def test_equal_bars_are_one_step():
    assert steps(np.array([2, 2, 2]), 30, 10) == "M0 10V0H30V10Z"


def test_top_sets_the_scale():
    assert steps(np.array([1]), 10, 10, top=4) == "M0 10V7.5H10V10Z"


def test_no_posts_draw_nothing():
    assert steps(np.zeros(5), 30, 10) == ""
    assert steps(np.zeros(0), 30, 10) == ""
