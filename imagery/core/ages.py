"""Exact ages at which posts are read again (papers B and E: after days, and daily)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def due(posted_at: datetime, day: int) -> datetime:
    """The moment at which a post is that many days old, to the second it was posted at."""
    return posted_at + timedelta(days=day)


def next_due(posted_at: datetime, days: Iterable[int], after: datetime) -> datetime | None:
    """When the post comes of the next of those ages (days, any order) later than `after`."""
    return min((at for day in days if (at := due(posted_at, day)) > after), default=None)


def passed(posted_at: datetime, days: Iterable[int], since: datetime, until: datetime) -> list[int]:
    """Ages, ascending, that the post came of later than `since` and not later than `until`."""
    return sorted({day for day in days if since < due(posted_at, day) <= until})
