from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from imagery.core.descriptors import DESCRIPTORS, classic, histogram, hog, layout, lbp, lpq
from imagery.core.descriptors.reduced import cells, reduced
from imagery.core.descriptors.texture import lpq_codes

SIZES = {"histogram": 256, "layout": 192, "lbp": 59, "lpq": 256, "hog": 1764, "classic": 2788}


def waves(seed: int, height: int = 180, width: int = 240) -> np.ndarray:
    """A smooth random scene (h, w, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((40, 60, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize("name", DESCRIPTORS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (180, 240)])
def test_every_shape_of_picture_gives_finite_numbers(name: str, shape: tuple[int, int]) -> None:
    for pixels in (waves(0, *shape), np.zeros((*shape, 3), np.uint8)):
        vector = DESCRIPTORS[name](pixels)
        assert (vector.shape, vector.dtype) == ((SIZES[name],), np.float32)
        assert np.isfinite(vector).all()
        assert np.array_equal(vector, DESCRIPTORS[name](pixels))


@pytest.mark.parametrize("describe", DESCRIPTORS.values())
@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(
    describe: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="uint8 with pixels, got"):
        describe(pixels)


def test_histogram_of_one_colour_is_one_bin() -> None:
    # Pure red: hue 0, full saturation, full value.
    vector = histogram(flat(255, 0, 0))
    assert vector[(0 * 4 + 3) * 4 + 3] == 1 and vector.sum() == 1
    # Black: no hue, no saturation, no value.
    assert histogram(flat(0, 0, 0))[0] == 1


def test_histogram_cells_hold_their_own_colours() -> None:
    pixels = np.zeros((128, 128, 3), np.uint8)
    pixels[:64, 64:] = (255, 0, 0)
    grid = histogram(pixels, grid=2).reshape(2, 2, 256)
    np.testing.assert_allclose(grid.sum(axis=2), 1)
    assert grid[0, 1, 15] > 0.9 and grid[0, 0, 0] == grid[1, 0, 0] == 1


def test_cells_against_counting_by_hand() -> None:
    codes = np.array([[0, 0, 1, 1], [0, 2, 1, 1], [2, 2, 0, 1], [2, 2, 2, 0]])
    assert cells(codes, 3, 2).tolist() == [
        [[0.75, 0, 0.25], [0, 1, 0]],
        [[0, 0, 1], [0.5, 0.25, 0.25]],
    ]


def test_layout_is_lightness_where_it_is() -> None:
    pixels = np.zeros((80, 80, 3), np.uint8)
    pixels[:, 40:] = 255
    lightness = layout(pixels).reshape(8, 8, 3)[..., 0]
    assert (lightness[:, :3] < 0.01).all() and (lightness[:, 5:] > 0.99).all()


@pytest.mark.parametrize("describe", [lbp, lpq])
def test_texture_ignores_brightness(describe: Callable[[np.ndarray], np.ndarray]) -> None:
    noise = np.random.default_rng(1).integers(0, 100, (128, 128, 1), dtype=np.uint8)
    pixels = np.repeat(noise, 3, axis=2)
    assert np.abs(describe(pixels) - describe(pixels + 80)).sum() < 0.02
    assert describe(pixels).sum() == pytest.approx(1)


def test_lpq_of_a_flat_picture_is_one_code() -> None:
    assert lpq(flat(90, 90, 90)).max() == 1


def test_lpq_codes_against_the_transform_of_one_window() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (20, 20), dtype=np.uint8)
    y, x = 9, 11
    # Convolution turns the window around: so does the index.
    window = grey[y - 3 : y + 4, x - 3 : x + 4][::-1, ::-1].astype(float)
    at = np.arange(-3, 4)
    code = 0
    for number, (down, across) in enumerate([(0, 1), (1, 0), (1, 1), (1, -1)]):
        phase = np.exp(-2j * np.pi * (down * at[:, None] + across * at[None]) / 7)
        value = (window * phase).sum()
        code |= (value.real > 0) << (2 * number) | (value.imag > 0) << (2 * number + 1)
    assert lpq_codes(grey)[y, x] == code


def test_lpq_codes_mostly_survive_a_blur() -> None:
    grey = np.random.default_rng(3).integers(0, 256, (96, 96)).astype(float)
    codes, blurred = lpq_codes(grey), lpq_codes(gaussian_filter(grey, 0.8))
    bits = np.bitwise_count(codes ^ blurred)
    assert bits.mean() < 1  # of 8; unrelated codes differ in 4


def test_hog_tells_upright_from_level_edges() -> None:
    upright = np.zeros((64, 64, 3), np.uint8)
    upright[:, (np.arange(64) // 8) % 2 == 0] = 255
    blocks = hog(upright).reshape(7, 7, 2, 2, 9).sum(axis=(0, 1, 2, 3))
    assert blocks.argmax() in (0, 8)  # gradients run along the row
    turned = hog(np.ascontiguousarray(upright.transpose(1, 0, 2)))
    assert turned.reshape(7, 7, 2, 2, 9).sum(axis=(0, 1, 2, 3)).argmax() == 4


def test_reduced_keeps_the_mean() -> None:
    pixels = waves(3)
    small = np.asarray(reduced(pixels, 16), np.float64)
    assert np.abs(small.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() < 2


def similar(a: np.ndarray, b: np.ndarray) -> float:
    return 1 / (1 + float(np.linalg.norm(classic(a) - classic(b))))


def test_classic_joins_versions_at_the_default_threshold_and_not_others() -> None:
    pixels = waves(4)
    smaller = np.asarray(Image.fromarray(pixels).resize((120, 90)))
    assert similar(pixels, smaller) > 0.8
    brighter = np.clip(pixels.astype(int) + 4, 0, 255).astype(np.uint8)
    assert similar(pixels, brighter) > 0.8
    assert all(similar(pixels, waves(seed)) < 0.8 for seed in range(5, 15))


def test_classic_vectors_of_flat_pictures_differ_by_colour_alone() -> None:
    assert similar(flat(0, 0, 255), flat(0, 0, 255)) == 1
    assert similar(flat(0, 0, 255), flat(255, 0, 0)) < 0.8
