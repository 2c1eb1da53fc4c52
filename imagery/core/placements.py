"""Where one picture lies in another, in fractions of their sides.

A placement is (2, 3) float64: it maps (x, y) of one picture, 0 to 1 from its left and its top, to
(x, y) of the other. Mirroring is part of it, so that placements compose and turn round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
MIRROR = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
_LEAST_AREA = 1e-6  # of the other picture: below, nothing could be seen of it
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])

Size = tuple[int, int]  # width, height in pixels


def from_transform(transform: Sequence[float], mirrored: bool = False) -> np.ndarray | None:
    """Of 6 numbers, row by row, that hold once the picture was mirrored where `mirrored`.

    None for anything that places nothing: other lengths, no finite numbers, no area.
    """
    if len(transform) != 6:
        return None
    given = np.array(transform, np.float64).reshape(2, 3)
    if not np.isfinite(given).all() or abs(np.linalg.det(given[:, :2])) < _LEAST_AREA:
        return None
    return compose(given, MIRROR) if mirrored else given


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """First `inner`, then `outer`."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def inverse(placement: np.ndarray) -> np.ndarray:
    """The other way round. Raises numpy.linalg.LinAlgError where it has no area."""
    back = np.linalg.inv(placement[:, :2])
    return np.column_stack([back, -back @ placement[:, 2]])


def corners(placement: np.ndarray) -> np.ndarray:
    """(4, 2) float64: where its corners lie, clockwise from its own upper left."""
    return _CORNERS @ placement[:, :2].T + placement[:, 2]


def centred(size: Size, of: Size) -> np.ndarray:
    """`size` upright in the middle of `of`, as long from corner to corner: for no better place."""
    scale = np.hypot(*of) / np.hypot(*size)
    width, height = size[0] * scale / of[0], size[1] * scale / of[1]
    return np.array([[width, 0, (1 - width) / 2], [0, height, (1 - height) / 2]])


def in_pixels(placement: np.ndarray, size: Size, of: Size) -> np.ndarray:
    """(2, 3) float64: the same from pixels of `size` to pixels of `of`."""
    to = np.array(of, np.float64)[:, None]
    return placement * to / np.array([size[0], size[1], 1.0])


def is_mirrored(placement: np.ndarray) -> bool:
    return bool(np.linalg.det(placement[:, :2]) < 0)


def moves(placement: np.ndarray, least: float = 0.01) -> bool:
    """Whether any corner lies further than `least` from the other picture's own corner."""
    return bool(np.abs(corners(placement) - _CORNERS).max() > least)
