"""Collect for one event in the foreground: `collect EVENT [--collection NAME] [--start]`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from imagery import collecting, collector, processes, supervisor
from imagery.following import duration
from imagery.management.commands.collector import told_to_stop
from imagery.models import Collection, Event, Gap

EVERY_S = 5.0


class Command(BaseCommand):
    help = "Collect live posts for one event and tell how it goes, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="the event's slug")
        parser.add_argument("--collection", metavar="NAME", help="this one alone")
        parser.add_argument("--start", action="store_true", help="switch on what is off")
        parser.add_argument("--seconds", type=float, help="stop after that long")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        rows = chosen(options["event"], options["collection"], options["start"])
        with told_to_stop() as stop, processes.present("collector"):
            held = collector.Collector(stop, frozenset(row.pk for row in rows))
            thread = collector.begun("collector", held.run)
            left = options["seconds"] or float("inf")
            try:
                while left > 0 and thread.is_alive() and not stop.wait(min(EVERY_S, left)):
                    left -= EVERY_S
                    self._tell(rows)
            finally:
                stop.set()
                thread.join(collector.ENDS_S + 3)
        self._tell(rows)

    def _tell(self, rows: list[Collection]) -> None:
        try:
            for row in rows:
                row.refresh_from_db()
                self.stdout.write(line(row))
            self.stdout.flush()
        except Collection.DoesNotExist:
            raise CommandError("the collection was deleted meanwhile") from None
        except DatabaseError as error:
            self.stderr.write(f"the database is out of reach: {error}")
            connection.close()


def chosen(slug: str, name: str | None, switch_on: bool) -> list[Collection]:
    """The event's collections that are on, or the one of that name. Raises CommandError."""
    event = Event.objects.filter(slug=slug).first()
    if event is None:
        known = ", ".join(Event.objects.values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"no event {slug!r}; there are: {known}")
    found = list(event.collections.order_by("pk"))
    rows = [row for row in found if name is None or row.name == name]
    if not rows:
        known = ", ".join(row.name for row in found) or "none yet"
        raise CommandError(f"{slug} has no collection {name or ''!r}; there are: {known}")
    if switch_on:
        for row in rows:
            try:
                collecting.start(row, None)
            except collecting.CannotStart as error:
                raise CommandError(f"{row.name}: {error}") from None
    on = [row for row in rows if row.state == Collection.State.ON]
    if not on:
        states = ", ".join(f"{row.name} is {row.get_state_display().lower()}" for row in rows)
        raise CommandError(f"{states}: switch it on on its page, or give --start")
    return on


def line(row: Collection) -> str:
    """How a collection stands, on one line."""
    now = collecting.status(row)
    word = "connected" if now.connected else row.get_state_display().lower()
    parts = [
        f"{row.name}: {word}",
        f"{now.seen_per_minute:,.0f} seen a minute",
        f"{row.n_kept:,} kept, {row.n_new:,} new",
    ]
    if now.lag_s is not None:
        parts.append(f"{duration(now.lag_s)} behind")
    if row.n_bad:
        parts.append(f"{row.n_bad:,} unreadable")
    lost = now.gaps.get(Gap.State.LOST, 0) + now.gaps.get(Gap.State.PARTLY, 0)
    if n := now.gaps.get(Gap.State.OPEN, 0):
        parts.append(f"{n} gaps to refill")
    if lost:
        parts.append(f"{lost} gaps with losses")
    if now.error:
        parts.append(f"error: {now.error}")
    return ", ".join(parts)
