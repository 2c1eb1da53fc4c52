"""Bring posts in from files: `import_posts EVENT FILE… [--format NAME] [--images DIR]`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from imagery import following, ingest, pipeline, rollup, sources, supervisor
from imagery.models import Event, Import
from imagery.models.events import SLUG


class Command(BaseCommand):
    help = "Bring posts in from files or folders; what is there already is updated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="the event's slug; made if new")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--format", default="auto", choices=["auto", *sources.FORMATS])
        parser.add_argument("--images", type=Path, help="folder or ZIP holding the posts' files")
        parser.add_argument("--no-process", action="store_true", help="bring in rows only")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        images: Path | None = options["images"]
        for path in [*options["files"], *([images] if images else [])]:
            if not path.exists():
                raise CommandError(f"{path}: no such file or folder")
            if not _tellable(path.resolve()):
                raise CommandError(f"{str(path)!r}: the name is not in UTF-8; rename it first")
        event = event_called(options["event"])
        rows = [
            self._bring(ingest.accept_path(event, path, options["format"], images))
            for path in options["files"]
        ]
        rollup.quick_counts(event)
        done = [row for row in rows if row.state == Import.State.DONE]
        if done and not options["no_process"]:
            pipeline.start(event.pk)
            self.stdout.write(
                f"Queued. `manage.py process {event.slug}` runs it now, unless `run` is running."
            )
        if len(done) < len(rows):
            raise CommandError(f"{len(rows) - len(done)} of {len(rows)} files could not be read")

    def _bring(self, row: Import) -> Import:
        def progress(row: Import) -> None:
            if self.stdout.isatty():
                self.stdout.write(f"\r\x1b[2K{following.import_line(row)}", ending="")
                self.stdout.flush()

        ingest.run(row, progress)
        if row.state == Import.State.FAILED:
            self.stderr.write(self.style.ERROR(row.reason))
            return row
        lead = "\r\x1b[2K" if self.stdout.isatty() else ""
        self.stdout.write(lead + following.import_line(row))
        if row.n_bad:
            self.stdout.write(f"Bad rows are kept in {ingest.bad_rows_path(row)}")
        return row


def _tellable(path: Path) -> bool:
    """Whether a database can hold the path: names on disk may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def event_called(slug: str) -> Event:
    """The event of that slug, made if new. Raises CommandError for a slug that is none."""
    try:
        SLUG(slug)
    except ValidationError as error:
        raise CommandError(f"{slug!r}: want {error.messages[0]}") from None
    name = slug.replace("-", " ").replace("_", " ").title()
    event, made = Event.objects.get_or_create(slug=slug, defaults={"name": name})
    if made:
        give_to_superusers(event)
    return event


def give_to_superusers(event: Event) -> None:
    """An event made on the command line belongs to the installation's owners."""
    from django.contrib.auth.models import User

    from imagery.models import Membership, Role

    for user in User.objects.filter(is_superuser=True, is_active=True):
        Membership.objects.get_or_create(event=event, user=user, defaults={"role": Role.OWNER})
