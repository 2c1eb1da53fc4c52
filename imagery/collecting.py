"""Collections switched on and off, and how they stand. See imagery.listening for the collecting.

Whoever collects reads the state on the row: what is asked here takes effect within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils import timezone

from imagery import gaps
from imagery.models import Collection, Event, Gap, Reading

State = Collection.State
RECENT = timedelta(minutes=5)


class CannotStart(ValueError):
    """The collection cannot be switched on as it is; the message says what to change."""


# Switching -----------------------------------------------------------------------------------


@transaction.atomic
def start(collection: Collection, user: Any) -> None:
    """On from now: a paused one goes on where it was, a stopped one begins anew.

    Raises CannotStart.
    """
    row, now = _locked(collection), timezone.now()
    if row.stops_at and row.stops_at <= now:
        raise CannotStart(
            f"It was to stop at {row.stops_at:%Y-%m-%d %H:%M} UTC: choose a later time first."
        )
    if row.state == State.STOPPED:
        row.cursor, row.listened_at = "", None
    if row.state != State.ON:
        row.n_tries, row.retry_at = 0, None
    _become(row, State.ON, collection)


@transaction.atomic
def pause(collection: Collection, user: Any) -> None:
    """Off, to go on where it was; where the source cannot, the pause is a gap that says so."""
    row = _locked(collection)
    if row.state == State.ON:
        gaps.begin(row, f"Paused by {_name(user)}")
        _become(row, State.PAUSED, collection)


@transaction.atomic
def stop(collection: Collection, user: Any) -> None:
    """Off for good: its server is asked for nothing more but posts to be read again."""
    row = _locked(collection)
    if row.state != State.STOPPED:
        gaps.give_up(row, f"Stopped by {_name(user)} before it was refilled")
        _become(row, State.STOPPED, collection)


def let_go(event: Event) -> None:
    """Nothing more is collected for an event that is about to be deleted."""
    event.collections.update(state=State.STOPPED, held_by="", visits_held_by="")


def _locked(collection: Collection) -> Collection:
    return Collection.objects.select_for_update(of=("self",)).get(pk=collection.pk)


def _become(row: Collection, state: str, shown: Collection) -> None:
    row.state = state
    row.save(update_fields=["state", "cursor", "listened_at", "n_tries", "retry_at"])
    shown.refresh_from_db()


def _name(user: Any) -> str:
    return str(user) if user else "the command line"


# How they stand ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """How a collection stands. Rates are of the last five minutes; times are aware."""

    state: str
    held: bool  # a collector has it in hand
    connected: bool
    seen_per_minute: float
    kept_per_minute: float
    new_per_minute: float
    lag_s: float | None  # from the source's time to our rows, at worst within two minutes
    behind_s: float | None  # since when nothing is listened to; 0 while connected
    error: str  # the last, where it was not connected since
    next_try: datetime | None
    gaps: dict[str, int]  # by Gap.State
    n_due: int  # posts to be read again by now
    next_due: datetime | None
    readings: dict[str, int]  # by Reading.State


def status(collection: Collection, now: datetime | None = None) -> Status:
    """Five queries, on indexes; the row itself is taken as it is given."""
    now, row = now or timezone.now(), collection
    held = bool(row.held_by and row.held_until and row.held_until > now)
    connected = held and row.connected_at is not None
    recent = row.minutes.filter(at__gt=now - RECENT)
    rates = recent.aggregate(seen=Sum("n_seen"), kept=Sum("n_kept"), new=Sum("n_new"))
    lag = recent.filter(at__gt=now - timedelta(minutes=2), n_seen__gt=0).aggregate(s=Max("lag_s"))
    behind = 0.0 if connected else None
    if not connected and row.listened_at is not None:
        behind = max(0.0, (now - row.listened_at).total_seconds())
    waits = row.posts.exclude(visit_at=None)
    minutes = RECENT.total_seconds() / 60
    return Status(
        state=row.state,
        held=held,
        connected=connected,
        seen_per_minute=(rates["seen"] or 0) / minutes,
        kept_per_minute=(rates["kept"] or 0) / minutes,
        new_per_minute=(rates["new"] or 0) / minutes,
        lag_s=lag["s"],
        behind_s=behind,
        error="" if connected else row.error,
        next_try=row.retry_at if row.state == State.ON and not connected else None,
        gaps=dict(row.gaps.values_list("state").annotate(n=Count("pk")).order_by()),
        n_due=waits.filter(visit_at__lte=now).count(),
        next_due=waits.filter(visit_at__gt=now).order_by("visit_at").values_list(
            "visit_at", flat=True
        ).first(),
        readings=readings_of(row),
    )  # fmt: skip


def readings_of(collection: Collection) -> dict[str, int]:
    rows = Reading.objects.filter(post__collected_by=collection)
    return dict(rows.values_list("state").annotate(n=Count("pk")).order_by())


def to_hold(now: datetime | None = None) -> QuerySet[Collection]:
    """Those that a collector is to have in hand: on, or ended with gaps still to be refilled."""
    now = now or timezone.now()
    begun = Q(starts_at=None) | Q(starts_at__lte=now)
    refilled = Gap.objects.filter(state=Gap.State.OPEN).exclude(ends_at=None)
    ended = Q(state=State.STOPPED, pk__in=refilled.values("collection"))
    return Collection.objects.filter(Q(begun, state=State.ON) | ended)
