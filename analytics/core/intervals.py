"""Where intervals of time begin and end, in a time zone's own calendar.

Times are whole minutes since 1970-01-01 UTC. Up to an hour, intervals are equally long and
begin at round minutes of the zone's clock; from six hours on they follow the clock on the
wall, so that a day that gains or loses an hour is one day of 23 or 25 hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

MINUTES: dict[str, int] = {  # of an ordinary one
    "1min": 1,
    "5min": 5,
    "15min": 15,
    "1h": 60,
    "6h": 360,
    "1d": 1440,
    "1w": 10080,
    "1mon": 43830,
    "1y": 525960,
}
LABELS: dict[str, str] = {
    "1min": "1 min",
    "5min": "5 min",
    "15min": "15 min",
    "1h": "1 hour",
    "6h": "6 hours",
    "1d": "1 day",
    "1w": "1 week",
    "1mon": "1 month",
    "1y": "1 year",
}
COMFORTABLE = 60  # columns an automatic choice stays within
MOST = 400  # columns anything stays within


def edges(start: int, end: int, interval: str, zone: ZoneInfo) -> np.ndarray:
    """Beginnings of the intervals that cover [start, end), and the last one's end.

    Returns (k + 1,) int64 ascending, k ≥ 1. Weeks begin on Monday. Where a clock skips
    midnight, the day begins at its first minute. Raises ValueError for an unknown interval
    and for end ≤ start.
    """
    if interval not in MINUTES:
        raise ValueError(f"unknown interval {interval!r}: one of {', '.join(MINUTES)}")
    if end <= start:
        raise ValueError(f"want start before end, got minutes {start} and {end}")
    step = MINUTES[interval]
    if step <= 60:
        offset = _offset(start, zone)
        first = (start + offset) // step * step - offset
        return np.arange(first, end + step, step, dtype=np.int64)[: -(-(end - first) // step) + 1]
    local = _floor(datetime.fromtimestamp(start * 60, zone).replace(tzinfo=None), interval)
    made = [_minute(local, zone)]
    while made[-1] < end:
        local = _next(local, interval)
        made.append(max(made[-1], _minute(local, zone)))
    return np.unique(np.array(made, np.int64))


def before(first: int, interval: str, zone: ZoneInfo) -> int:
    """Beginning of the interval that ends at `first`, itself a beginning."""
    return int(edges(first - 1, first, interval, zone)[0])


def about(start: int, end: int, interval: str) -> int:
    """Number of intervals in [start, end), give or take one."""
    return -(-(end - start) // MINUTES[interval])


def automatic(start: int, end: int, most: int = COMFORTABLE) -> str:
    """The finest interval that makes at most `most` columns; months beyond, years at last."""
    for interval in MINUTES:
        if interval != "1y" and about(start, end, interval) <= most:
            return interval
    return within(start, end, "1mon")


def within(start: int, end: int, interval: str, most: int = MOST) -> str:
    """That interval, or the finest coarser one that makes at most `most` columns."""
    names = list(MINUTES)
    for name in names[names.index(interval) :]:
        if about(start, end, name) <= most:
            return name
    return names[-1]


def _offset(minute: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(minute * 60, zone).utcoffset()
    return int((offset or timedelta()).total_seconds() // 60)


def _minute(local: datetime, zone: ZoneInfo) -> int:
    return int(local.replace(tzinfo=zone).timestamp() // 60)


def _floor(local: datetime, interval: str) -> datetime:
    if interval == "6h":
        return local.replace(hour=local.hour // 6 * 6, minute=0, second=0, microsecond=0)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "1w":
        return day - timedelta(days=day.weekday())
    if interval == "1mon":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if interval == "1y" else day


def _next(local: datetime, interval: str) -> datetime:
    if interval == "1mon":
        return (local.replace(day=28) + timedelta(days=4)).replace(day=1)
    if interval == "1y":
        return local.replace(year=local.year + 1)
    return local + timedelta(minutes=MINUTES[interval])
