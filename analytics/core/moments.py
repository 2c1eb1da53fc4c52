"""Short words for intervals of time, as columns of a page bear them."""

from __future__ import annotations

from datetime import UTC, datetime


def label(start: datetime, interval: str) -> str:
    """What the interval is called among its neighbours: "14:05", "Wed 20", "18 Sep", "Sep"."""
    if interval == "1y":
        return f"{start:%Y}"
    if interval == "1mon":
        return f"{start:%b}"
    if interval == "1w":
        return f"{start.day} {start:%b}"
    return f"{start:%a} {start.day}" if interval == "1d" else f"{start:%H:%M}"


def over(start: datetime, interval: str) -> str:
    """What several neighbours share: the day of hours, the month of days, the year of months."""
    if interval == "1y":
        return ""
    if interval in ("1w", "1mon"):
        return f"{start:%Y}"
    if interval == "1d":
        return f"{start:%b %Y}"
    return f"{start:%a} {start.day} {start:%b %Y}"


def moment(at: datetime) -> str:
    """A time in its own zone: "20 Sep 2017, 14:05"; midnight goes without the clock."""
    day = f"{at.day} {at:%b %Y}"
    return f"{day}, {at:%H:%M}" if (at.hour, at.minute) != (0, 0) else day


def span(start: datetime, end: datetime) -> str:
    """From when to when, without saying a day twice: "20 Sep 2017, 14:00 – 15:00"."""
    if start.date() == end.date():
        return f"{start.day} {start:%b %Y}, {start:%H:%M} – {end:%H:%M}"
    return f"{moment(start)} – {moment(end)}"


def in_utc(start: datetime, end: datetime) -> str:
    return f"{span(start.astimezone(UTC), end.astimezone(UTC))} UTC"


def stamp(at: datetime) -> str:
    """As URLs carry it: to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
