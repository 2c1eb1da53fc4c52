"""What was done to a picture, told by where it lies in its source and what lies around it."""

from __future__ import annotations

import numpy as np

from imagery.core import placements

KINDS = ("copy", "crop", "border", "caption", "mirror", "screenshot", "recolour")

_WHOLE = 0.94  # share of a picture that counts as all of it
_MARGIN = 0.02  # share of a side from which there is a margin
_INK = 24  # grey levels away from the margin's own
_INKED = 0.004  # share of a margin from which something is written or drawn in it
_OTHER_COLOURS = 7.0  # mean distance of chroma (Lab, 8 bits)
_GRID = 16
_TURNED = 0.1  # from which the grids of two pictures do not lie on each other


def kind_of(picture: np.ndarray, source: np.ndarray, placement: np.ndarray, mirrored: bool) -> str:
    """One of KINDS. picture (mirrored before where it was), source: (h, w, 3) uint8 RGB.
    placement: (2, 3), fractions of the picture's sides to fractions of its source's.
    """
    if mirrored:
        return "mirror"
    around = _margins(placements.inverse(placement))
    cut = _margins(placement)
    covered, used = _inside(around), _inside(cut)
    if covered >= _WHOLE and used >= _WHOLE:
        turned = abs(placement[0, 1]) + abs(placement[1, 0]) > _TURNED
        grid = 1 if turned else _GRID
        return "recolour" if _chroma(picture, source, grid) > _OTHER_COLOURS else "copy"
    if covered >= used:
        return "crop"
    return _framing(picture, around)


def _margins(placement: np.ndarray) -> np.ndarray:
    """(4,) left, top, right, bottom: shares of the other's sides beyond this one, 0 to 1."""
    corners = placements.corners(placement)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return np.clip(np.concatenate([low, 1 - high]), 0, 1)


def _inside(margins: np.ndarray) -> float:
    left, top, right, bottom = margins.tolist()
    return max(0.0, 1 - left - right) * max(0.0, 1 - top - bottom)


def _framing(picture: np.ndarray, around: np.ndarray) -> str:
    """Where more is around the source than is cut off it."""
    left, top, right, bottom = around.tolist()
    beside = max(left, right) > _MARGIN
    written = [_written(band) for band in _bands(picture, top, bottom)]
    if not any(written):
        return "border"
    if beside and not all(written):
        return "border"
    return "screenshot" if all(written) and min(top, bottom) > _MARGIN else "caption"


def _bands(picture: np.ndarray, top: float, bottom: float) -> list[np.ndarray]:
    """Grey levels of what lies above and below, a little inside so that no edge is in it."""
    grey = picture.mean(axis=2)
    height = len(grey)
    up, down = round((top - 0.01) * height), round((bottom - 0.01) * height)
    return [grey[: max(up, 0)], grey[height - max(down, 0) :]]


def _written(band: np.ndarray) -> bool:
    if band.size == 0 or len(band) < 3:
        return False
    off = np.abs(band - np.median(band)) > _INK
    return bool(off.mean() > _INKED)


def _chroma(picture: np.ndarray, source: np.ndarray, grid: int) -> float:
    """Mean distance of the two pictures' colours, brightness aside, on a coarse grid."""
    import cv2

    grids = [
        cv2.cvtColor(
            cv2.resize(np.ascontiguousarray(side), (grid, grid), interpolation=cv2.INTER_AREA),
            cv2.COLOR_RGB2LAB,
        )[:, :, 1:].astype(np.float32)
        for side in (picture, source)
    ]
    return float(np.linalg.norm(grids[0] - grids[1], axis=2).mean())
