import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.core.treemap import Rect, treemap


def test_two_equal_weights_share_a_square_evenly():
    assert treemap([1, 1], ratio=2) == [Rect(0, 0, 0.5, 1), Rect(0.5, 0, 0.5, 1)]


def test_one_weight_fills_the_whole():
    assert treemap([7]) == [Rect(0, 0, 1, 1)]


def test_nothing_gives_nothing():
    assert treemap([]) == []


def test_weights_must_be_positive():
    with pytest.raises(ValueError, match="above 0"):
        treemap([3, 0])


def test_the_squarified_papers_first_row():
    """Bruls et al., figure 4: 6, 6, 4, 3, 2, 2, 1 on 6 × 4: two rectangles of 3 × 2 stand left."""
    first, second, third, *_ = treemap([6, 6, 4, 3, 2, 2, 1], ratio=1.5)
    assert (first.w, first.h) == pytest.approx((0.5, 0.5))
    assert (second.x, second.y) == pytest.approx((0, 0.5))
    assert third.x == pytest.approx(0.5)


def test_small_parts_are_lifted_to_the_least():
    areas = [rect.w * rect.h for rect in treemap([1000, 1, 1], least=0.1)]
    assert areas == pytest.approx([0.8, 0.1, 0.1])


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.floats(0.3, 3), st.floats(0, 0.3)
)
def test_rectangles_tile_the_whole(weights, ratio, least):
    rects = treemap(weights, ratio, least)
    assert sum(r.w * r.h for r in rects) == pytest.approx(1)
    total = sum(weights)
    if least == 0:
        assert [r.w * r.h for r in rects] == pytest.approx([w / total for w in weights])
    for r in rects:
        assert r.x >= -1e-9 and r.y >= -1e-9
        assert r.x + r.w <= 1 + 1e-6 and r.y + r.h <= 1 + 1e-6
        assert r.w * r.h >= min(least, 1 / len(weights)) - 1e-6
    for i, a in enumerate(rects):
        for b in rects[i + 1 :]:
            over_x = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
            over_y = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
            assert min(over_x, over_y) <= 1e-6
