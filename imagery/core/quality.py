"""Plain measures of a picture's quality, and the flags read from them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from imagery.core.decode import Pixels, as_image

SCALE = 256
FLAT_BELOW = 6.0
DARK_BELOW = 24.0
BLURRY_BELOW = 45.0
TINY_BELOW = 100


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of luma (0–255) at a long side of at most 256, and four flags.

    brightness: mean. contrast: standard deviation. sharpness: variance of the 4-neighbour
    Laplacian; as it is taken at a fixed scale, it tells what looks blurred on a page, not whether
    the original's finest detail is there.

    The limits were set on 1,900 ordinary photographs and screenshots, where the lowest values
    seen were 12.9 (contrast), 15.8 (brightness) and 41 (sharpness), and on blurred copies.
    is_flat: contrast < 6: one colour, clear sky, an empty page. pHash reads luma alone, so what
        is flat here hashes to noise, whatever its colours.
    is_dark: brightness < 24. is_blurry: sharpness < 45 and not flat.
    is_tiny: the original's short side is below 100 pixels.
    """

    brightness: float
    contrast: float
    sharpness: float
    is_flat: bool
    is_dark: bool
    is_blurry: bool
    is_tiny: bool


def measure(pixels: Pixels, width: int, height: int) -> Quality:
    """Measure (h, w, 3) or (h, w) uint8 pixels of an original of width × height pixels.

    Block means of the picture serve as well as the picture: `Decoded.luma` is enough.
    """
    luma = _at_scale(as_image(pixels).convert("L"))
    contrast = float(luma.std())
    brightness = float(luma.mean())
    sharpness = _laplacian_variance(luma)
    flat = contrast < FLAT_BELOW
    return Quality(
        brightness=brightness,
        contrast=contrast,
        sharpness=sharpness,
        is_flat=flat,
        is_dark=brightness < DARK_BELOW,
        is_blurry=sharpness < BLURRY_BELOW and not flat,
        is_tiny=min(width, height) < TINY_BELOW,
    )


def _at_scale(image: Image.Image) -> np.ndarray:
    """(h, w) uint8 with a long side of 256, or as it is where that would enlarge it."""
    longest = max(image.size)
    if longest > SCALE:
        size = [max(1, round(side * SCALE / longest)) for side in image.size]
        image = image.resize((size[0], size[1]), Image.Resampling.BOX)
    return np.asarray(image)


def _laplacian_variance(luma: np.ndarray) -> float:
    """0 for pictures without an inner pixel."""
    if min(luma.shape) < 3:
        return 0.0
    values = luma.astype(np.int16)
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((4 * values[1:-1, 1:-1] - around).var())
