"""Rectangles with areas in proportion: how a group's pictures share one card.

Squarified treemaps (Bruls, Huizing and van Wijk, 2000): rows are filled along the shorter side
for as long as that makes the worst rectangle less elongated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """In parts of the whole: 0 … 1."""

    x: float
    y: float
    w: float
    h: float


def treemap(weights: Sequence[float], ratio: float = 4 / 3, least: float = 0.0) -> list[Rect]:
    """One rectangle per weight, in the order given; largest first looks best.

    weights: all above 0. ratio: width over height of the whole.
    least: a part no rectangle falls below, so that a picture posted once can still be seen; it
    is cut to 1/n where more is asked than there is.
    """
    if not weights:
        return []
    if min(weights) <= 0:
        raise ValueError(f"want weights above 0, got {min(weights)!r}")
    areas = [part * ratio for part in _shares(weights, least)]
    made: list[Rect] = []
    x, y, w, h = 0.0, 0.0, ratio, 1.0
    while len(made) < len(areas):
        side = min(w, h)
        row = _row(areas[len(made) :], side)
        depth = sum(row) / side
        along = 0.0
        for area in row:
            length = area / depth
            if w >= h:
                made.append(Rect(x / ratio, y + along, depth / ratio, length))
            else:
                made.append(Rect((x + along) / ratio, y, length / ratio, depth))
            along += length
        if w >= h:
            x, w = x + depth, w - depth
        else:
            y, h = y + depth, h - depth
    return made


def _shares(weights: Sequence[float], least: float) -> list[float]:
    """Parts of 1 in proportion to the weights, those below `least` lifted to it."""
    least = min(least, 1 / len(weights))
    total = sum(weights)
    parts = [weight / total for weight in weights]
    lifted: set[int] = set()
    while small := {i for i, part in enumerate(parts) if part < least and i not in lifted}:
        lifted |= small
        room = 1 - least * len(lifted)
        rest = sum(weight for i, weight in enumerate(weights) if i not in lifted)
        parts = [least if i in lifted else room * w / rest for i, w in enumerate(weights)]
    return parts


def _row(areas: Sequence[float], side: float) -> list[float]:
    """The leading areas that make the least elongated row along the side."""
    row: list[float] = []
    worst = float("inf")
    for area in areas:
        wider = [*row, area]
        found = _worst(wider, side)
        if row and found > worst:
            break
        row, worst = wider, found
    return row


def _worst(row: Sequence[float], side: float) -> float:
    """The most elongated rectangle's long side over its short one."""
    depth = sum(row) / side
    return max(max(depth * depth / area, area / (depth * depth)) for area in row)
