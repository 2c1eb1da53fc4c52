"""How one view lies in another: features that match, and the placement most of them agree on.

Nothing is drawn at random: every match proposes a placement by its own scale and direction, and
the one that most others agree with is refined. The same views give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagery.core.features import Features

NEAREST_BY = 0.85  # a match is nearer than this share of the distance to the next best
TOLERANCE = 3.0  # pixels of a view
_CLUSTER = 5.0  # pixels: features within one such cell count once
_WIDEST = 1.6  # a placement may stretch one way by as much more than the other
_AFFINE_FROM = 12  # matches, below which a placement turns, scales and shifts alone


@dataclass(frozen=True, slots=True)
class Fit:
    """placement: (2, 3) float64, pixels of ours to pixels of theirs. inliers: how many features
    at different places agree with it."""

    placement: np.ndarray
    inliers: int


def match(ours: Features, theirs: Features) -> np.ndarray:
    """(m, 2) int64: features that are each other's nearest, and clearly nearer than the next."""
    if len(ours) < 2 or len(theirs) < 2:
        return np.zeros((0, 2), np.int64)
    alike = ours.unit() @ theirs.unit().T
    forth, back = alike.argmax(axis=1), alike.argmax(axis=0)
    row = np.arange(len(ours))
    best = alike[row, forth]
    alike[row, forth] = -1
    # Of unit vectors: squared distance is 2 - 2 × product. Equal ones differ by rounding alone.
    clear = 1 - best + 1e-6 < NEAREST_BY**2 * (1 - alike.max(axis=1))
    kept = np.flatnonzero(clear & (back[forth] == row))
    return np.stack([kept, forth[kept]], axis=1)


def fit(ours: Features, theirs: Features) -> Fit | None:
    """The placement that most matches agree on; None where fewer than 3 do."""
    pairs = match(ours, theirs)
    if len(pairs) < 3:
        return None
    here, there = ours.points[pairs[:, 0]], theirs.points[pairs[:, 1]]
    agree = _first_guess(here, there)
    a, b = here[:, :2].astype(np.float64), there[:, :2].astype(np.float64)
    placement = None
    for tolerance in (2.5 * TOLERANCE, 1.5 * TOLERANCE, TOLERANCE, TOLERANCE):
        if agree.sum() < 3:
            return None
        placement = _similarity(a[agree], b[agree])
        agree = _residuals(placement, a, b) < tolerance
    if placement is None or agree.sum() < 3:
        return None
    placement, agree = _stretched(placement, agree, a, b)
    return Fit(placement, min(_places(a[agree]), _places(b[agree])))


def _first_guess(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(m,) bool: the matches that agree, generously, with the best of their own proposals."""
    angle = np.radians(there[:, 3] - here[:, 3])
    scale = there[:, 2] / here[:, 2]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    x, y = here[:, 0], here[:, 1]
    to_x, to_y = there[:, 0] - (cos * x - sin * y), there[:, 1] - (sin * x + cos * y)
    off_x = cos[:, None] * x - sin[:, None] * y + to_x[:, None] - there[:, 0]
    off_y = sin[:, None] * x + cos[:, None] * y + to_y[:, None] - there[:, 1]
    agree = off_x**2 + off_y**2 < (4 * TOLERANCE) ** 2
    return agree[agree.sum(axis=1).argmax()]


def _similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Least squares: turned, scaled and shifted."""
    mid_a, mid_b = a.mean(axis=0), b.mean(axis=0)
    from_a, from_b = a - mid_a, b - mid_b
    spread = max(float((from_a**2).sum()), 1e-9)
    cos = float((from_a * from_b).sum()) / spread
    sin = float((from_a[:, 0] * from_b[:, 1] - from_a[:, 1] * from_b[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, mid_b - turn @ mid_a])


def _stretched(
    placement: np.ndarray, agree: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """With stretching, where there are matches enough and clearly more of them then agree."""
    if agree.sum() < _AFFINE_FROM // 2:
        return placement, agree
    wide, among = placement, agree
    for tolerance in (1.5 * TOLERANCE, TOLERANCE, TOLERANCE):
        rows = np.column_stack([a[among], np.ones(among.sum())])
        wide = np.linalg.lstsq(rows, b[among], rcond=None)[0].T
        among = _residuals(wide, a, b) < tolerance
        if among.sum() < _AFFINE_FROM:
            return placement, agree
    widths = np.linalg.svd(wide[:, :2], compute_uv=False)
    better = among.sum() >= agree.sum() + 3 and widths[0] <= _WIDEST * widths[1]
    return (wide, among) if better and np.linalg.det(wide[:, :2]) > 0 else (placement, agree)


def _residuals(placement: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a @ placement[:, :2].T + placement[:, 2] - b, axis=1)


def _places(points: np.ndarray) -> int:
    return len(np.unique(np.floor(points / _CLUSTER), axis=0))
