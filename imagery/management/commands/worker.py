"""A worker of services: takes jobs from the queues that this machine is for."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from imagery import supervisor


class Command(BaseCommand):
    help = "Run a worker beside a broker's server; WORKER_QUEUES and WORKER_PROCESSES shape it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queues", help=f"some of {','.join(settings.QUEUES)}; else those of WORKER_QUEUES"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError("Set CELERY_BROKER_URL: without a server, `run` has its own worker.")
        queues = settings.WORKER_QUEUES
        if options["queues"]:
            named = options["queues"].split(",")
            queues = [name for name in settings.QUEUES if name in named]
            if unknown := sorted(set(named) - set(queues)):
                raise CommandError(
                    f"{', '.join(unknown)}: want some of {','.join(settings.QUEUES)}"
                )
        command = supervisor.service_worker_command(queues)
        os.execv(command[0], command)  # noqa: S606 (our own command line; signals reach the worker itself)
