"""Run everything on this machine: web server, worker and collector, watched until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import staticfiles
from imagery import pipeline, supervisor


class Command(BaseCommand):
    help = "Run the web server and a worker; both are started again if they end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="the next free one is taken")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        staticfiles.collect()
        serve(self, options["host"], options["port"])


def serve(command: BaseCommand, host: str, port: int) -> None:
    """Serve until told to stop. Raises CommandError where the port or the folder is taken.

    A worker whose `run` was killed ends by itself after what it has in hand: it is waited for.
    """
    with ExitStack() as stack:
        try:
            handle = stack.enter_context(supervisor.only_worker(wait_s=supervisor.STOP_S))
            port = supervisor.free_port(host, port)
        except (supervisor.AlreadyRunning, OSError) as error:
            raise CommandError(f"{error}: stop the other `run` first") from None
        shown = f"[{host}]" if ":" in host else host
        command.stdout.write(f"Afterimage is at http://{shown}:{port}/  (Ctrl-C stops it)")
        command.stdout.flush()
        children = [
            supervisor.Child("web server", supervisor.web_command(host, port)),
            supervisor.worker(handle),
            supervisor.collector(),
        ]
        try:
            supervisor.supervise(children, lambda: False, idle=pipeline.is_idle)
        except supervisor.KeepsEnding as error:
            raise CommandError(f"{error}; what it said stands above") from None
