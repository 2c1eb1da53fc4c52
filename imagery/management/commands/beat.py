"""The clock of services: sends periodic jobs; of any number that run, one does."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from imagery import supervisor


class Command(BaseCommand):
    help = "Run the clock beside a broker's server: what sends periodic jobs."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError("Set CELERY_BROKER_URL: without a server, `run` has its own clock.")
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = supervisor.beat_command()
        os.execv(command[0], command)  # noqa: S606 (our own command line; signals reach the clock itself)
