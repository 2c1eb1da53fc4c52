import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

from imagery.core.quality import measure


def test_one_colour_by_hand():
    found = measure(np.full((40, 60, 3), 90, np.uint8), 60, 40)
    assert (found.brightness, found.contrast, found.sharpness) == (90.0, 0.0, 0.0)
    assert found.is_flat
    assert not found.is_blurry
    assert not found.is_dark


def test_a_dot_by_hand():
    """Laplacian of one dot of 9 in nine pixels' reach: 36, four times -9, zeros."""
    luma = np.zeros((7, 7), np.uint8)
    luma[3, 3] = 9
    found = measure(luma, 7, 7)
    assert found.brightness == pytest.approx(9 / 49)
    assert found.sharpness == pytest.approx((36**2 + 4 * 9**2) / 25)


def test_flags_leave_photographs_alone():
    for name in ("astronaut", "coffee", "chelsea"):
        pixels = getattr(data, name)()
        found = measure(pixels, pixels.shape[1], pixels.shape[0])
        assert not (found.is_flat or found.is_dark or found.is_blurry or found.is_tiny), name


def test_blurred_and_darkened_copies_are_flagged():
    photograph = Image.fromarray(data.chelsea())
    blurred = np.asarray(photograph.filter(ImageFilter.GaussianBlur(6)))
    assert measure(blurred, 451, 300).is_blurry
    assert measure((data.chelsea() // 8), 451, 300).is_dark


def test_sharpness_is_taken_at_a_fixed_scale():
    photograph = Image.fromarray(data.coffee())
    large = np.asarray(photograph.resize((1800, 1200), Image.Resampling.LANCZOS))
    small = measure(data.coffee(), 600, 400).sharpness
    assert measure(large, 1800, 1200).sharpness == pytest.approx(small, rel=0.15)


@pytest.mark.parametrize(("width", "height", "tiny"), [(100, 900, False), (99, 900, True)])
def test_tiny_is_the_original_size(width: int, height: int, tiny: bool):
    assert measure(data.coffee(), width, height).is_tiny is tiny


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (2, 2, 3), (900, 1, 3)])
def test_slivers_do_not_fail(shape: tuple[int, ...]):
    assert measure(np.zeros(shape, np.uint8), shape[1], shape[0]).sharpness == 0.0
