"""Put a backup back. Services must be down."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from imagery.backups import restoring, rows
from imagery.backups.manifest import Unusable


class Command(BaseCommand):
    help = "Put a backup back into an empty installation, with nothing running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="give up all rows and files that are here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"].expanduser().resolve()
        try:
            made = restoring.restore(folder, self.stdout.write, replace=options["replace"])
        except (restoring.Refused, rows.Failed, Unusable, OSError, DatabaseError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"restored {sum(made.counts.values())} rows and {made.n_files} files")
        if not made.secrets:
            self.stdout.write(
                "it was made without secrets: everybody logs in anew, and tokens of the API and "
                "of collections are to be given again"
            )
