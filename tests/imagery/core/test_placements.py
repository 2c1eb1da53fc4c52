"""Placements by hand: crops, mirrors, and that they turn round and follow each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.core import placements

# A crop: the middle half of the width, the lower half of the height.
CROP = [0.5, 0, 0.25, 0, 0.5, 0.5]


def test_a_crop_lies_where_it_was_cut():
    found = placements.corners(placements.from_transform(CROP))
    assert found.tolist() == [[0.25, 0.5], [0.75, 0.5], [0.75, 1.0], [0.25, 1.0]]


def test_a_mirrored_crop_begins_at_its_right_edge():
    placed = placements.from_transform(CROP, mirrored=True)
    assert placements.corners(placed)[0].tolist() == [0.75, 0.5]
    assert placements.is_mirrored(placed)
    assert not placements.is_mirrored(placements.from_transform(CROP))


@pytest.mark.parametrize(
    "wild", [[], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [1, 0, 0, 2, 0, 0], [np.nan, 0, 0, 0, 1, 0]]
)
def test_what_places_nothing_is_none(wild):
    assert placements.from_transform(wild) is None


def test_first_the_inner_then_the_outer():
    """A quarter of the whole, in a crop of its lower middle."""
    quarter = placements.from_transform([0.5, 0, 0, 0, 0.5, 0])
    both = placements.compose(placements.from_transform(CROP), quarter)
    assert both.tolist() == [[0.25, 0, 0.25], [0, 0.25, 0.5]]


number = st.floats(-2, 2, allow_nan=False)


@given(st.lists(number, min_size=6, max_size=6), st.booleans())
def test_there_and_back_is_where_one_was(numbers, mirrored):
    placed = placements.from_transform(numbers, mirrored)
    if placed is None or abs(np.linalg.det(placed[:, :2])) < 1e-3:
        return
    back = placements.compose(placements.inverse(placed), placed)
    assert np.allclose(back, placements.IDENTITY, atol=1e-6)


def test_in_pixels_of_both():
    """The crop of a 400 × 200 picture, kept at 100 × 50: twice as large there, from (100, 100)."""
    found = placements.in_pixels(placements.from_transform(CROP), (100, 50), (400, 200))
    assert found.tolist() == [[2, 0, 100], [0, 2, 100]]


def test_centred_keeps_proportions_and_diagonal():
    placed = placements.centred((300, 400), of=(80, 60))
    left_top, right_bottom = placements.corners(placed)[[0, 2]] * (80, 60)
    width, height = right_bottom - left_top
    assert width / height == pytest.approx(3 / 4)
    assert np.hypot(width, height) == pytest.approx(100)
    assert (left_top + right_bottom).tolist() == pytest.approx([80, 60])


def test_only_what_lies_elsewhere_moves():
    assert not placements.moves(placements.IDENTITY)
    assert placements.moves(placements.MIRROR)
    assert placements.moves(placements.from_transform(CROP))
