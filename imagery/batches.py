"""What a live source told → rows, a batch in one transaction: posts, marks, counts and cursor.

So what comes at least once from the wire is there once: either all of a batch is in the rows and
the cursor stands behind it, or nothing is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from imagery import gaps, locks, pipeline, rules
from imagery.models import Collection, Gap, Minute, Post
from imagery.sources import LIVE
from imagery.sources.base import Record
from imagery.sources.live import SOURCE_ID, Heard
from imagery.storing import Storing

log = logging.getLogger(__name__)

AHEAD = timedelta(days=1)  # of our clock: no time to believe
UNSTORABLE = (DataError, IntegrityError, OverflowError, ValueError)


@dataclass(slots=True)
class Counts:
    """Of one batch. Posts and bad things are seen; what else a source sends is not counted."""

    n_seen: int = 0
    n_kept: int = 0
    n_new: int = 0
    n_bad: int = 0
    lag_s: float = 0.0


class Keeper:
    """Stores what one collection is told. Remembers accounts and links from batch to batch."""

    def __init__(self, lease: locks.Lease) -> None:
        self._lease = lease
        self._storing: Storing | None = None
        self._days: list[int] = []
        self._platforms: set[str] = set()

    def store(self, things: Sequence[Heard], then: Callable[[Collection, Counts], None]) -> Counts:
        """`then` is told of the row, locked, and writes onto it in the same transaction.

        One thing that no row can hold is counted as bad, the rest is stored. Raises Lost.
        """
        try:
            return self._store(things, then, self._together)
        except UNSTORABLE:
            self._storing = None  # it remembers rows that are not there
        try:
            return self._store(things, then, self._one_by_one)
        finally:
            self._storing = None

    @transaction.atomic
    def _store(
        self,
        things: Sequence[Heard],
        then: Callable[[Collection, Counts], None],
        put: Callable[[Collection, list[Record], Counts], None],
    ) -> Counts:
        row, counts = self._lease.row(), Counts()
        source = LIVE.get(row.source)
        if source is None or not source.readable_at_once:
            row.revisit_days = []  # of the posts stored now; the row itself is not written
        records = [heard.record for heard in things if heard.record is not None]
        self._platforms.update(record.platform[:30] for record in records)
        counts.n_bad = sum(heard.bad is not None for heard in things)
        counts.n_seen = len(records) + counts.n_bad
        if records:
            put(row, self._wanted(row, records), counts)
        _mark_gone(row, things, {row.source, *self._platforms})
        _note_missed(row, things)
        counts.lag_s = _lag_s(things, row.seen_at)
        then(row, counts)
        if counts.n_new:
            pipeline.start(row.event_id, quick=True)
        return counts

    def _wanted(self, row: Collection, records: list[Record]) -> list[Record]:
        """Those that the collection's rules and the event's select, within its times."""
        own, shared = rules.rulebook(row), rules.rulebook(row.event)
        return [
            record
            for record in records
            if (row.starts_at is None or record.posted_at >= row.starts_at)
            and (row.stops_at is None or record.posted_at < row.stops_at)
            and rules.selects(own, record)
            and rules.selects(shared, record)
        ]

    def _together(self, row: Collection, wanted: list[Record], counts: Counts) -> None:
        if self._storing is None or self._days != row.revisit_days:
            self._storing, self._days = Storing(row.event, collection=row), row.revisit_days
        counts.n_kept = len(wanted)
        counts.n_new, _ = self._storing.store(wanted)

    def _one_by_one(self, row: Collection, wanted: list[Record], counts: Counts) -> None:
        for record in wanted:
            try:
                with transaction.atomic():
                    new, _ = Storing(row.event, collection=row).store([record])
            except UNSTORABLE as error:
                log.warning("%s: %s %s: %s", row, record.platform, record.uid, error)
                counts.n_bad += 1
            else:
                counts.n_kept += 1
                counts.n_new += new


# Of a stream ---------------------------------------------------------------------------------


def onto_stream(
    things: Sequence[Heard],
    options: Mapping[str, Any],
    resumed: bool | None,
    steady: bool,
    reason: str,
) -> Callable[[Collection, Counts], None]:
    """Writes what a batch of the stream comes to onto the collection's row.

    options: what the stream was asked for: where others are wanted by now, its cursor is no place
    to go on from. resumed: given once of each connection, see gaps.settle, as is the reason.
    steady: the connection has lasted.
    """

    def write(row: Collection, counts: Counts) -> None:
        now = timezone.now()
        if resumed is not None and row.state == Collection.State.ON:
            gaps.settle(row, resumed, now, reason)
            row.connected_at = now
        _go_on(row, things, now)
        if row.options == options:
            row.cursor = _cursor(things, row.cursor)
        row.n_seen += counts.n_seen
        row.n_kept += counts.n_kept
        row.n_new += counts.n_new
        row.n_bad += counts.n_bad
        row.listened_at = now
        if steady:
            row.n_tries, row.retry_at = 0, None
        row.save(
            update_fields=[
                "cursor", "seen_at", "heard_at", "listened_at", "connected_at", "n_tries",
                "retry_at", "n_seen", "n_kept", "n_new", "n_bad",
            ]
        )  # fmt: skip
        if counts.n_seen:
            _count(row, counts, now)

    return write


def _go_on(row: Collection, things: Sequence[Heard], now: datetime) -> None:
    told = [heard.at for heard in things if heard.at is not None and heard.at < now + AHEAD]
    if told:
        row.seen_at = told[-1]
    if any(is_something(heard) for heard in things):
        row.heard_at = now


def _cursor(things: Sequence[Heard], before: str) -> str:
    return next((heard.cursor for heard in reversed(things) if heard.cursor), before)[:500]


def _count(row: Collection, counts: Counts, now: datetime) -> None:
    at = now.replace(second=0, microsecond=0)
    minute = row.minutes.filter(at=at).first() or Minute(collection=row, at=at)
    minute.n_seen += counts.n_seen
    minute.n_kept += counts.n_kept
    minute.n_new += counts.n_new
    minute.n_bad += counts.n_bad
    minute.lag_s = max(minute.lag_s, counts.lag_s)
    minute.save()


@contextmanager
def told_by(heard: Iterator[Heard]) -> Iterator[Iterator[Heard]]:
    """What a source tells; it disconnects wherever its reader stops."""
    try:
        yield heard
    finally:
        close = getattr(heard, "close", None)
        if close is not None:
            close()


def is_something(heard: Heard) -> bool:
    """Whether the source sent anything, of whatever use."""
    return bool(heard.cursor or heard.at or heard.record or heard.bad or heard.gone)


def _lag_s(things: Sequence[Heard], since: datetime | None) -> float:
    """Of what is later than `since`: what comes again after a new connection is in rows already."""
    now = timezone.now()
    told = [heard.at for heard in things if heard.at and (since is None or heard.at > since)]
    return (now - min(told)).total_seconds() if told else 0.0


def _note_missed(row: Collection, things: Sequence[Heard]) -> None:
    for heard in things:
        if heard.missing_since is not None:
            until = heard.at or timezone.now()
            gaps.missed(row, heard.missing_since, until, "The source did not tell of all of it")


# Of a gap ------------------------------------------------------------------------------------


def onto_gap(gap: Gap, things: Sequence[Heard]) -> Callable[[Collection, Counts], None]:
    """Writes what a batch of a refill comes to onto the gap, and its posts onto the collection."""

    def write(row: Collection, counts: Counts) -> None:
        gap.cursor = _cursor(things, gap.cursor)
        Gap.objects.filter(pk=gap.pk).update(cursor=gap.cursor, n_new=F("n_new") + counts.n_new)
        Collection.objects.filter(pk=row.pk).update(
            n_seen=F("n_seen") + counts.n_seen,
            n_kept=F("n_kept") + counts.n_kept,
            n_new=F("n_new") + counts.n_new,
            n_bad=F("n_bad") + counts.n_bad,
        )

    return write


# Posts that are gone -------------------------------------------------------------------------


def _mark_gone(row: Collection, things: Sequence[Heard], platforms: set[str]) -> None:
    """Deletions are marked once, with the source's time, and such posts are not read again.

    They come after the batch's posts: a post and its deletion may have changed places.
    """
    now = timezone.now()
    told = {heard.gone: min(heard.at or now, now) for heard in things if heard.gone}
    if not told:
        return
    by_id = {name.removeprefix(SOURCE_ID): name for name in told if name.startswith(SOURCE_ID)}
    uids = [name for name in told if not name.startswith(SOURCE_ID)]
    found: dict[int, str] = {}
    if by_id:
        rows = row.posts.filter(gone="", source_id__in=list(by_id))
        found = {pk: by_id[given] for pk, given in rows.values_list("pk", "source_id")}
    for platform in platforms if uids else ():
        rows = row.event.posts.filter(gone="", platform=platform, uid__in=uids)
        found |= dict(rows.values_list("pk", "uid"))
    for pk, name in found.items():
        Post.objects.filter(pk=pk).update(gone="deleted", gone_at=told[name], visit_at=None)
