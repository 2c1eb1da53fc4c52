"""The collector: a process that has collections in hand, and reads posts again that are due.

A thread each, under leases: any number of such processes, on any number of machines, share the
work, and take over what a dead one held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, connection

from imagery import collecting, gaps, listening, locks, revisits
from imagery.models import Collection

log = logging.getLogger(__name__)

LOOK_S = 1.0
EACH_S = 0.1  # by which one that has more in hand looks later, so that others have their share
LATER_S = 1.0  # but no more than by that
MOST = 100  # collections in one process
ENDS_S = 12.0


def needed() -> bool:
    """Whether there is anything for a collector to do, now."""
    return collecting.to_hold().exists() or revisits.due().exists()


class Collector:
    """Threads for the collections that are to be held; `only` limits them to those ids."""

    def __init__(self, stop: threading.Event, only: frozenset[int] | None = None) -> None:
        self._stop, self._only = stop, only
        self._threads: dict[int, threading.Thread] = {}
        self._reader: threading.Thread | None = None
        self._next_try: dict[int, float] = {}  # of the monotonic clock
        self._took = False  # when it looked last

    def run(self, idle_s: float | None = None) -> None:
        """Until `stop` is set, or nothing was to do for `idle_s`."""
        busy_at = time.monotonic()
        while not self._stop.is_set():
            try:
                if self._look():
                    busy_at = time.monotonic()
            except DatabaseError as error:
                log.warning("the collector waits: %s", error)
                connection.close()
            if idle_s is not None and time.monotonic() - busy_at > idle_s:
                break
            later_s = min(EACH_S * len(self._threads), LATER_S)
            self._stop.wait(later_s if self._took else LOOK_S + later_s)
        self.end()

    def end(self) -> None:
        """Ask the threads to end, and wait for them."""
        self._stop.set()
        give_up_at = time.monotonic() + ENDS_S
        for thread in [*self._threads.values(), self._reader]:
            if thread is not None:
                thread.join(max(0.0, give_up_at - time.monotonic()))

    def _look(self) -> bool:
        """Take up one more collection that nobody holds. Whether anything is in hand."""
        self._threads = {pk: held for pk, held in self._threads.items() if held.is_alive()}
        free = self._free()
        for pk in free:
            self._begin(pk)
        self._took = bool(free)
        if self._only is None and not _is_alive(self._reader) and revisits.due().exists():
            self._reader = begun("revisits", revisits.run_while_due, self._stop)
        return bool(self._threads) or _is_alive(self._reader)

    def _free(self) -> list[int]:
        rows = collecting.to_hold().exclude(pk__in=list(self._threads))
        if self._only is not None:
            rows = rows.filter(pk__in=self._only)
        now = time.monotonic()
        for row in rows.order_by("pk")[:MOST]:
            if len(self._threads) >= MOST:
                return []
            if now < self._next_try.get(row.pk, 0) or not self._has_work(row):
                continue
            self._next_try[row.pk] = now + 3
            if locks.may_be_taken(row):
                return [row.pk]
        return []

    def _has_work(self, row: Collection) -> bool:
        """An ended one is taken up only while a gap of it is due."""
        return row.state == Collection.State.ON or gaps.due(row.pk) is not None

    def _begin(self, pk: int) -> None:
        self._threads[pk] = begun(f"collection {pk}", listening.run, pk, self._stop)


def begun(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """A thread of that name, whose connection to the database ends with it."""

    def run() -> None:
        try:
            target(*args)
        except locks.Busy as error:
            log.info("%s", error)
        except DatabaseError as error:
            log.warning("%s ends, and begins again: %s", name, error)
        finally:
            connection.close()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _is_alive(thread: threading.Thread | None) -> bool:
    return thread is not None and thread.is_alive()
