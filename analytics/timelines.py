"""What an event's posts showed, interval by interval. Reads rollups, never posts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from analytics.core import intervals, tops
from imagery import snapshots
from imagery.models import Event, Snapshot

Order = Literal["posts", "new", "growth"]
ORDERS: dict[str, str] = {"posts": "Most posted", "new": "New", "growth": "Rising"}
TOPS = (3, 5, 10)
MOST_TOP = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """start ≤ posts < end, aware, in the event's zone. n_posts counts all selected posts."""

    start: datetime
    end: datetime
    n_posts: int
    n_image_posts: int
    top: list[tuple[int, int]]  # (id of unique image, posts with it here), best first


@dataclass(frozen=True, slots=True)
class Timeline:
    """Intervals without a gap from start to end. `first` to `last` is the event's whole span."""

    interval: str
    order: str
    limit: int
    zone: str
    is_auto: bool = False
    start: datetime | None = None
    end: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    note: str = ""  # what differs from what was asked for
    intervals: list[Interval] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the window holds the event's whole span."""
        if self.start is None or self.end is None or self.first is None or self.last is None:
            return True
        return self.start <= self.first and self.last <= self.end

    @property
    def unique_ids(self) -> list[int]:
        """Each unique image in it once, in order of appearance."""
        return list(dict.fromkeys(pk for part in self.intervals for pk, _ in part.top))


