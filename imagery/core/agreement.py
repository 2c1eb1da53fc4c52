"""Whether two pictures show the same where one lies on the other: pixels, not features.

Features prove a placement; they do not prove that the rest is the same. Photographs of one scene,
two screens of one app, and two texts on one meme share features too. Local correlation tells them
from copies: it does not mind brightness, contrast or toning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 7  # pixels of the coarser view: what is compared at a time
_TEXTURED = 16.0  # variance in a window, of grey levels: below, there is nothing to compare
_BUSY = 60.0  # variance from which a window holds something of its own
_SAME, _OTHER = 0.7, 0.4  # correlation
_LEAST_OVERLAP = 300  # pixels
_LEAST_SAME = 50
_EDGE_SHARE = 0.12
_INSET = WINDOW // 2 + 3  # a window and the smoothing below reach across an edge


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares are of 1.

    median: correlation of windows within the common part (a rectangle: what lies around it, as
    borders, captions and a screen's own parts do, is left aside).
    other: share of all textured overlap, around the common part too, that does not correlate.
    swapped: share of the common part where each shows something, and not the same.
    added: where one alone shows something.
    common: share of the overlap that is the common part.
    """

    median: float
    other: float
    swapped: float
    added: float
    common: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two views on one frame, that of the coarser: ours and theirs (h, w) uint8; inside (h, w)
    bool, where both have pixels."""

    ours: np.ndarray
    theirs: np.ndarray
    inside: np.ndarray


def overlap(ours: np.ndarray, theirs: np.ndarray, placement: np.ndarray) -> Overlap | None:
    """Views (h, w) uint8 laid on each other; None where hardly any pixels are shared.

    placement: (2, 3), pixels of ours to pixels of theirs.
    """
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(placement[:, :2]))))
    if scale > 1:
        found = overlap(theirs, ours, cv2.invertAffineTransform(placement))
        return found and Overlap(found.theirs, found.ours, found.inside)
    if scale < 0.05:
        return None
    if scale < 0.6:
        ours = cv2.GaussianBlur(ours, (0, 0), 0.4 / scale)
    height, width = ours.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    corners = corners @ placement[:, :2].T + placement[:, 2]
    x0, y0 = np.floor(np.maximum(corners.min(axis=0), 0)).astype(int).tolist()
    x1, y1 = np.ceil(np.minimum(corners.max(axis=0), theirs.shape[::-1])).astype(int).tolist()
    if min(x1 - x0, y1 - y0) < 2 * WINDOW:
        return None
    moved = placement.astype(np.float64).copy()
    moved[:, 2] -= x0, y0
    size = (x1 - x0, y1 - y0)
    laid = cv2.warpAffine(ours, moved, size, flags=cv2.INTER_LINEAR)
    full = np.full(ours.shape, 255, np.uint8)
    there = cv2.warpAffine(full, moved, size, flags=cv2.INTER_NEAREST)
    there = cv2.erode(there, np.ones((3, 3), np.uint8), borderValue=0)
    return Overlap(laid, theirs[y0:y1, x0:x1], there > 0)


def measure(pair: Overlap) -> Agreement | None:
    """How far the two agree; None where there is next to nothing to compare."""
    inside = pair.inside
    if inside.sum() < _LEAST_OVERLAP:
        return None
    correlation, least, most = _windows(pair)
    textured = inside & (most > _TEXTURED)
    same = textured & (correlation > _SAME)
    if same.sum() < _LEAST_SAME:
        return None
    common = inside & _rectangle(same)
    within = textured & common
    differs = within & (correlation < _OTHER)
    swapped = differs & (least > _BUSY)
    n_common = common.sum()
    return Agreement(
        median=float(np.median(correlation[within])),
        other=float((correlation[textured] < 0.5).mean()),
        swapped=_opened(swapped) / n_common,
        added=_opened(differs & ~swapped) / n_common,
        common=float(n_common / inside.sum()),
    )


def _windows(pair: Overlap) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlation around each pixel, and the lesser and the greater variance of the two."""
    import cv2

    weight = pair.inside.astype(np.float32)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, (WINDOW, WINDOW), borderType=cv2.BORDER_CONSTANT)

    n = np.maximum(mean(weight), 1e-3)
    x, y = (
        cv2.GaussianBlur(side, (0, 0), 0.8).astype(np.float32) * weight
        for side in (pair.ours, pair.theirs)
    )
    mean_x, mean_y = mean(x) / n, mean(y) / n
    var_x = np.maximum(mean(x * x) / n - mean_x**2, 0)
    var_y = np.maximum(mean(y * y) / n - mean_y**2, 0)
    both = mean(x * y) / n - mean_x * mean_y
    floor = _TEXTURED / 8
    correlation = both / np.sqrt(np.maximum(var_x, floor) * np.maximum(var_y, floor))
    return correlation, np.minimum(var_x, var_y), np.maximum(var_x, var_y)


def _rectangle(same: np.ndarray) -> np.ndarray:
    """(h, w) bool: the rectangle outside which rows and columns hardly agree."""
    rows = _span(same.sum(axis=1))
    columns = _span(same[rows].sum(axis=0))
    box = np.zeros_like(same)
    box[rows, columns] = True
    return box


def _span(counts: np.ndarray) -> slice:
    smooth = np.convolve(counts, np.full(5, 0.2), "same")
    dense = np.flatnonzero(smooth > _EDGE_SHARE * np.percentile(smooth, 95))
    if not len(dense):
        return slice(0, len(counts))
    start, stop = int(dense[0]), int(dense[-1]) + 1
    # A frame's edge against another frame's is no part of the picture, nor windows across it.
    inner = start + _INSET * (start > 0), stop - _INSET * (stop < len(counts))
    return slice(*inner) if inner[1] - inner[0] > WINDOW else slice(start, stop)


def _opened(mask: np.ndarray) -> int:
    """Pixels left where thin lines, as slight shifts leave them at edges, are taken off."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    return int(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel).sum())
