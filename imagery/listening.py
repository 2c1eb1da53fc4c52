"""Listening to one live source for one collection, for as long as it is on.

One thread, which holds the collection's lease, reads what the source sends and stores it batch by
batch: the stream is never read faster than rows are written. Nothing but the batch in hand is in
memory; whatever goes wrong, the next connection begins at the row's cursor.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from config import logs
from imagery import batches, gaps, locks, rules
from imagery.core import patience
from imagery.models import Collection
from imagery.refilling import Refiller
from imagery.sources import LIVE
from imagery.sources.live import Ask, Heard, Interrupted, Live, Refused
from imagery.sources.network import Network

log = logging.getLogger(__name__)

BATCH = 500  # things stored at once, at most
BATCH_S = 1.0  # and what came within so long
QUIET_S = 5.0  # so often a quiet connection is noted on the row
LOOK_S = 1.0  # so often the row is looked at
STEADY_S = 30.0  # a connection that lasted so long puts earlier failures out of mind
OVERTIME = timedelta(hours=1)  # in which what was published before the end may still come
MADE_FOR = ("source", "starts_at", "stops_at")
State = Collection.State


def run(collection_id: int, stop: threading.Event) -> None:
    """Hold the collection and collect until it is off, `stop` is set or the lease is lost.

    Raises Busy where another holds it.
    """
    event_id = (
        Collection.objects.filter(pk=collection_id).values_list("event_id", flat=True).first()
    )
    tags = logs.tagged(collection=collection_id, event=event_id)
    with tags, locks.collector(collection_id) as lease:
        Listener(lease, stop).run()


def ask_of(row: Collection) -> Ask:
    return Ask(
        options=row.options,
        network=Network(settings.IMAGERY_USER_AGENT, settings.IMAGERY_FETCH_PRIVATE),
        book=rules.rulebook(row),
        token=row.token,
    )


class Listener:
    """Connects, listens, stores, waits and connects again."""

    def __init__(self, lease: locks.Lease, stop: threading.Event) -> None:
        self._lease, self._stop = lease, stop
        self._keeper = batches.Keeper(lease)
        self._refiller = Refiller(lease)
        self._n_database_errors = 0
        self._reason = gaps.NOBODY  # why nothing was heard, where no error on the row tells

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    if not self._turn():
                        return
                    self._n_database_errors = 0
                except locks.Lost as error:
                    log.info("%s", error)
                    return
                except DatabaseError as error:
                    self._without_database(error)
        finally:
            self._refiller.stop()
            with suppress(locks.Lost, DatabaseError):
                self._left()

    def _turn(self) -> bool:
        """One connection, or a second of waiting. False when there is nothing more to do."""
        row = self._row()
        if row.connected_at is not None:  # by one who could not say that it ended
            self._left()
        if row.state == State.PAUSED:
            return False
        source, ask = LIVE.get(row.source), ask_of(row)
        if source is None:
            raise locks.Lost(f"collection {row.pk}: this version knows no source {row.source!r}")
        if row.state == State.ON and _has_ended(row):
            finish(self._lease)
            return True
        self._refiller.look(source, ask)
        left_s = _left_s(row)
        if row.state == State.STOPPED or left_s > 0:
            self._stop.wait(min(max(left_s, LOOK_S / 4), LOOK_S))
            return row.state == State.ON or self._refiller.is_busy
        self._connect(row, source, ask)
        return True

    def _connect(self, row: Collection, source: Live, ask: Ask) -> None:
        """Listen until the connection ends, or is to end; why it failed is on the row."""
        try:
            by_source = self._listen(row, source, ask)
        except Interrupted as error:
            self._failed(str(error), error.wait_s)
        except Refused as error:
            self._failed(str(error), patience.REFUSED_S)
        except (locks.Lost, DatabaseError):
            raise
        except Exception as error:  # a source's mistake is to be told on the row, whatever it was
            log.exception("collection %s", row.pk)
            self._failed(f"{type(error).__name__}: {error}")
        else:
            if by_source:
                self._failed("The server ended the connection")
            else:
                self._left()

    def _listen(self, row: Collection, source: Live, ask: Ask) -> bool:
        """Whether it was the source that ended."""
        ear = _Ear(self._keeper, self._stop, ask, self._reason)
        looked, ended, over = time.monotonic(), True, False
        with batches.told_by(source.stream(ask, row.cursor)) as told:
            try:
                for heard in told:
                    ear.hear(heard)
                    over = ear.is_connected and _is_over(heard, row.stops_at)
                    if over or self._stop.is_set():
                        ended = False
                        break
                    if time.monotonic() - looked >= LOOK_S:
                        looked = time.monotonic()
                        if not self._goes_on(row, ask):
                            ended = False
                            break
                        self._refiller.look(source, ask)
            except (Interrupted, Refused):
                ear.store()
                raise
        ear.store()
        if over:
            finish(self._lease)
        return ended

    def _goes_on(self, row: Collection, ask: Ask) -> bool:
        """Whether the row still says what this connection was made for."""
        now = self._row()
        same = (now.source, now.starts_at, now.stops_at) == (
            row.source,
            row.starts_at,
            row.stops_at,
        )
        return now.state == State.ON and same and ask_of(now) == ask

    def _row(self) -> Collection:
        """The row as it is now. Raises Lost."""
        lease = self._lease
        row = Collection.objects.filter(pk=lease.collection_id, held_by=lease.by).first()
        if row is None:
            raise locks.Lost(f"collection {lease.collection_id} is another's, or was deleted")
        return row

    # How it ends -----------------------------------------------------------------------------

    @transaction.atomic
    def _failed(self, why: str, asked_s: float | None = None) -> None:
        row, now = self._lease.row(), timezone.now()
        if row.state == State.ON:
            gaps.begin(row, why)
        wait_s = patience.wait_s(row.n_tries + 1, random.random(), asked_s)
        row.error, row.error_at, row.n_tries = why[:500], now, row.n_tries + 1
        row.retry_at, row.connected_at = now + timedelta(seconds=wait_s), None
        row.save(update_fields=["error", "error_at", "n_tries", "retry_at", "connected_at"])

    def _left(self) -> None:
        lease = self._lease
        mine = Collection.objects.filter(pk=lease.collection_id, held_by=lease.by)
        mine.update(connected_at=None)

    def _without_database(self, error: DatabaseError) -> None:
        """What was in hand is dropped: it is heard again from the row's cursor, or is a gap."""
        self._n_database_errors += 1
        self._reason = "The database was out of reach"
        log.warning("collection %s waits: %s", self._lease.collection_id, error)
        connection.close()
        self._keeper = batches.Keeper(self._lease)
        self._stop.wait(patience.wait_s(self._n_database_errors, random.random()))