def zone_of(event: Event) -> ZoneInfo:
    """The event's time zone; UTC where this machine does not know its name."""
    try:
        return ZoneInfo(event.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def timeline(
    event: Event,
    interval: str = "auto",
    start: datetime | None = None,
    end: datetime | None = None,
    top: int = 5,
    order: str = "posts",
) -> Timeline:
    """Posts and top unique images of each interval between start and end (aware).

    The window is widened to whole intervals and kept within the event's span. Orders:
    "posts", most posted in the interval; "new", the same of images first posted in it;
    "growth", of images posted more often than in the interval before, by
    (n + 1) / (n before + 1), then by n. Equal ones: the better ranked in the event first.

    A choice of more than 400 columns is replaced by the finest coarser one that has fewer,
    and `note` says so. Raises ValueError for an unknown interval or order, a top outside
    1…50, or an end that is not after the start. Tens of ms at 600,000 triples.
    """
    _check(interval, order, top, start, end)
    zone = zone_of(event)
    times = snapshots.read(event, Snapshot.Kind.TIMELINE)
    shape = Timeline(interval=interval, order=order, limit=top, zone=zone.key)
    if not len(times["post_minute"]):
        return shape
    span = int(times["post_minute"].min()), int(times["post_minute"].max()) + 1
    low = max(span[0], _minute(start)) if start else span[0]
    high = min(span[1], -(-int(end.timestamp()) // 60)) if end else span[1]
    first, last = _moment(span[0], zone), _moment(span[1], zone)
    if high <= low:
        return replace(shape, start=start, end=end, first=first, last=last, note="No posts then.")
    chosen, note = _choose(interval, low, high)
    edges = intervals.edges(low, high, chosen, zone)
    return replace(
        shape,
        interval=chosen,
        is_auto=interval == "auto",
        start=_moment(edges[0], zone),
        end=_moment(edges[-1], zone),
        first=first,
        last=last,
        note=note,
        intervals=_intervals(event, times, edges, chosen, zone, top, order),
    )


def outline(event: Event, most: int = 240) -> list[Interval]:
    """Posts over the event's whole span in at most about `most` intervals, without pictures."""
    times = snapshots.read(event, Snapshot.Kind.TIMELINE)
    if not len(times["post_minute"]):
        return []
    zone = zone_of(event)
    low, high = int(times["post_minute"].min()), int(times["post_minute"].max()) + 1
    chosen = intervals.within(low, high, "1min", most)
    edges = intervals.edges(low, high, chosen, zone)
    return _counted(times, edges, zone, [[] for _ in edges[1:]])


def _check(
    interval: str, order: str, top: int, start: datetime | None, end: datetime | None
) -> None:
    if interval != "auto" and interval not in intervals.MINUTES:
        names = ", ".join(["auto", *intervals.MINUTES])
        raise ValueError(f"unknown interval {interval!r}: one of {names}")
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: one of {', '.join(ORDERS)}")
    if not 1 <= top <= MOST_TOP:
        raise ValueError(f"top is {top}, want 1 to {MOST_TOP}")
    if start and end and end <= start:
        raise ValueError(f"the end, {end.isoformat()}, is not after the start, {start.isoformat()}")


def _choose(interval: str, low: int, high: int) -> tuple[str, str]:
    """The interval to use, and what to say where it is not the one asked for."""
    if interval == "auto":
        return intervals.automatic(low, high), ""
    chosen = intervals.within(low, high, interval)
    if chosen == interval:
        return interval, ""
    asked, given = intervals.LABELS[interval], intervals.LABELS[chosen]
    n = intervals.about(low, high, interval)
    return chosen, f"Intervals of {asked} would make {n:,} columns; these are of {given}."


def _intervals(
    event: Event,
    times: snapshots.Arrays,
    edges: np.ndarray,
    interval: str,
    zone: ZoneInfo,
    limit: int,
    order: str,
) -> list[Interval]:
    unique = snapshots.read(event, Snapshot.Kind.UNIQUE)
    ids = unique["id"]
    if order == "growth":  # the column before the first counts, and is not shown
        edges = np.concatenate([[intervals.before(int(edges[0]), interval, zone)], edges])
    column, item, n = _shown(times, edges, ids)
    score: np.ndarray = n
    if order == "new":
        keep = tops.columns(edges, unique["first"] // 60)[item] == column
        column, item, n, score = column[keep], item[keep], n[keep], n[keep]
    elif order == "growth":
        earlier = tops.before(column, item, n, max(1, len(ids)))
        keep = (n > earlier) & (column > 0)
        score = ((n + 1) / (earlier + 1))[keep]
        column, item, n = column[keep] - 1, item[keep], n[keep]
        edges = edges[1:]
    chosen = tops.highest(column, score, n, limit)
    lists: list[list[tuple[int, int]]] = [[] for _ in edges[1:]]
    for where, pk, count in zip(
        column[chosen].tolist(), ids[item[chosen]].tolist(), n[chosen].tolist(), strict=True
    ):
        lists[where].append((pk, count))
    return _counted(times, edges, zone, lists)


def _shown(times: snapshots.Arrays, edges: np.ndarray, ids: np.ndarray) -> tops.Triples:
    """Posts by (column, place of the unique image in `ids`), within the edges."""
    minute, unique, n = times["minute"], times["unique"], times["n"]
    if len(minute) and (minute[1:] >= minute[:-1]).all():
        low, high = np.searchsorted(minute, edges[[0, -1]].astype(minute.dtype))
        minute, unique, n = minute[low:high], unique[low:high], n[low:high]
    column, item = tops.columns(edges, minute), tops.positions(ids, unique)
    keep = (column >= 0) & (item >= 0)
    if not keep.all():
        column, item, n = column[keep], item[keep], n[keep]
    return tops.summed(column, item, n, max(1, len(ids)))


def _counted(
    times: snapshots.Arrays,
    edges: np.ndarray,
    zone: ZoneInfo,
    lists: list[list[tuple[int, int]]],
) -> list[Interval]:
    column = tops.columns(edges, times["post_minute"])
    inside = column >= 0
    column = column[inside]
    k = len(edges) - 1
    posts = np.bincount(column, times["post_n"][inside], k).astype(np.int64).tolist()
    image_posts = np.bincount(column, times["image_post_n"][inside], k).astype(np.int64).tolist()
    moments = [_moment(edge, zone) for edge in edges.tolist()]
    rows = zip(moments[:-1], moments[1:], posts, image_posts, lists, strict=True)
    return [Interval(*row) for row in rows]


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _moment(minute: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(int(minute) * 60, UTC).astimezone(zone)
