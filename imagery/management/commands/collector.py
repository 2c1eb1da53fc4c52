"""Collect what is switched on, and read posts again that are due, until told to stop."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand

from imagery import collector, processes


class Command(BaseCommand):
    help = "Collect live posts for every collection that is on; any number of these may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until-idle", type=float, metavar="SECONDS", help="end when nothing was to do so long"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with told_to_stop() as stop, processes.present("collector"):
            collector.Collector(stop).run(options["until_idle"])


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Set by Ctrl-C, SIGTERM or SIGHUP while the block runs."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
