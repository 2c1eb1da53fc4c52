"""What waits at each stage, since when, and whose work comes before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, Q, QuerySet

from imagery.metrics import oldest_waiting_at
from imagery.models import Event, Image, Job, Link, Stage
from imagery.version_marks import WAITING


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows that a stage has still to do. oldest_at: since when the oldest waits, where known."""

    n: int
    oldest_at: datetime | None = None


def of_stages(event: Event) -> dict[Stage, Backlog]:
    """Links to fetch, files to look at, files whose versions are to be sought. From indexes."""
    links = event.links.to_fetch()
    n_links = links.count()
    unseen = event.images.unseen().filter(failed_at=None)
    return {
        Stage.FETCH: Backlog(n_links, oldest_waiting_at(links) if n_links else None),
        Stage.LOOK: _images(unseen, "created_at"),
        Stage.VERSIONS: _images(_unsought(event), "looked_at"),
    }


def _images(images: QuerySet[Image], since: str) -> Backlog:
    n = images.count()
    if not n:
        return Backlog(0)
    first = images.aggregate(first=Min("pk"))["first"]
    return Backlog(n, Image.objects.filter(pk=first).values_list(since, flat=True).first())


def _unsought(event: Event) -> QuerySet[Image]:
    if event.copies != "versions":
        return event.images.none()
    waiting = Q(versions_by="") | Q(versions_by__startswith=WAITING)
    return event.images.filter(waiting, failed_at=None).exclude(embedder="")


def n_shed(event: Event) -> int:
    """Links put aside because more waited than the event allows."""
    return event.links.filter(state=Link.State.SHED).count()


@dataclass(frozen=True, slots=True)
class Before:
    """A pass of another event that was asked for earlier and goes on."""

    event_id: int
    slug: str  # empty where the person may not see the event
    name: str
    stage: str
    state: str


@dataclass(frozen=True, slots=True)
class Place:
    before: list[Before]

    @property
    def named(self) -> list[Before]:
        return [other for other in self.before if other.slug]

    @property
    def n_unnamed(self) -> int:
        return len(self.before) - len(self.named)


def place(job: Job, visible: QuerySet[Event]) -> Place:
    """Passes before a waiting job: their jobs were sent earlier and are not done. Two queries."""
    others = Job.objects.active().filter(pk__lt=job.pk).exclude(event=job.event_id).order_by("pk")
    rows = list(others.values_list("event_id", "stage", "state"))
    names = {
        pk: (slug, name)
        for pk, slug, name in visible.filter(pk__in=[row[0] for row in rows]).values_list(
            "pk", "slug", "name"
        )
    }
    return Place(
        [
            Before(pk, *names.get(pk, ("", "")), Stage(stage).label, state)
            for pk, stage, state in rows
        ]
    )
