"""Timelines of one Mastodon server, read onwards from an id and backwards from a time."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .base import BadRow, Record
from .fields import cut, parse_moment
from .hearing import mapped, meanwhile, pause
from .live import Heard
from .mastodon import Mastodon
from .mastodon_api import PAGE, Server

REMEMBERED = 50_000
STATUS_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OVERLAP_MS = 60_000
_FORMAT = Mastodon()
_SNOWFLAKE_BITS = 16  # below the milliseconds of a Mastodon id


@dataclass(frozen=True, slots=True)
class Timeline:
    """path: as the API calls it; stream and tag: as streaming does."""

    path: str
    local: bool
    stream: str
    tag: str = ""


@dataclass(slots=True)
class Seen:
    """What this connection told already: uid and time of the last edit, by the server's id.

    first: the id after which it began, where it did not go on from a cursor.
    """

    latest: str = ""
    first: str = ""
    said_resumed: bool = False
    statuses: OrderedDict[str, tuple[str, Any]] = field(default_factory=OrderedDict)

    def is_news(self, status_id: str, uid: str, edited: Any) -> bool:
        news = self.statuses.pop(status_id, None) != (uid, edited)
        self.statuses[status_id] = (uid, edited)
        if len(self.statuses) > REMEMBERED:
            self.statuses.popitem(last=False)
        return news

    def reach(self, status_id: str) -> str:
        """The cursor after this status: the greatest id so far."""
        self.latest = max(self.latest, status_id, key=_age_key)
        return self.latest

    def rewound(self) -> str:
        return max(rewound(self.latest), self.first, key=_age_key)


def heard_of(
    status: Any, seen: Seen, raw: str | bytes = b"", moves: bool = True
) -> Iterator[Heard]:
    """A status as it came, if it is news. moves: whether the cursor may go on to it."""
    found = mapped(_FORMAT, status, raw)
    if isinstance(found, BadRow):
        yield Heard(bad=found)
    elif isinstance(found, Record):
        status_id = str(status.get("id"))
        if not STATUS_ID.fullmatch(status_id):
            yield Heard(bad=BadRow(1, "id is missing or no id.", cut(raw)))
            return
        edited = status.get("edited_at")
        if seen.is_news(status_id, found.uid, edited):
            at = parse_moment(edited) or found.posted_at
            latest = seen.reach(status_id)
            yield Heard(latest if moves else "", at, replace(found, source_id=status_id))


def oldest_after(server: Server, timelines: Sequence[Timeline], since: str) -> datetime | None:
    """The time of the first status after `since`; None where there is none."""
    times = []
    for timeline in timelines:
        for status in server.page(timeline.path, timeline.local, min_id=since, limit=1):
            if isinstance(status, dict) and (at := parse_moment(status.get("created_at"))):
                times.append(at)
    return min(times, default=None)


def newest(server: Server, timelines: Sequence[Timeline]) -> str:
    """The id to go on from; "0" where nothing was published yet."""
    ids = ["0"]
    for timeline in timelines:
        for status in server.page(timeline.path, timeline.local, limit=1):
            ids += [found for found in [_id_of(status)] if found]
    return max(ids, key=_age_key)


def onwards(
    server: Server, timelines: Sequence[Timeline], seen: Seen, since: str
) -> Iterator[Heard]:
    """All that the timelines hold after `since`, the oldest first.

    The cursor moves with each page of a single timeline, else at the end: one of several that
    is read to its end must not carry the others along.
    """
    alone = len(timelines) == 1
    for timeline in timelines:
        after = since
        while True:
            page = yield from meanwhile(_asking(server, timeline, min_id=after))
            for status in reversed(page):
                yield from heard_of(status, seen, moves=alone)
            ids = [found for found in map(_id_of, page) if found]
            if len(page) < PAGE or not ids or max(ids, key=_age_key) == after:
                break
            after = max(ids, key=_age_key)
            yield from pause(server.pace_s())
    yield Heard(cursor=seen.latest)


def backwards(
    server: Server,
    timeline: Timeline,
    span: tuple[datetime, datetime],
    bound: str,
    number: int,
) -> Iterator[Heard]:
    begins_at, ends_at = span
    seen = Seen()
    if not bound:
        top = yield from meanwhile(_asking(server, timeline, limit=1))
        bound = _id_at(ends_at, top)
    while True:
        page = yield from meanwhile(
            _asking(server, timeline, **({"max_id": bound} if bound else {}))
        )
        oldest = ends_at
        for status in page:
            written = parse_moment(status.get("created_at")) if isinstance(status, dict) else None
            oldest = min(oldest, written or oldest)
            if written is None or begins_at <= written <= ends_at:
                yield from heard_of(status, seen, moves=False)
        ids = [found for found in map(_id_of, page) if found]
        lowest = min(ids, key=_age_key, default=bound)
        if not ids or lowest == bound or oldest < begins_at:
            return
        bound = lowest
        yield Heard(cursor=f"{number}:{bound}")
        yield from pause(server.pace_s())


def _asking(server: Server, timeline: Timeline, **bounds: str | int) -> Callable[[], list[Any]]:
    return lambda: server.page(timeline.path, timeline.local, **bounds)


def rewound(status_id: str) -> str:
    """An id of a minute before, where ids are Mastodon's: posts of other servers come late, and
    are filed by when they were written."""
    number = int(status_id) if status_id.isascii() and status_id.isdigit() else 0
    earlier = number - (OVERLAP_MS << _SNOWFLAKE_BITS)
    return str(earlier) if earlier > 0 else status_id


def _id_at(at: datetime, top: Sequence[Any]) -> str:
    """The first id after a time, where the newest status shows that ids are Mastodon's; else ""."""
    for status in top:
        written = parse_moment(status.get("created_at")) if isinstance(status, dict) else None
        status_id = _id_of(status)
        if written is None or not status_id.isdigit():
            continue
        filed_s = (int(status_id) >> _SNOWFLAKE_BITS) / 1000
        if abs(filed_s - written.timestamp()) < 86_400:
            return str(int(at.timestamp() * 1000 + 1000) << _SNOWFLAKE_BITS)
    return ""


def _id_of(status: Any) -> str:
    found = str(status.get("id")) if isinstance(status, dict) else ""
    return found if STATUS_ID.fullmatch(found) else ""


def _age_key(status_id: str) -> tuple[int, str]:
    """Ids in the order in which they were given: they grow in length, then in their signs."""
    return len(status_id), status_id
