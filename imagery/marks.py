"""What people said of whole pictures: moved out of its group, and the name of its group."""

from __future__ import annotations

from imagery.models import Decision, Event, UniqueImage
from imagery.writing import update_rows

Marks = tuple[bool, str]
NONE: Marks = (False, "")


def apply(event: Event) -> int:
    """Put the active decisions onto the unique images their files are in now.

    Cheap: it reads and writes none but those that have a mark, or are to have one. Returns how
    many changed.
    """
    wanted: dict[int, Marks] = {}
    decisions = (
        Decision.objects.active()
        .filter(event=event, kind__in=(Decision.Kind.APART, Decision.Kind.NAME))
        .exclude(image__unique=None)
        .order_by("pk")
        .values_list("kind", "image__unique_id", "text")
    )
    for kind, pk, text in decisions:
        apart, name = wanted.get(pk, NONE)
        wanted[pk] = (True, name) if kind == Decision.Kind.APART else (apart, text)
    rows = event.unique_images
    marked = rows.filter(apart=True).union(rows.exclude(name=""))
    held = {pk: (apart, name) for pk, apart, name in marked.values_list("pk", "apart", "name")}
    changed = [
        UniqueImage(pk=pk, apart=wanted.get(pk, NONE)[0], name=wanted.get(pk, NONE)[1])
        for pk in {*wanted, *held}
        if wanted.get(pk, NONE) != held.get(pk, NONE)
    ]
    return update_rows(changed, ["apart", "name"])
