"""Whether one picture is a version of another, proven by its features and then by its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from imagery.core import agreement, features, geometry, placements, version_kinds
from imagery.core.features import Features

VERSION = "2"  # bump when the verdict on two views can change

LEAST_INLIERS = 5
# Slides, cards and screens of one layout have a few features in common, and much empty space that
# correlates: with up to 17 features they reach 0.945, where copies with so few are at 0.98.
FEW_INLIERS = 30
LEAST_MEDIAN_OF_FEW = 0.96
# Of 2,600 pairs of copies the least correlation was 0.87 and the most that did not correlate
# 0.36; of pairs that share a screen's parts, a font or a frame, 0.2 and 0.66.
LEAST_MEDIAN = 0.7
MOST_OTHER = 0.45
# A small watermark swaps up to 0.022 of what is seen; another text or another hat more.
MOST_SWAPPED = 0.0235
MOST_ADDED = 0.15
# Near copies by hash part only where more is swapped than any watermark swaps.
MOST_SWAPPED_NEAR = 0.03
SURE_MEDIAN, SURELY_LITTLE = 0.9, 0.004

Verdict = Literal["same", "differs"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A view of a picture, ready to be compared: (h, w, 3) and (h, w) uint8, and its features."""

    colour: np.ndarray
    luma: np.ndarray
    features: Features


@dataclass(frozen=True, slots=True)
class Verified:
    """A picture found in another, its source.

    verdict: "same", or "differs" where a part of what they share shows something else.
    kind: one of version_kinds.KINDS. transform: 6 floats, row by row, from fractions of the
    picture's sides (mirrored first where `mirrored`) to fractions of its source's. inliers:
    features that agree. similarity: median correlation of the pixels that they share.
    """

    verdict: Verdict
    kind: str
    transform: tuple[float, ...]
    mirrored: bool
    inliers: int
    similarity: float
    swapped: float  # share of the common part where each shows something else


def picture_of(pixels: np.ndarray, found: Features | None = None) -> Picture:
    """Of (h, w, 3) uint8 RGB, by preference its thumbnail's; features are made unless given."""
    import cv2

    colour = features.view_of(pixels)
    luma = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    return Picture(colour, luma, features.extract(luma) if found is None else found)


def verify(picture: Picture, source: Picture, mirrored: bool | None = None) -> Verified | None:
    """Whether `picture` lies in `source` or around it; None where nothing proves it.

    mirrored: whether to look for its mirror image; None tries both. About 5 ms.
    """
    tries = (False, True) if mirrored is None else (mirrored,)
    fits = []
    for turned in tries:
        ours = picture.features.mirrored() if turned else picture.features
        found = geometry.fit(ours, source.features)
        if found is not None and found.inliers >= LEAST_INLIERS:
            fits.append((-found.inliers, turned, found))
    if not fits:
        return None
    _, turned, found = min(fits, key=lambda fit: fit[:2])
    luma = np.ascontiguousarray(picture.luma[:, ::-1]) if turned else picture.luma
    pair = agreement.overlap(luma, source.luma, found.placement)
    agreed = agreement.measure(pair) if pair is not None else None
    least = LEAST_MEDIAN_OF_FEW if found.inliers < FEW_INLIERS else LEAST_MEDIAN
    if agreed is None or agreed.median < least or agreed.other > MOST_OTHER:
        return None
    placement = _in_fractions(found.placement, picture.luma.shape, source.luma.shape)
    same = agreed.swapped <= MOST_SWAPPED and agreed.added <= MOST_ADDED
    colour = picture.colour[:, ::-1] if turned else picture.colour
    return Verified(
        verdict="same" if same else "differs",
        kind=version_kinds.kind_of(colour, source.colour, placement, turned),
        transform=tuple(round(float(v), 5) for v in placement.reshape(-1)),
        mirrored=turned,
        inliers=found.inliers,
        similarity=round(agreed.median, 4),
        swapped=round(float(agreed.swapped), 5),
    )


def surely_same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether two views of near copies, (h, w) uint8, show the same as they lie on each other.

    No answer of features: cheap, and False also where one of the two is shifted or cropped.
    """
    import cv2

    if ours.shape != theirs.shape:
        ours = cv2.resize(ours, theirs.shape[::-1], interpolation=cv2.INTER_AREA)
    agreed = agreement.measure(agreement.Overlap(ours, theirs, np.ones(ours.shape, bool)))
    if agreed is None:
        return False
    return agreed.median >= SURE_MEDIAN and max(agreed.swapped, agreed.added) <= SURELY_LITTLE


def _in_fractions(placement: np.ndarray, size: tuple[int, ...], of: tuple[int, ...]) -> np.ndarray:
    """(2, 3) from pixel centres at whole numbers to fractions of the sides."""
    to_centres = np.array([[size[1], 0, -0.5], [0, size[0], -0.5]], np.float64)
    back = np.array([[1 / of[1], 0, 0.5 / of[1]], [0, 1 / of[0], 0.5 / of[0]]])
    return placements.compose(back, placements.compose(placement, to_centres))
