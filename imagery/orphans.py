"""Files that no event holds any more."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.storage import default_storage

from imagery import blobs
from imagery.core import features
from imagery.models import Image
from imagery.pictures import LARGE, SMALL

BATCH = 1000


def drop(digests: Iterable[str]) -> int:
    """Delete the files of those SHA-256 digests that belong to no image of any event.

    Returns how many of the digests that were.
    """
    left, n = list(digests), 0
    for begin in range(0, len(left), BATCH):
        part = left[begin : begin + BATCH]
        held = set(Image.objects.filter(sha256__in=part).values_list("sha256", flat=True))
        for sha256 in set(part) - held:
            n += 1
            default_storage.delete(blobs.blob_name(sha256))
            default_storage.delete(blobs.features_name(sha256, features.VERSION))
            for side in (SMALL, *LARGE):
                default_storage.delete(blobs.thumb_name(sha256, side))
    return n
