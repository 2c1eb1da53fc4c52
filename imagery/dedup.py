"""Images → unique images (A3). One writer per event; the same images give the same sets.

Images are taken by first post, then SHA-256: order of arrival plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import Min

from imagery.core import uniqueness
from imagery.models import Event, Image, PostLink, UniqueImage
from imagery.writing import update_rows

WRITE = 500


@dataclass(frozen=True, slots=True)
class Row:
    """What the sets are made of, of one image."""

    pk: int
    sha256: str
    phash: str
    is_blank: bool
    signature: bytes
    unique_id: int | None
    distance: int | None


def run(event: Event) -> int:
    """Make the event's sets anew; rows that stay as they are are not written. Returns how many."""
    rows = _in_time_order(event)
    made = _assign(rows, event.dedup_threshold)
    with transaction.atomic():
        _write(event, rows, made)
    return len(set(made.representative.tolist()))


def first_posts(event: Event) -> dict[int, datetime]:
    """When each image of the event was first posted, in posts the rules select."""
    found = (
        PostLink.objects.filter(link__event=event, link__image__failed_at=None, post__selected=True)
        .exclude(link__image=None)
        .values_list("link__image_id")
        .annotate(at=Min("post__posted_at"))
        .order_by()
    )
    return dict(found)


def _in_time_order(event: Event) -> list[Row]:
    first = first_posts(event)
    fields = ("pk", "sha256", "phash", "is_blank", "signature", "unique_id", "distance")
    seen = event.images.seen().filter(failed_at=None).values_list(*fields)
    rows = [Row(*values) for values in seen.iterator(5000) if values[0] in first]
    rows.sort(key=lambda row: (first[row.pk], row.sha256))
    return rows


def _assign(rows: list[Row], threshold: int) -> uniqueness.Assignment:
    hashes = np.frombuffer(bytes.fromhex("".join(row.phash for row in rows)), np.uint8)
    signatures = np.frombuffer(b"".join(bytes(row.signature) for row in rows), np.uint8)
    return uniqueness.assign(
        hashes.reshape(-1, 8),
        threshold=threshold,
        flat=np.array([row.is_blank for row in rows], bool),
        signatures=signatures.reshape(-1, 192),
    )


def _write(event: Event, rows: list[Row], made: uniqueness.Assignment) -> None:
    leads = [rows[i].pk for i in sorted(set(made.representative.tolist()))]
    UniqueImage.objects.bulk_create(
        [UniqueImage(event=event, representative_id=pk) for pk in leads],
        ignore_conflicts=True,
        batch_size=WRITE,
    )
    of_lead = dict(event.unique_images.values_list("representative_id", "pk"))
    changed = []
    for i, row in enumerate(rows):
        unique = of_lead[rows[int(made.representative[i])].pk]
        distance = int(made.distance[i])
        if (row.unique_id, row.distance) != (unique, distance):
            changed.append(Image(pk=row.pk, unique_id=unique, distance=distance))
    update_rows(changed, ["unique", "distance"])
    _leave_out(event, {row.pk for row in rows}, set(leads))


def _leave_out(event: Event, placed: set[int], leads: set[int]) -> None:
    """Images that no selected post shows any more leave their sets; empty sets go."""
    held = event.images.exclude(unique=None).values_list("pk", flat=True)
    stray = [pk for pk in held.iterator(5000) if pk not in placed]
    for start in range(0, len(stray), WRITE):
        Image.objects.filter(pk__in=stray[start : start + WRITE]).update(unique=None, distance=None)
    sets = event.unique_images.values_list("pk", "representative_id")
    gone = [pk for pk, lead in sets.iterator(5000) if lead not in leads]
    for start in range(0, len(gone), WRITE):
        UniqueImage.objects.filter(pk__in=gone[start : start + WRITE]).delete()
