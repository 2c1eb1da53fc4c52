"""Events as their list shows them: a mosaic of the most posted pictures, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from imagery.core.treemap import treemap
from imagery.models import Event, Import, Job, Stage, UniqueImage
from imagery.pictures import Card, card, for_cards

TILES = 6
RATIO = 3 / 2
LEAST_TILE = 0.08


@dataclass(frozen=True, slots=True)
class Tile:
    card: Card
    style: str  # custom properties: place and size in per cent


@dataclass(frozen=True, slots=True)
class EventCard:
    event: Event
    tiles: list[Tile]
    state: str  # "running", "queued", "failed", "done" or "" where nothing was ever run
    words: str


def with_state(events: QuerySet[Event]) -> QuerySet[Event]:
    """Adds the latest job's stage, state and counts, and whether an import is unfinished."""
    latest = Job.objects.filter(event=OuterRef("pk")).order_by("-id")
    unfinished = Import.objects.unfinished().filter(event=OuterRef("pk"))
    return events.annotate(
        job_stage=Subquery(latest.values("stage")[:1]),
        job_state=Subquery(latest.values("state")[:1]),
        job_done=Subquery(latest.values("n_done")[:1]),
        job_total=Subquery(latest.values("n_total")[:1]),
        importing=Subquery(unfinished.values("filename")[:1]),
    )


def event_cards(events: Sequence[Event]) -> list[EventCard]:
    """Cards of events read by `with_state`; one query for all their pictures."""
    rows = for_cards(
        UniqueImage.objects.filter(event__in=events, rank__gt=0, rank__lte=TILES)
    ).order_by("rank", "id")
    found: dict[int, list[UniqueImage]] = {}
    for row in rows:
        found.setdefault(row.event_id, []).append(row)
    return [
        EventCard(event, mosaic(event, found.get(event.pk, [])[:TILES]), *state_of(event))
        for event in events
    ]


def mosaic(event: Event, rows: list[UniqueImage]) -> list[Tile]:
    """The pictures with areas in proportion to their posts."""
    rects = treemap([max(1, row.n_posts) for row in rows], RATIO, LEAST_TILE)
    return [
        Tile(
            card(event, row),
            f"--x:{100 * r.x:.2f}%;--y:{100 * r.y:.2f}%;--w:{100 * r.w:.2f}%;--h:{100 * r.h:.2f}%",
        )
        for row, r in zip(rows, rects, strict=True)
    ]


def state_of(event: Event) -> tuple[str, str]:
    """State and words for an event read by `with_state`."""
    job_state = event.job_state  # type: ignore[attr-defined]
    if event.importing:  # type: ignore[attr-defined]
        return "running", f"Importing {event.importing}"  # type: ignore[attr-defined]
    if job_state in (Job.State.QUEUED, Job.State.RUNNING):
        label = Stage(event.job_stage).label  # type: ignore[attr-defined]
        done, total = event.job_done, event.job_total  # type: ignore[attr-defined]
        return "running", f"{label}, {done / total:.0%}" if total else label
    if job_state == Job.State.FAILED:
        return "failed", f"Stopped: {Stage(event.job_stage).label.lower()}"  # type: ignore[attr-defined]
    if event.organised_at:
        return "done", "Organised"
    return "", "Not organised yet" if event.n_posts else "Waiting for posts"
