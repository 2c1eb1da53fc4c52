"""Euclidean distances, quick by matrix product and exact by difference.

‖a − b‖² = ‖a‖² + ‖b‖² − 2ab is quick but loses what is small. Neighbours and trees use it
with its proven error to pick candidates, and measure those by difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LONGEST = 1e18  # a vector's length: squares of distances still fit float32
_CHUNK = 8_000_000  # numbers held at once by `exact`: 64 MB of float64


def checked(vectors: np.ndarray) -> np.ndarray:
    """(n, d) float32, contiguous, −0 turned into 0.

    Raises ValueError naming the first row that is not finite, or longer than LONGEST.
    """
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise ValueError(f"want (n, d) floats, got {vectors.shape} {vectors.dtype}")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(vectors, np.float32) + np.float32(0)
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    sound = squares <= LONGEST**2  # false for NaN too
    if not sound.all():
        at = int(np.argmin(sound))
        raise ValueError(f"vector {at} is not finite, or longer than {LONGEST:g}")
    return rows


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index of each distinct row, ascending (m,) int64; and for each row its place there."""
    if not rows.size:
        n = min(len(rows), 1)
        return np.zeros(n, np.int64), np.zeros(len(rows), np.int64)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[place]


def exact(rows: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """‖rows[i] − rows[j]‖ (m,) float32, by difference in float64; the same for (j, i)."""
    squares = np.empty(len(i), np.float64)
    step = max(1, _CHUNK // max(rows.shape[1], 1))
    for at in range(0, len(i), step):
        difference = rows[i[at : at + step]].astype(np.float64)
        difference -= rows[j[at : at + step]]
        np.square(difference, out=difference)
        squares[at : at + step] = difference.sum(axis=1)
    return np.sqrt(squares).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Product:
    """Squared distances of many pairs by matrix product, in one precision."""

    rows: np.ndarray  # (n, d), float32 or float64
    squares: np.ndarray  # (n,) ‖row‖², same dtype
    margin: float  # |of() − true ‖a − b‖²| never exceeds this

    @classmethod
    def make(cls, rows: np.ndarray, dtype: type[np.floating]) -> Product:
        """margin: Higham's bound γ for sums of products, any order of summation."""
        wide = rows.astype(dtype, copy=False)
        squares = np.einsum("ij,ij->i", wide, wide)
        unit = float(np.finfo(dtype).eps) / 2
        gamma = (rows.shape[1] + 4) * unit / (1 - (rows.shape[1] + 4) * unit)
        largest = float(squares.max(initial=0.0)) * (1 + 2 * gamma)
        return cls(wide, squares, 4 * (gamma + 2 * unit) * largest)

    def of(self, a: slice | np.ndarray, b: slice | np.ndarray) -> np.ndarray:
        """(len(a), len(b)) squared distances; may be negative by up to margin."""
        g = self.rows[a] @ self.rows[b].T
        g *= -2
        g += self.squares[a][:, None]
        g += self.squares[b]
        return g
