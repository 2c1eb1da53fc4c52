"""Back up rows and files into a folder, while the product runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from imagery.backups import making, rows
from imagery.backups.manifest import Unusable


class Command(BaseCommand):
    help = "Back up into a folder; into the same one again, only what is new is copied."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="with the signing key, tokens and sessions: whoever has it can act as anybody",
        )
        parser.add_argument(
            "--read-all", action="store_true", help="read back what earlier backups copied, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = making.make(
                options["folder"].expanduser().resolve(),
                self.stdout.write,
                secrets=options["secrets"],
                read_all=options["read_all"],
            )
        except (making.Refused, rows.Failed, Unusable, OSError, DatabaseError) as error:
            raise CommandError(f"no backup was made: {error}") from None
        self.stdout.write(
            f"{options['folder']}: {sum(made.counts.values())} rows, {made.n_files} files, "
            f"{made.n_bytes / 2**20:.1f} MiB; read back and whole"
            + ("" if made.secrets else "; without secrets")
        )
        if made.gone:
            self.stdout.write(f"{made.gone} pictures were deleted while the backup was made")
