"""Times of which a collection may lack posts: begun, ended, given up. See imagery.refilling.

A gap without an end goes on; at most one of a collection does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from imagery.core import patience
from imagery.models import Collection, Gap

State = Gap.State
DOUBTED = timedelta(seconds=90)  # for so long a dead connection may look like a quiet one
NOBODY = "No collector was at work"


def begin(row: Collection, reason: str, begins_at: datetime | None = None) -> None:
    """A gap goes on from when the collection was last surely heard, if none does already."""
    since = begins_at or last_sure(row, timezone.now())
    if since is not None and not row.gaps.filter(ends_at=None).exists():
        row.gaps.create(begins_at=since, reason=reason[:500])


def last_sure(row: Collection, now: datetime) -> datetime | None:
    """The latest moment of which nothing is missing; None where it never listened.

    A connection that fell silent may have been dead before it ended.
    """
    if row.listened_at is None:
        return None
    floors = [row.listened_at - DOUBTED]
    floors += [at for at in (row.heard_at, row.connected_at) if at is not None]
    sure = min(row.listened_at, max(floors))
    if sure >= now and row.seen_at is not None:  # the clock was set back: the source's own time
        sure = min(row.seen_at, now)
    return min(sure, now)


def settle(row: Collection, resumed: bool, now: datetime, reason: str = NOBODY) -> None:
    """The collection is heard again: what went on ends, or was none where the source went on.

    reason: why nothing was heard, where no gap tells already.
    """
    going_on = row.gaps.filter(ends_at=None).first()
    if resumed:
        if going_on is not None:
            going_on.delete()
        return
    if going_on is None:
        since = last_sure(row, now)
        if since is None and row.heard_at is None and row.starts_at is not None:
            since, reason = row.starts_at, "It was to begin before anything listened"
        if since is None or since >= now:
            return
        going_on = Gap(collection=row, begins_at=since, reason=reason)
    end(going_on, now)


def end(gap: Gap, at: datetime) -> None:
    if gap.begins_at >= at:
        if gap.pk:
            gap.delete()
        return
    gap.ends_at = at
    gap.save()


def finish(row: Collection, at: datetime) -> None:
    """The collection's time is over: no gap lies later, and one that goes on ends."""
    going_on = row.gaps.filter(ends_at=None).first()
    since = last_sure(row, at) or (None if row.heard_at else row.starts_at)
    if going_on is None and row.connected_at is None and since is not None and since < at:
        row.gaps.create(begins_at=since, ends_at=at, reason=NOBODY)
    for gap in row.gaps.filter(Q(ends_at=None) | Q(ends_at__gt=at)):
        end(gap, at)


def missed(row: Collection, since: datetime, until: datetime, reason: str) -> None:
    """A source says by itself what it did not tell."""
    if since < until:
        row.gaps.create(begins_at=since, ends_at=until, reason=reason[:500])


def give_up(row: Collection, why: str) -> None:
    """Nothing more is done about the open ones."""
    now = timezone.now()
    row.gaps.filter(ends_at=None).update(ends_at=now)
    row.gaps.filter(state=State.OPEN).update(state=State.LOST, outcome=why[:500], tried_at=now)


def due(collection_id: int, now: datetime | None = None) -> Gap | None:
    """The open gap that is to be tried next, the oldest first: servers forget it first."""
    now = now or timezone.now()
    rows = Gap.objects.filter(collection=collection_id, state=State.OPEN).exclude(ends_at=None)
    for gap in rows.order_by("begins_at")[:50]:
        if gap.tried_at is None or not gap.n_tries:
            return gap
        waited_s = (now - gap.tried_at).total_seconds()
        if not 0 <= waited_s < patience.longest(gap.n_tries):  # below 0 the clock was set back
            return gap
    return None
