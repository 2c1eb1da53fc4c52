"""Collect what is switched on, and read posts again that are due, until told to stop."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
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
        stop = threading.Event()
        stop_when_told(stop)
        with processes.present("collector"):
            collector.Collector(stop).run(options["until_idle"])


def stop_when_told(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
