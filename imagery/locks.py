"""Locks, all of them here. One writer per event: a lease on the event's row. One collector per
collection, and one who reads its posts again: two leases on the collection's row.

Taken by a conditional UPDATE, so any number of machines may try; kept alive by the holder's
heartbeat, so a killed holder is out within LEASE_S. What a collector writes, it writes while its
lease is its own by the row, locked: one that slept through its lease writes nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from django.db import DatabaseError, connection, models
from django.db.models import Q
from django.utils import timezone

from imagery.models import Collection, Event

log = logging.getLogger(__name__)

LEASE_S = 60
COLLECTOR_LEASE_S = 20
BEAT_S = 5


class Busy(Exception):
    """Another process writes this event."""


@contextmanager
def one_writer(event_id: int) -> Iterator[None]:
    """Hold the event while writing its sets. Raises Busy if another process does."""
    me = uuid.uuid4().hex
    now = timezone.now()
    taken = Event.objects.filter(free("locked", LEASE_S), pk=event_id).update(
        locked_by=me, locked_until=now + timedelta(seconds=LEASE_S)
    )
    if not taken:
        raise Busy(f"event {event_id} is being written by another process")

    def extend() -> None:
        Event.objects.filter(pk=event_id, locked_by=me).update(
            locked_until=timezone.now() + timedelta(seconds=LEASE_S)
        )

    try:
        with beating(extend):
            yield
    finally:
        Event.objects.filter(pk=event_id, locked_by=me).update(locked_by="", locked_until=None)


def release_all() -> int:
    """Void every lease: for the start of the only worker there is."""
    return Event.objects.exclude(locked_by="").update(locked_by="", locked_until=None)


# Collections ---------------------------------------------------------------------------------


class Lost(Exception):
    """The lease is another's by now, or the collection was deleted."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A collection held by one thread: "held" to collect, "visits_held" to read posts again."""

    collection_id: int
    by: str
    what: Literal["held", "visits_held"] = "held"

    def row(self) -> Collection:
        """The collection, its row locked until the transaction ends. Raises Lost."""
        mine = Collection.objects.select_for_update(of=("self",)).select_related("event")
        row = mine.filter(pk=self.collection_id, **{f"{self.what}_by": self.by}).first()
        if row is None:
            raise Lost(f"collection {self.collection_id} is held by another, or was deleted")
        return row

    def extend(self) -> None:
        until = timezone.now() + timedelta(seconds=COLLECTOR_LEASE_S)
        self._mine().update(**{f"{self.what}_until": until})

    def give_back(self) -> None:
        self._mine().update(**{f"{self.what}_by": "", f"{self.what}_until": None})

    def _mine(self) -> models.QuerySet[Collection]:
        return Collection.objects.filter(pk=self.collection_id, **{f"{self.what}_by": self.by})


@contextmanager
def collector(collection_id: int, what: Literal["held", "visits_held"] = "held") -> Iterator[Lease]:
    """Hold the collection. Raises Busy if another does."""
    lease = Lease(collection_id, f"{_place()}/{os.getpid()}/{uuid.uuid4().hex[:12]}", what)
    now = timezone.now()
    taken = Collection.objects.filter(free(what), pk=collection_id).update(
        **{
            f"{what}_by": lease.by,
            f"{what}_until": now + timedelta(seconds=COLLECTOR_LEASE_S),
        }
    )
    if not taken and not _taken_from_the_dead(lease):
        raise Busy(f"collection {collection_id} is held by another collector")
    try:
        with beating(lease.extend):
            yield lease
    finally:
        with suppress(DatabaseError):  # out of reach: the lease ends by itself
            lease.give_back()


def free(what: str = "held", lease_s: float = COLLECTOR_LEASE_S) -> Q:
    """Leases that nobody has, whose time is over, or whose end only a set clock can explain."""
    now, lease = timezone.now(), timedelta(seconds=lease_s)
    until = f"{what}_until"
    return Q(**{until: None}) | Q(**{f"{until}__lt": now}) | Q(**{f"{until}__gt": now + 2 * lease})


def may_be_taken(row: Collection) -> bool:
    """Whether trying to hold it to collect may succeed: by the row as it was read."""
    now, lease = timezone.now(), timedelta(seconds=COLLECTOR_LEASE_S)
    until = row.held_until
    return until is None or until < now or until > now + 2 * lease or _is_of_the_dead(row.held_by)


def _is_of_the_dead(by: str) -> bool:
    """Whether a process of this machine held it that is no more."""
    place, _, rest = by.partition("/")
    pid = rest.partition("/")[0]
    return place == _place() and pid.isdigit() and not _is_alive(int(pid))


def _taken_from_the_dead(lease: Lease) -> bool:
    """Whether the lease was one of a process of this machine that is no more, and is ours now."""
    what = lease.what
    rows = Collection.objects.filter(pk=lease.collection_id)
    by = rows.values_list(f"{what}_by", flat=True).first() or ""
    if not _is_of_the_dead(by):
        return False
    until = timezone.now() + timedelta(seconds=COLLECTOR_LEASE_S)
    return bool(
        rows.filter(**{f"{what}_by": by}).update(**{f"{what}_by": lease.by, f"{what}_until": until})
    )


def _place() -> str:
    """The machine, and what tells processes of one container on it from another's."""
    with suppress(OSError):
        return f"{socket.gethostname()[:50]}:{Path('/proc/self/ns/pid').readlink().name[5:-1]}"
    return f"{socket.gethostname()[:50]}:"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# Posts stored and posts purged -----------------------------------------------------------------


STORING = 0x5354  # the class of these advisory locks, beside the event's id


def storing(event_id: int) -> None:
    """Until the transaction ends, none of the event's posts, accounts and links is purged.

    Any number may store at once. On SQLite who writes is alone already.
    """
    _advise("pg_advisory_xact_lock_shared", event_id)


def deleting(event_id: int) -> None:
    """Until the transaction ends, nobody stores posts of the event: see `storing`."""
    _advise("pg_advisory_xact_lock", event_id)


def _advise(function: str, event_id: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s, %s)", [STORING, event_id % 2**31])


# Heartbeats ----------------------------------------------------------------------------------


@contextmanager
def beating(beat: Callable[[], object], every_s: float = BEAT_S) -> Iterator[None]:
    """Call `beat` every few seconds from a thread while the block runs."""
    if connection.in_atomic_block:  # in tests, and wherever a second connection would wait for us
        yield
        return
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.wait(every_s):
                try:
                    beat()
                except DatabaseError as error:  # locked for long: the next beat may get through
                    log.warning("a heartbeat was not written: %s", error)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
