"""Posts of an event to be read again: how many are due, late, read; `--due-now` reads them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from imagery import revisits, supervisor
from imagery.following import duration
from imagery.management.commands.collector import told_to_stop
from imagery.models import Event, Post, Reading


class Command(BaseCommand):
    help = "Tell how many posts are to be read again, and read those that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="the event's slug")
        parser.add_argument("--due-now", action="store_true", help="read what is due now")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        event = Event.objects.filter(slug=options["event"]).first()
        if event is None:
            raise CommandError(f"no event {options['event']!r}")
        if options["due_now"]:
            self._read(event)
        for told in lines(event):
            self.stdout.write(told)

    def _read(self, event: Event) -> None:
        with told_to_stop() as stop:
            while not stop.is_set():
                done = revisits.run(stop, event)
                self.stdout.write(
                    f"{done.n_read:,} read, {done.n_gone:,} gone, {done.n_missed:,} ages missed, "
                    f"{done.n_untold:,} not told of"
                )
                if not done.n_read + done.n_gone + done.n_untold:
                    return


def lines(event: Event) -> list[str]:
    """What is due, what was read, and what keeps servers from being asked."""
    now = timezone.now()
    waits = Post.objects.filter(event=event).exclude(visit_at=None)
    due = waits.filter(visit_at__lte=now)
    first = due.order_by("visit_at").values_list("visit_at", flat=True).first()
    told = [
        f"due: {due.count():,}" + (f", the first since {duration(_s(now, first))}" if first else "")
    ]
    coming = waits.filter(visit_at__gt=now).order_by("visit_at").values_list("visit_at", flat=True)
    if (at := coming.first()) is not None:
        told.append(f"later: {coming.count():,}, the next in {duration(_s(at, now))}")
    for state, label in Reading.State.choices:
        n = Reading.objects.filter(post__event=event, state=state).count()
        told.append(f"{label.lower()}: {n:,}")
    for row in event.collections.exclude(visits_error=""):
        told.append(f"{row.name}: {row.visits_error}")
    return told


def _s(later: Any, earlier: Any) -> float:
    return (later - earlier).total_seconds()
