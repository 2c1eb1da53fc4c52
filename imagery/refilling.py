"""Gaps refilled beside the stream, as far as the source still tells of the past.

A gap's times are of our clock, so it is asked for with a margin: what comes twice is one row.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from imagery import batches, gaps, locks
from imagery.core import patience
from imagery.models import Gap
from imagery.sources.live import Ask, CannotRefill, Heard, Interrupted, Live, Refused

log = logging.getLogger(__name__)

MARGIN = timedelta(seconds=10)  # by which clocks may differ
MOST_TRIES = 60  # five hours
BATCH, BATCH_S = 500, 1.0
State = Gap.State


class Refiller:
    """Refills a collection's open gaps, one at a time, in a thread of its own."""

    def __init__(self, lease: locks.Lease) -> None:
        self._lease = lease
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0  # of the monotonic clock

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def look(self, source: Live, ask: Ask) -> None:
        """Begin with the gap that is due, if there is one and none is in hand."""
        if self.is_busy or time.monotonic() < self._not_before:
            return
        gap = gaps.due(self._lease.collection_id)
        if gap is None:
            return
        name = f"refill {gap.pk}"
        self._thread = threading.Thread(
            target=self._run, args=(gap, source, ask), name=name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, gap: Gap, source: Live, ask: Ask) -> None:
        try:
            wait_s = refill(self._lease, gap, source, ask, self._stop)
            self._not_before = time.monotonic() + (wait_s or 0)
        except locks.Lost:
            log.info("gap %s is left to another collector", gap.pk)
        except DatabaseError as error:
            log.warning("gap %s is tried again later: %s", gap.pk, error)
            self._not_before = time.monotonic() + patience.longest(4)
        finally:
            connection.close()


def refill(
    lease: locks.Lease, gap: Gap, source: Live, ask: Ask, stop: threading.Event
) -> float | None:
    """Ask the source for what the gap lacks. Returns the seconds a server asks to wait.

    What was stored stays, and `gap.cursor` tells how far it is. Raises Lost, DatabaseError.
    """
    if gap.ends_at is None:
        raise ValueError(f"gap {gap.pk} goes on")
    begins_at, ends_at = gap.begins_at - MARGIN, gap.ends_at + MARGIN
    place = _Place(lease, gap)
    try:
        with batches.told_by(source.refill(ask, begins_at, ends_at, gap.cursor)) as told:
            ended = place.take(told, stop)
    except CannotRefill as error:
        place.close(State.PARTLY if place.any_heard else State.LOST, str(error))
    except Interrupted as error:
        place.tried(str(error))
        return error.wait_s
    except Refused as error:
        place.tried(str(error))
        return patience.REFUSED_S
    except (locks.Lost, DatabaseError):
        raise
    except Exception as error:  # a source's mistake is to be told on the row, whatever it was
        log.exception("gap %s", gap.pk)
        place.tried(f"{type(error).__name__}: {error}")
    else:
        if ended:
            place.close(State.FILLED, "")
    return None


class _Place:
    """A gap that is being refilled: what is stored of it, and how that ends."""

    def __init__(self, lease: locks.Lease, gap: Gap) -> None:
        self._lease, self._gap, self._keeper = lease, gap, batches.Keeper(lease)
        self.any_heard = bool(gap.cursor or gap.n_new)

    def take(self, told: Iterator[Heard], stop: threading.Event) -> bool:
        """Whether the source came to its end before `stop` was set. What is heard is stored."""
        things: list[Heard] = []
        since = time.monotonic()
        try:
            for heard in told:
                if batches.is_something(heard):
                    things.append(heard)
                    self.any_heard = True
                full = len(things) >= BATCH
                if things and (full or time.monotonic() - since >= BATCH_S or stop.is_set()):
                    batch, things = things, []
                    spent_s = self._store(batch)
                    since = time.monotonic()
                    stop.wait(min(spent_s, 1.0))  # others write too
                if stop.is_set():
                    return False
        finally:
            if things:
                self._store(things)
        return True

    def _store(self, things: list[Heard]) -> float:
        begun = time.monotonic()
        self._keeper.store(things, batches.onto_gap(self._gap, things))
        return time.monotonic() - begun

    @transaction.atomic
    def close(self, state: str, outcome: str) -> None:
        self._lease.row()
        Gap.objects.filter(pk=self._gap.pk, state=State.OPEN).update(
            state=state, outcome=outcome[:500], tried_at=timezone.now()
        )

    @transaction.atomic
    def tried(self, why: str) -> None:
        self._lease.row()
        n_tries, state = self._gap.n_tries + 1, State.OPEN
        if n_tries >= MOST_TRIES:
            state = State.PARTLY if self.any_heard else State.LOST
        Gap.objects.filter(pk=self._gap.pk, state=State.OPEN).update(
            state=state, outcome=why[:500], tried_at=timezone.now(), n_tries=n_tries
        )
