"""What differs between two pictures that lie on each other, pixel by pixel, and how to show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from imagery.core import placements

# Levels of 255 in any channel, once both are softened: what re-encoding leaves, and more is told.
NOISE = 24
AMPLIFIED = 4
_SOFT = 1.0  # px of Gaussian blur: half a pixel out of place is no difference
_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
# From dark violet to light yellow, each lighter than the one before it.
_HEAT = np.array([[46, 14, 84], [140, 28, 96], [222, 73, 52], [250, 160, 30], [252, 253, 176]])
_BEHIND = 0.42  # how bright the picture stays beneath
_OUTSIDE = 0.16


@dataclass(frozen=True, slots=True)
class Difference:
    """amount: (h, w) uint8, the largest difference of the three channels; 0 where not shared.

    shared: (h, w) bool, where both pictures are.
    """

    amount: np.ndarray
    shared: np.ndarray

    @property
    def overlap(self) -> float:
        """Share of the first picture that the second covers."""
        return float(self.shared.mean())

    @property
    def differing(self) -> float | None:
        """Share of the shared pixels that differ by more than NOISE; None where none is shared."""
        n_shared = int(self.shared.sum())
        return float((self.amount > NOISE).sum()) / n_shared if n_shared else None

    @property
    def mean(self) -> float | None:
        """Mean difference of the shared pixels, in levels of 255."""
        return float(self.amount[self.shared].mean()) if self.shared.any() else None


def difference(first: np.ndarray, second: np.ndarray, placement: np.ndarray) -> Difference:
    """Lay the second on the first and subtract.

    first: (h, w, 3) uint8, second: the same of any size. placement: (2, 3), from fractions of the
    second to fractions of the first (see placements). Raises ValueError for other shapes.
    """
    for pixels in (first, second):
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    laid, shared = _laid(second, placement, (first.shape[1], first.shape[0]))
    amount = np.abs(_soft(first).astype(np.int16) - _soft(laid)).max(axis=2).astype(np.uint8)
    amount[~shared] = 0
    return Difference(amount, shared)


def painted(first: np.ndarray, found: Difference) -> np.ndarray:
    """(h, w, 3) uint8: the differences, AMPLIFIED, as heat on the darkened first picture."""
    luma = np.asarray(Image.fromarray(first).convert("L"), np.float32)
    ground = luma * np.where(found.shared, _BEHIND, _OUTSIDE)
    heat = np.minimum(1, found.amount.astype(np.float32) * AMPLIFIED / 255)
    opaque = np.minimum(1, found.amount.astype(np.float32) / NOISE)[..., None]
    shown = opaque * heat_colours(heat) + (1 - opaque) * ground[..., None]
    return np.round(shown).astype(np.uint8)


def heat_colours(heat: np.ndarray) -> np.ndarray:
    """(…, 3) float64, 0–255, for heat 0–1."""
    return np.stack([np.interp(heat, _STOPS, _HEAT[:, c]) for c in range(3)], axis=-1)


def _soft(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(_SOFT)))


def _laid(
    pixels: np.ndarray, placement: np.ndarray, size: placements.Size
) -> tuple[np.ndarray, np.ndarray]:
    """The second picture drawn on the first's raster, with what lies beyond it black."""
    image = Image.fromarray(pixels)
    forth = placements.in_pixels(placement, image.size, size)
    scale = float(np.sqrt(abs(np.linalg.det(forth[:, :2]))))
    if scale < 0.5:  # many pixels to one: their mean, not one of them
        image = image.reduce(max(1, int(1 / scale)))
    back = placements.inverse(placements.in_pixels(placement, image.size, size))
    drawn = image.transform(
        size, Image.Transform.AFFINE, tuple(back.ravel()), Image.Resampling.BICUBIC
    )
    ground = Image.new("L", image.size, 255)
    inside = ground.transform(size, Image.Transform.AFFINE, tuple(back.ravel()))
    return np.asarray(drawn), np.asarray(inside) > 0
