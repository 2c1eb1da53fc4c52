"""Small curves as SVG path data."""

from __future__ import annotations

import numpy as np


def binned(at: np.ndarray, n: np.ndarray, begin: int, end: int, bins: int) -> np.ndarray:
    """Sums of n over equal intervals of [begin, end]; what lies outside is left out.

    at: (m,) integers in any unit, n: (m,) counts. Returns (bins,) int64.
    """
    if bins < 1 or end < begin:
        raise ValueError(f"want at least one bin and end ≥ begin: {bins} of {begin} … {end}")
    inside = (at >= begin) & (at <= end)
    place = (at[inside].astype(np.int64) - begin) * bins // (end - begin + 1)
    return np.bincount(place, weights=n[inside], minlength=bins).astype(np.int64)


def steps(counts: np.ndarray, width: float, height: float, top: float | None = None) -> str:
    """A filled outline of bars side by side; `top` is the count that reaches the upper edge.

    Nothing where there are no counts. Coordinates have one decimal, y grows downwards.
    """
    n = len(counts)
    peak = float(top if top is not None else counts.max(initial=0))
    if not n or peak <= 0:
        return ""
    y = np.round(height - np.minimum(counts / peak, 1.0) * height, 1)
    changes = np.flatnonzero(np.diff(y)) + 1
    runs = zip(y[np.r_[0, changes]], np.r_[changes, n] * (width / n), strict=True)
    return f"M0 {height:g}" + "".join(f"V{v:g}H{round(h, 1):g}" for v, h in runs) + f"V{height:g}Z"
