"""Where an event's curve peaks, and which picture stands for each peak."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analytics.timelines import Interval


@dataclass(frozen=True, slots=True)
class Peak:
    """An interval that stands out, with its most posted picture not shown at a higher peak."""

    at: datetime  # the interval's middle
    n_posts: int
    unique_id: int
    n_shown: int  # posts with that picture in the interval


def peaks(intervals: list[Interval], most: int = 5, apart: float = 0.14) -> list[Peak]:
    """The highest local maxima in order of time, at least `apart` of the span from each other.

    Lower ones than a tenth of the highest do not stand out, and are left out.
    """
    n = [part.n_posts for part in intervals]
    heights = sorted(
        (i for i in range(len(n)) if _stands_out(n, i)),
        key=lambda i: (-n[i], i),
    )
    gap = apart * len(n)
    chosen: dict[int, tuple[int, int]] = {}
    for i in heights:
        if len(chosen) == most:
            break
        if any(abs(i - other) < gap for other in chosen):
            continue
        shown = {pk for pk, _ in chosen.values()}
        picture = next((pair for pair in intervals[i].top if pair[0] not in shown), None)
        if picture:
            chosen[i] = picture
    return [
        Peak(
            at=intervals[i].start + (intervals[i].end - intervals[i].start) / 2,
            n_posts=n[i],
            unique_id=chosen[i][0],
            n_shown=chosen[i][1],
        )
        for i in sorted(chosen)
    ]


def _stands_out(n: list[int], i: int) -> bool:
    near = n[max(0, i - 1) : i + 2]
    rises = n[i] == max(near) and (n[i] > min(near) or len(n) == 1)
    return rises and n[i] > 0 and 10 * n[i] >= max(n)
