"""Delete posts that are too old, or gone at their source, with all that only they held."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from imagery import retention, supervisor
from imagery.management.commands.process import organise
from imagery.models import Event
from imagery.retention import Policy


class Command(BaseCommand):
    help = "Delete an event's posts by age or because they are gone at their source."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", help="the event's slug")
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")
        parser.add_argument("--older-than", type=int, metavar="DAYS", help="by when it was posted")
        parser.add_argument("--gone", action="store_true", help="deleted or private by now")
        parser.add_argument("--no-wait", action="store_true", help="leave the pictures to a worker")

    def handle(self, *args: Any, **options: Any) -> None:
        event = Event.objects.filter(slug=options["event"]).first()
        if event is None:
            known = ", ".join(Event.objects.values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"no event {options['event']!r}; there are: {known}")
        policy = _policy(event, options["older_than"], options["gone"])
        if options["dry_run"]:
            found = retention.count(event, policy)
            self.stdout.write(
                f"{event.slug}: {found.n_posts} posts, {found.n_accounts} accounts, "
                f"{found.n_links} links and {found.n_images} images would go; nothing was deleted"
            )
            return
        supervisor.prepare()
        made = retention.purge(
            event,
            policy,
            progress=lambda row: self.stdout.write(f"{row.n_posts} posts", ending="\r"),
        )
        if made is None:
            self.stdout.write(f"{event.slug}: no such posts; nothing was deleted")
            return
        if not options["no_wait"]:
            organise(event, self.stdout._out)  # type: ignore[attr-defined]
            made.refresh_from_db()
        self.stdout.write(
            f"{event.slug}: deleted {made.n_posts} posts, {made.n_accounts} accounts, "
            f"{made.n_links} links"
            + (
                f", {made.n_images} images and {made.n_files} files"
                if made.finished_at
                else "; their pictures go in the pass that follows"
            )
        )


def _policy(event: Event, older_than: int | None, gone: bool) -> Policy:
    """As asked; as the event's settings say where nothing is asked."""
    if older_than is None and not gone:
        policy = retention.policy_of(event)
        if not policy:
            raise CommandError(
                f"{event.slug} keeps everything: say --older-than DAYS or --gone, or set what it "
                "keeps on its settings page"
            )
        return policy
    if older_than is not None and older_than < 1:
        raise CommandError(f"--older-than {older_than}: want at least 1 day")
    before = None if older_than is None else timezone.now() - timedelta(days=older_than)
    return Policy(before, gone)
