"""Organise an event: fetch → look → dedup → group → rollup, as jobs, followed to their end."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from imagery import following, pipeline, supervisor
from imagery.models import Event


class Command(BaseCommand):
    help = "Organise an event; a worker is started for it where none runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="the event's slug")
        parser.add_argument("--no-wait", action="store_true", help="queue it and return")
        parser.add_argument(
            "--retry-failed", action="store_true", help="fetch failed links once more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        event = Event.objects.filter(slug=options["event"]).first()
        if event is None:
            known = ", ".join(Event.objects.values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"no event {options['event']!r}; there are: {known}")
        if options["retry_failed"]:
            pipeline.retry(event.pk)
        pipeline.start(event.pk)
        if options["no_wait"]:
            return
        organise(event, self.stdout._out)  # type: ignore[attr-defined]
        self.stdout.write(following.summary(event))


def organise(event: Event, out: Any) -> None:
    """Follow the event's jobs to their end, with a worker of our own where none runs.

    Raises CommandError where a stage failed, or the event was deleted.
    """
    look = following.until_idle(event, out)
    if settings.EMBEDDED:
        work_or_wait(look)
    else:
        following.wait(look)
    if not Event.objects.filter(pk=event.pk).exists():
        raise CommandError(f"{event.slug}: the event was deleted meanwhile")
    failed = look.follower.failed  # type: ignore[attr-defined]
    if failed is not None:
        raise CommandError(f"{failed.get_stage_display()} failed: {failed.message}")


def work_or_wait(look: Callable[[], bool], every_s: float = 0.5) -> None:
    """Until `look()` is true: with a worker of our own as soon as no other holds the folder.

    The one that holds it may be about to end, or end before our event's turn comes.
    """
    while not look():
        try:
            with supervisor.only_worker() as handle:
                supervisor.supervise([supervisor.worker(handle)], look, idle=pipeline.is_idle)
            return
        except supervisor.KeepsEnding as error:
            raise CommandError(f"{error}; what it said stands above") from None
        except supervisor.AlreadyRunning:
            time.sleep(every_s)
