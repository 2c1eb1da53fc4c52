"""Locks, all of them here. One writer per event: a lease on the event's row.

Taken by a conditional UPDATE, so any number of machines may try; kept alive by the holder's
heartbeat, so a killed holder is out within LEASE_S.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from imagery.models import Event

log = logging.getLogger(__name__)

LEASE_S = 60
BEAT_S = 5


class Busy(Exception):
    """Another process writes this event."""


@contextmanager
def one_writer(event_id: int) -> Iterator[None]:
    """Hold the event while writing its sets. Raises Busy if another process does."""
    me = uuid.uuid4().hex
    now = timezone.now()
    free = Q(locked_until=None) | Q(locked_until__lt=now)
    taken = Event.objects.filter(free, pk=event_id).update(
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
