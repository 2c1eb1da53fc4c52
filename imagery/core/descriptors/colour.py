"""Colour: how much of each colour a picture holds."""

from __future__ import annotations

import numpy as np

from imagery.core.descriptors.reduced import cells, reduced

HUES, SATURATIONS, VALUES = 16, 4, 4  # of 256 each: the top 4, 2 and 2 bits


def histogram(pixels: np.ndarray, grid: int = 1) -> np.ndarray:
    """HSV histogram (Swain & Ballard 1991), 16 hues × 4 × 4: (grid² · 256,) float32.

    pixels: (h, w, 3) uint8. Each cell of grid × grid sums to 1.
    """
    hsv = np.asarray(reduced(pixels, 128).convert("HSV"))
    hue, saturation, value = (hsv[..., at].astype(np.int64) for at in range(3))
    code = (hue >> 4) * SATURATIONS * VALUES + (saturation >> 6) * VALUES + (value >> 6)
    return cells(code, HUES * SATURATIONS * VALUES, grid).ravel()


def layout(pixels: np.ndarray) -> np.ndarray:
    """Where the colours are: 8 × 8 mean colours in CIE L*a*b*, (192,) float32 in 0…1.

    pixels: (h, w, 3) uint8. After the colour layout descriptor (Kasutani & Yamada 2001).
    """
    from skimage.color import rgb2lab

    lab = rgb2lab(np.asarray(reduced(pixels, 8)))
    return (np.add(lab, (0, 128, 128)) / (100, 255, 255)).astype(np.float32).ravel()
