"""Differences of pictures made by hand: where, how much, and of what share."""

import io

import numpy as np
import pytest
from PIL import Image

from imagery.core import differences, placements
from tests.pictures import jpeg, photo

CROP = np.array([[0.5, 0, 0.25], [0, 0.5, 0.5]])


@pytest.fixture
def whole() -> np.ndarray:
    return np.asarray(photo(3, (240, 160)))


def test_a_picture_does_not_differ_from_itself(whole):
    found = differences.difference(whole, whole, placements.IDENTITY)
    assert found.differing == 0 and found.overlap == 1 and found.added == 0
    assert found.box == (0, 0, 1, 1)
    assert (differences.painted(found) <= whole.max() * 0.43).all()


def test_a_square_painted_over_is_what_differs(whole):
    """40 × 40 of 240 × 160 pixels: a twenty-fourth, and a soft edge."""
    other = whole.copy()
    other[20:60, 100:140] = 255 - other[20:60, 100:140] // 4
    found = differences.difference(whole, other, placements.IDENTITY)
    assert found.differing == pytest.approx(1 / 24, rel=0.25)
    assert found.amount.shape == (320, 480)  # twice as sharp as the picture is
    assert (found.amount[50:110, 210:270] > differences.NOISE).mean() > 0.8
    assert found.amount[160:, :].max() == 0
    hot = differences.painted(found)
    assert hot[80, 240].max() > hot[240, 240].max()


def test_recompression_and_size_are_no_difference(whole):
    again = Image.open(io.BytesIO(jpeg(photo(3, (240, 160)), 40))).resize((700, 460))
    found = differences.difference(whole, np.asarray(again), placements.IDENTITY)
    assert found.overlap == 1
    assert found.differing < 0.01


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_crop_is_laid_where_it_was_cut(whole, mirrored):
    crop = whole[80:160, 60:180]
    if mirrored:
        crop = crop[:, ::-1]
    placed = placements.from_transform(CROP.ravel(), mirrored)
    found = differences.difference(whole, np.ascontiguousarray(crop), placed)
    assert found.overlap == pytest.approx(0.25, abs=0.01)
    assert found.shared[180:300, 140:340].all() and not found.shared[:140].any()
    assert found.differing < 0.03  # the softened edge
    there = differences.difference(np.ascontiguousarray(crop), whole, placements.inverse(placed))
    assert there.overlap == pytest.approx(1, abs=0.01) and there.differing < 0.03
    assert there.added == pytest.approx(0.75, abs=0.01)
    assert there.box == pytest.approx((-0.5, -1, 2, 2))


def test_what_only_the_second_shows_is_tinted(whole):
    """A band above the picture, as captions have it."""
    captioned = np.concatenate([np.full((40, 240, 3), 255, np.uint8), whole])
    placed = np.array([[1, 0, 0], [0, 200 / 160, -40 / 160]])
    found = differences.difference(whole, captioned, placed)
    assert found.differing < 0.01 and found.overlap == pytest.approx(1, abs=0.01)
    assert found.added == pytest.approx(0.2, abs=0.01)
    red, green, _ = differences.painted(found)[20, 200]
    assert green > red + 60


def test_pictures_apart_share_nothing(whole):
    away = np.array([[1.0, 0, 5], [0, 1, 5]])
    found = differences.difference(whole, whole, away)
    assert found.overlap == 0 and found.differing is None and found.added == 1
    assert found.box == (0, 0, 6, 6)
    assert differences.painted(found).shape == (640, 960, 3)


def test_other_shapes_are_refused(whole):
    with pytest.raises(ValueError, match=r"\(160, 240\)"):
        differences.difference(whole[..., 0], whole, placements.IDENTITY)


def test_hotter_is_lighter():
    luma = differences.heat_colours(np.linspace(0, 1, 20)) @ (0.299, 0.587, 0.114)
    assert (np.diff(luma) > 0).all()
