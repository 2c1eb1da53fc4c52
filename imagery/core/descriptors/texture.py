"""Texture: which small patterns a picture is made of."""

from __future__ import annotations

import numpy as np

from imagery.core.descriptors.reduced import cells, reduced

LBP_CODES = 59
LPQ_WINDOW = 7


def lbp(pixels: np.ndarray, grid: int = 1) -> np.ndarray:
    """Local binary patterns, 8 neighbours at radius 1, uniform (Ojala et al. 2002).

    pixels: (h, w, 3) uint8. Returns (grid² · 59,) float32; each cell sums to 1.
    """
    from skimage.feature import local_binary_pattern

    grey = np.asarray(reduced(pixels, 128).convert("L"))
    codes = local_binary_pattern(grey, P=8, R=1, method="nri_uniform").astype(np.int64)
    return cells(codes, LBP_CODES, grid).ravel()


def lpq(pixels: np.ndarray, grid: int = 1) -> np.ndarray:
    """Local phase quantisation, window 7, without decorrelation (Ojansivu & Heikkilä 2008).

    pixels: (h, w, 3) uint8. Returns (grid² · 256,) float32; each cell sums to 1.
    """
    grey = np.asarray(reduced(pixels, 128).convert("L"))
    return cells(lpq_codes(grey), 256, grid).ravel()


def lpq_codes(grey: np.ndarray) -> np.ndarray:
    """(h, w) → (h, w) int64 in 0…255: each pixel's code, edges continued.

    Its bits are the signs of the real and imaginary parts of four low frequencies in the
    7 × 7 window around the pixel, which a blur leaves as they are.
    """
    from scipy.ndimage import convolve1d

    at = np.arange(LPQ_WINDOW) - LPQ_WINDOW // 2
    flat = np.ones(LPQ_WINDOW)
    wave = np.exp(-2j * np.pi * at / LPQ_WINDOW)
    values = grey.astype(np.float64)
    summed = convolve1d(values, flat, axis=0, mode="nearest")
    turned = convolve1d(values, wave, axis=0, mode="nearest")
    found = (
        convolve1d(summed, wave, axis=1, mode="nearest"),
        convolve1d(turned, flat, axis=1, mode="nearest"),
        convolve1d(turned, wave, axis=1, mode="nearest"),
        convolve1d(turned, wave.conj(), axis=1, mode="nearest"),
    )
    codes = np.zeros(grey.shape, np.int64)
    for bit, part in enumerate(side for value in found for side in (value.real, value.imag)):
        # A hair above zero: in flat regions the sign is rounding noise.
        codes |= (part > 1e-6).astype(np.int64) << bit
    return codes
