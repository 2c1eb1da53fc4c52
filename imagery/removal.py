"""Deleting an event: its rows, then the files that no other event holds."""

from __future__ import annotations

from django.core.files.storage import default_storage

from imagery import blobs, ingest, pipeline
from imagery.models import Event, Image
from imagery.pictures import LARGE, SMALL

BATCH = 1000


def delete(event: Event) -> None:
    """Delete the event with all that is its own. Killed halfway, files may stay behind."""
    pipeline.cancel(event.pk)
    digests = list(event.images.values_list("sha256", flat=True))
    imports = list(event.imports.all())
    event.delete()
    for begin in range(0, len(digests), BATCH):
        _drop_files(digests[begin : begin + BATCH])
    for row in imports:
        ingest.drop_files(row)


def _drop_files(digests: list[str]) -> None:
    held = set(Image.objects.filter(sha256__in=digests).values_list("sha256", flat=True))
    for sha256 in digests:
        if sha256 in held:
            continue
        default_storage.delete(blobs.blob_name(sha256))
        for side in (SMALL, *LARGE):
            default_storage.delete(blobs.thumb_name(sha256, side))
