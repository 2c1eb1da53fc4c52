"""Make the demo event, organise it, and serve it; the second time, just serve."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.utils import timezone

from config import staticfiles
from imagery import demo, following, ingest, pipeline, rollup, supervisor
from imagery.management.commands.process import organise
from imagery.management.commands.run import serve
from imagery.models import Event, Import, Membership, Role

SLUG = "demo"


class Command(BaseCommand):
    help = "A made event to look at: photographs, a crowd that does not exist, known truth."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop when it is organised")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor.prepare()
        owner, password = first_owner()
        event = self._event(owner)
        if not event.imports.filter(state=Import.State.DONE).exists():
            self._make(event, owner)
        if options["no_serve"]:
            if event.organised_at is None or not pipeline.is_idle(event.pk):
                pipeline.start(event.pk)
                organise(event, self.stdout._out)  # type: ignore[attr-defined]
            self.stdout.write(following.summary(event))
            self._tell(owner, password)
            return
        if event.organised_at is None:
            pipeline.start(event.pk)  # the worker below does it: watch it on the event's page
        staticfiles.collect()
        self._tell(owner, password)
        serve(self, options["host"], options["port"])

    def _event(self, owner: User) -> Event:
        event, _ = Event.objects.get_or_create(
            slug=SLUG,
            defaults={
                "name": demo.TITLE,
                "description": demo.ABOUT,
                "is_made": True,
                "timezone": demo.TIMEZONE,
                "backbone": settings.IMAGERY_BACKBONE,
            },
        )
        Membership.objects.get_or_create(event=event, user=owner, defaults={"role": Role.OWNER})
        return event

    def _make(self, event: Event, owner: User) -> None:
        folder = Path(settings.DATA_DIR) / "demo"
        self.stdout.write("Making the demo event's pictures and posts …")
        made = demo.make(folder, now=timezone.now(), progress=self._show)
        row = ingest.accept_path(event, made.posts, images=made.images, user=owner)
        ingest.run(row)
        rollup.quick_counts(event)
        self.stdout.write(following.import_line(row))

    def _show(self, done: int, total: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[2K  {done} of {total} pictures", ending="")
            if done == total:
                self.stdout.write("")
            self.stdout.flush()

    def _tell(self, owner: User, password: str) -> None:
        if password:
            self.stdout.write(
                self.style.SUCCESS(f"Log in as “{owner.username}” with the password “{password}”.")
            )
            self.stdout.write("It is shown this once; `manage.py changepassword` sets another.")


def first_owner() -> tuple[User, str]:
    """The installation's owner, made with a generated password at first call (else "")."""
    found = User.objects.filter(is_superuser=True).order_by("pk").first()
    if found is not None:
        return found, ""
    password = secrets.token_urlsafe(12)
    return User.objects.create_superuser("owner", password=password), password