class _Ear:
    """What one connection has told and is not stored yet, and whether it tells of everything."""

    def __init__(
        self, keeper: batches.Keeper, stop: threading.Event, ask: Ask, reason: str
    ) -> None:
        self._keeper, self._stop, self._ask, self._reason = keeper, stop, ask, reason
        self._things: list[Heard] = []
        self._begun = self._stored = time.monotonic()
        self._resumed: bool | None = None
        self._is_new = True  # that it is heard again is not on the row yet

    def hear(self, heard: Heard) -> None:
        something = batches.is_something(heard)
        if self._resumed is None and (something or heard.resumed is not None):
            self._resumed = bool(heard.resumed)
        if something:
            self._things.append(heard)
        waits_s = time.monotonic() - self._stored
        full = len(self._things) >= BATCH
        if full or (self._things and waits_s >= BATCH_S) or waits_s >= QUIET_S or self._begins:
            spent_s = self.store()
            if full:  # others write too, and SQLite lets only one at a time
                self._stop.wait(min(spent_s / 4, 0.2))

    @property
    def is_connected(self) -> bool:
        return self._resumed is not None

    @property
    def _begins(self) -> bool:
        return self._is_new and self.is_connected

    def store(self) -> float:
        """Returns the seconds it took."""
        begun, things, self._things = time.monotonic(), self._things, []
        if self.is_connected:
            resumed = self._resumed if self._is_new else None
            steady = begun - self._begun >= STEADY_S
            write = batches.onto_stream(things, self._ask.options, resumed, steady, self._reason)
            self._keeper.store(things, write)
            self._is_new = False
        self._stored = time.monotonic()
        return self._stored - begun


@transaction.atomic
def finish(lease: locks.Lease) -> None:
    """Its time is over: what is lacking of it up to then may still be refilled."""
    row = lease.row()
    if row.state == State.ON and row.stops_at is not None:
        gaps.finish(row, row.stops_at)
        row.state, row.connected_at = State.STOPPED, None
        row.save(update_fields=["state", "connected_at"])


def _has_ended(row: Collection) -> bool:
    """Whether its time is over, and nothing is left to be heard by going on from the cursor."""
    now = timezone.now()
    if row.stops_at is None or now < row.stops_at:
        return False
    return not row.cursor or bool(row.n_tries) or now >= row.stops_at + OVERTIME


def _is_over(heard: Heard, stops_at: datetime | None) -> bool:
    """Whether what was published before that has been heard; it comes late where rows lag."""
    if stops_at is None:
        return False
    if heard.at is not None and heard.at >= stops_at:
        return True
    now = timezone.now()
    if now >= stops_at + OVERTIME:
        return True
    return now >= stops_at and not batches.is_something(heard) and heard.resumed is None


def _left_s(row: Collection) -> float:
    """Seconds until it may be tried; a time that only a set clock can explain is no time."""
    if row.retry_at is None:
        return 0.0
    left = (row.retry_at - timezone.now()).total_seconds()
    return left if left <= patience.LONGEST_ASKED_S else 0.0
