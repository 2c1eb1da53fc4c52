"""Local features of one picture: what of it can be found again in another (Lowe's SIFT, 2004).

They are taken from a small view, so that they cost little, and kept as plain bytes. Descriptors
of the mirrored picture are the same numbers in another order: mirrors need no second look.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

VERSION = "sift200-1"  # bump when the features of one picture can change
SIDE = 200  # pixels of a view's longer side
MOST = 150  # features kept, those that stand out most
_LEAST_CONTRAST = 0.02
_LEVELS = 15  # a descriptor's value takes 4 bits
_PER_ROOT = 1.3  # of them for each step of a value's square root
_HEADER = struct.Struct("<4sHHH")
_MAGIC = b"AIF1"
_DIMENSIONS = 128

# SIFT's descriptor holds 4 rows of 4 cells of 8 directions. In a mirror the rows turn over and
# each direction becomes its opposite.
_CELLS = np.arange(_DIMENSIONS).reshape(4, 4, 8)
_MIRRORED = _CELLS[::-1, :, (-np.arange(8)) % 8].reshape(-1)


@dataclass(frozen=True, slots=True)
class Features:
    """Of one view: points (n, 4) float32: x, y, diameter in pixels, direction in degrees;
    descriptors (n, 128) uint8, 0–15, square roots of SIFT's; width and height of the view."""

    points: np.ndarray
    descriptors: np.ndarray
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.points)

    def mirrored(self) -> Features:
        """Those of the picture as a mirror shows it."""
        points = self.points.copy()
        points[:, 0] = self.width - 1 - points[:, 0]
        points[:, 3] = (180 - points[:, 3]) % 360
        return Features(points, self.descriptors[:, _MIRRORED], self.width, self.height)

    def unit(self) -> np.ndarray:
        """(n, 128) float32 descriptors of length 1."""
        values = self.descriptors.astype(np.float32)
        return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)


def view_of(pixels: np.ndarray) -> np.ndarray:
    """Pixels, (h, w) or (h, w, 3) uint8, brought down to SIDE; smaller ones stay as they are."""
    import cv2

    scale = SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def extract(luma: np.ndarray) -> Features:
    """The features of a view, (h, w) uint8; about 15 ms. Raises ValueError for anything else."""
    import cv2

    if luma.ndim != 2 or luma.dtype != np.uint8:
        raise ValueError(f"want (h, w) uint8, got {luma.shape} {luma.dtype}")
    height, width = luma.shape
    found, values = cv2.SIFT.create(MOST, 3, _LEAST_CONTRAST).detectAndCompute(luma, None)
    if values is None or not len(found):
        return Features(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8), width, height)
    points = np.array([(*p.pt, p.size, p.angle) for p in found], np.float32)
    # OpenCV looks at a doubled view, and its places are off by a quarter of a pixel.
    points[:, :2] -= 0.25
    levels = np.minimum(np.rint(_PER_ROOT * np.sqrt(values)), _LEVELS).astype(np.uint8)
    # Points at one place with one direction would count as several proofs.
    _, kept = np.unique(np.rint(points[:, [0, 1, 3]]), axis=0, return_index=True)
    kept = np.sort(kept)[:MOST]
    return Features(points[kept], levels[kept], width, height)


def pack(features: Features) -> bytes:
    """Plain bytes: 72 a feature. Places are kept to a 64th of a pixel."""
    header = _HEADER.pack(_MAGIC, len(features), features.width, features.height)
    steps = np.rint(np.maximum(features.points, 0) * _STEPS) % 65536
    pairs = features.descriptors[:, ::2] | (features.descriptors[:, 1::2] << 4)
    return header + steps.astype("<u2").tobytes() + pairs.tobytes()


_STEPS = np.array([64, 64, 64, 65536 / 360], np.float32)


def unpack(data: bytes) -> Features:
    """What `pack` made. Raises ValueError for anything else."""
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise ValueError(f"not features: {data[:12]!r}")
    _, n, width, height = _HEADER.unpack_from(data)
    if len(data) != _HEADER.size + n * 72:
        raise ValueError(f"{n} features want {_HEADER.size + n * 72} bytes, got {len(data)}")
    steps = np.frombuffer(data, "<u2", 4 * n, _HEADER.size).reshape(n, 4)
    pairs = np.frombuffer(data, np.uint8, 64 * n, _HEADER.size + 8 * n).reshape(n, 64)
    levels = np.empty((n, 128), np.uint8)
    levels[:, ::2], levels[:, 1::2] = pairs & 15, pairs >> 4
    return Features((steps / _STEPS).astype(np.float32), levels, width, height)
