"""How a picture spread, as a drawing: bars of posts per interval under their running sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from imagery import histories
from imagery.core import sparkline
from imagery.models import Event

WIDTH, HEIGHT = 1000.0, 160.0


@dataclass(frozen=True, slots=True)
class Interval:
    start: datetime
    n: int
    total: int
    x: float  # px of WIDTH
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    intervals: list[Interval]
    bars: str  # path, to its own peak
    line: str  # path of the running sum, to its own total
    peak: int
    total: int
    interval_s: int
    end: datetime

    @property
    def interval_name(self) -> str:
        for unit, seconds in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
            n, rest = divmod(self.interval_s, seconds)
            if n and not rest:
                return unit if n == 1 else f"{n} {unit}s"
        return f"{self.interval_s} seconds"


def drawn(event: Event, unique_id: int) -> Chart | None:
    """None where the timeline does not know it."""
    spread = histories.spread_of(event, unique_id)
    if not spread.counts:
        return None
    totals, step = spread.cumulative, WIDTH / len(spread.counts)
    intervals = [
        Interval(start, n, total, round(i * step, 2), round(step, 2))
        for i, (start, n, total) in enumerate(
            zip(spread.starts, spread.counts, totals, strict=True)
        )
    ]
    heights = HEIGHT * (1 - np.array([0, *totals]) / totals[-1])
    line = "M" + "L".join(f"{i * step:.1f} {y:.1f}" for i, y in enumerate(heights))
    return Chart(
        intervals=intervals,
        bars=sparkline.steps(np.array(spread.counts), WIDTH, HEIGHT),
        line=line,
        peak=max(spread.counts),
        total=totals[-1],
        interval_s=spread.interval_s,
        end=spread.starts[-1] + timedelta(seconds=spread.interval_s),
    )
