"""Images about to be deleted: what stands in for each, and what passes to it."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from imagery.models import Decision, Event, Moved
from imagery.writing import update_rows

PAIRS = (Decision.Kind.SAME, Decision.Kind.DIFFERENT)


def pass_on(event: Event, going: Collection[int]) -> dict[int, int]:
    """Image that goes → the one of its set that stays and was posted first, where there is one.

    It becomes the representative where that one goes; decisions about the one that goes are about
    it from then on, unless people decided the same of it already; addresses that led to the one
    that goes lead to it. To be called in the transaction that deletes them.
    """
    heirs = _heirs(event, going)
    _represent(event, heirs)
    _decide(event, heirs)
    moved = list(Moved.objects.filter(image__in=heirs))
    for row in moved:
        row.image_id = heirs[row.image_id]
    update_rows(moved, ["image"])
    return heirs


def _heirs(event: Event, going: Collection[int]) -> dict[int, int]:
    sets = dict(
        event.images.filter(pk__in=going).exclude(unique=None).values_list("pk", "unique_id")
    )
    copies = event.images.filter(unique__in=set(sets.values())).exclude(links=None)
    staying = copies.exclude(pk__in=going).order_by("first_posted_at", "sha256").distinct()
    first: dict[int, int] = {}
    for pk, unique_id in staying.values_list("pk", "unique_id"):
        first.setdefault(unique_id, pk)  # type: ignore[arg-type]
    return {pk: first[unique] for pk, unique in sets.items() if unique in first}


def _represent(event: Event, heirs: dict[int, int]) -> None:
    rows = list(event.unique_images.filter(representative__in=heirs))
    for row in rows:
        row.representative_id = heirs[row.representative_id]
    update_rows(rows, ["representative"])


def _decide(event: Event, heirs: dict[int, int]) -> None:
    """Active decisions and the history alike, the latest first: of two that would stand for the
    same thing, the later one holds."""
    about = Q(image__in=heirs) | Q(other__in=heirs)
    for row in Decision.objects.filter(about, event=event).order_by("-pk"):
        image, other = heirs.get(row.image_id, row.image_id), row.other_id
        if other is not None:
            image, other = sorted((image, heirs.get(other, other)))
        if image == other or (row.undone_at is None and _is_told(row, image, other)):
            row.delete()
            continue
        Decision.objects.filter(pk=row.pk).update(image=image, other=other)


def _is_told(row: Decision, image: int, other: int | None) -> bool:
    same = Decision.objects.active().filter(image=image, other=other).exclude(pk=row.pk)
    return (same if row.kind in PAIRS else same.filter(kind=row.kind)).exists()
