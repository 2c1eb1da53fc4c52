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
_BEHIND = 0.42  # how bright the pictures stay beneath
_OUTSIDE = 0.24  # … where only the first is
_ADDED = np.array([0.08, 0.36, 0.36])  # … where only the second is, by channel
_SIDE = 960  # px of the canvas, at most
_SHARPEST = 2.0  # px of the canvas per pixel of the first


@dataclass(frozen=True, slots=True)
class Difference:
    """Two pictures on one canvas, which is as wide and high as both together.

    box: (4,) x, y, width, height of the canvas in fractions of the first picture.
    amount: (h, w) uint8, the largest difference of the three channels; 0 where not shared.
    in_first, in_second: (h, w) bool, where each picture is. luma: (h, w) uint8 of the first, and
    of the second where that is alone.
    """

    box: tuple[float, float, float, float]
    amount: np.ndarray
    in_first: np.ndarray
    in_second: np.ndarray
    luma: np.ndarray

    @property
    def shared(self) -> np.ndarray:
        return self.in_first & self.in_second

    @property
    def overlap(self) -> float:
        """Share of the first picture that the second covers."""
        return float(self.shared.sum() / max(1, self.in_first.sum()))

    @property
    def added(self) -> float:
        """Share of the second picture that lies beyond the first."""
        return float((self.in_second & ~self.in_first).sum() / max(1, self.in_second.sum()))

    @property
    def differing(self) -> float | None:
        """Share of the shared pixels that differ by more than NOISE; None where none is shared."""
        n_shared = int(self.shared.sum())
        return float((self.amount > NOISE).sum()) / n_shared if n_shared else None


def difference(first: np.ndarray, second: np.ndarray, placement: np.ndarray) -> Difference:
    """Lay the second on the first and subtract.

    first: (h, w, 3) uint8, second: the same of any size. placement: (2, 3), from fractions of the
    second to fractions of the first (see placements). Raises ValueError for other shapes.
    """
    for pixels in (first, second):
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    box, size = _canvas(placement, (first.shape[1], first.shape[0]))
    x, y, width, height = box
    to_canvas = np.array([[1 / width, 0, -x / width], [0, 1 / height, -y / height]])
    ours, in_first = _laid(first, to_canvas, size)
    theirs, in_second = _laid(second, placements.compose(to_canvas, placement), size)
    amount = np.abs(_soft(ours).astype(np.int16) - _soft(theirs)).max(axis=2).astype(np.uint8)
    amount[~(in_first & in_second)] = 0
    luma = np.where(in_first, _luma(ours), _luma(theirs))
    return Difference(box, amount, in_first, in_second, luma)


def painted(found: Difference) -> np.ndarray:
    """(h, w, 3) uint8: differences, AMPLIFIED, as heat on the darkened pictures.

    What only the second shows is tinted, what only the first shows is darker still.
    """
    bright = np.zeros((*found.luma.shape, 3))
    bright[found.in_first] = _OUTSIDE
    bright[found.in_second & ~found.in_first] = _ADDED
    bright[found.shared] = _BEHIND
    ground = found.luma[..., None] * bright
    ground[found.in_second & ~found.in_first] += _ADDED * 110
    heat = np.minimum(1, found.amount.astype(np.float32) * AMPLIFIED / 255)
    opaque = np.minimum(1, found.amount.astype(np.float32) / NOISE)[..., None]
    shown = opaque * heat_colours(heat) + (1 - opaque) * ground
    return np.round(np.minimum(shown, 255)).astype(np.uint8)


def heat_colours(heat: np.ndarray) -> np.ndarray:
    """(…, 3) float64, 0–255, for heat 0–1."""
    return np.stack([np.interp(heat, _STOPS, _HEAT[:, c]) for c in range(3)], axis=-1)


def _canvas(
    placement: np.ndarray, size: placements.Size
) -> tuple[tuple[float, float, float, float], placements.Size]:
    """The box around both, in fractions of the first, and its size in pixels."""
    points = np.concatenate([placements.corners(placement), [[0, 0], [1, 1]]])
    x, y = points.min(axis=0)
    width, height = points.max(axis=0) - (x, y)
    wide, high = width * size[0], height * size[1]
    scale = min(_SHARPEST, _SIDE / max(wide, high))
    box = (float(x), float(y), float(width), float(height))
    return box, (max(1, round(wide * scale)), max(1, round(high * scale)))


def _luma(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def _soft(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(_SOFT)))


def _laid(
    pixels: np.ndarray, placement: np.ndarray, size: placements.Size
) -> tuple[np.ndarray, np.ndarray]:
    """A picture drawn on the canvas, black beyond it, and where it is (h, w) bool."""
    image = Image.fromarray(pixels)
    forth = placements.in_pixels(placement, image.size, size)
    scale = float(np.sqrt(abs(np.linalg.det(forth[:, :2]))))
    if scale < 0.5:  # many pixels to one: their mean, not one of them
        image = image.reduce(max(1, int(1 / scale)))
    back = tuple(placements.inverse(placements.in_pixels(placement, image.size, size)).ravel())
    affine = Image.Transform.AFFINE
    drawn = image.transform(size, affine, back, Image.Resampling.BICUBIC)
    inside = Image.new("L", image.size, 255).transform(size, affine, back)
    return np.asarray(drawn), np.asarray(inside) > 0
