"""Deleting an event: its rows, then the files that no other event holds."""

from __future__ import annotations

from django.db import transaction

from imagery import collecting, ingest, known, orphans, pipeline, text_index
from imagery.models import Event


def delete(event: Event) -> None:
    """Delete the event with all that is its own. Killed halfway, files may stay behind.

    Work in hand on the event finds it gone, and drops the files it was about to speak of.
    """
    pipeline.cancel(event.pk)
    collecting.let_go(event)
    with transaction.atomic():
        digests = list(event.images.values_list("sha256", flat=True))
        imports = list(event.imports.all())
        known.drop_all(event)
        text_index.forget(event.pk)
        event.delete()
    orphans.drop(digests)
    for row in imports:
        ingest.drop_files(row)
