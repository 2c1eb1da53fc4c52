"""Everything the jobs page and the API tell of an event's work at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from imagery import backlog, collection_figures, pace, progress
from imagery.backlog import Backlog
from imagery.models import Collection, Event, Image, Import, Job, Link, Process, Stage
from imagery.models.processes import SILENT_S
from imagery.pace import Hour, StagePace
from imagery.progress import Progress

SPREAD = (Stage.FETCH, Stage.LOOK, Stage.VERSIONS)
UNHEARD_S = 60
GONE_SHOWN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StageNow:
    """One stage of the way: what it does, what waits for it, how long it takes."""

    stage: Stage
    label: str
    unit: str
    state: str  # running, queued, or that of its last job; "" where it never ran
    progress: Progress | None  # while it runs
    backlog: Backlog | None
    pace: StagePace
    hour: Hour | None


@dataclass(frozen=True, slots=True)
class Work:
    job: Job | None  # the active one
    stages: list[StageNow]
    latency: pace.Latency
    place: backlog.Place | None  # while it waits
    n_failed: int
    n_shed: int

    @property
    def unheard_s(self) -> float | None:
        """How long nobody has taken the job up, though it is its turn; None within a minute.

        A job is a row before it is a message: where the broker is out of reach, it waits so.
        """
        if self.job is None or self.place is None or self.place.before:
            return None
        waited_s = (timezone.now() - self.job.created_at).total_seconds()
        return waited_s if waited_s > UNHEARD_S else None


SHORT = {
    Stage.FETCH: "Fetch",
    Stage.LOOK: "Look",
    Stage.VERSIONS: "Versions",
    Stage.DEDUP: "Copies",
    Stage.GROUP: "Groups",
    Stage.ROLLUP: "Counts",
}


def of_event(event: Event, visible: QuerySet[Event]) -> Work:
    """visible: events whose names the person may read."""
    jobs = pace.recent(event)
    job = Job.objects.active().filter(event=event).first()
    paces, waiting = pace.of_stages(jobs), backlog.of_stages(event)
    hours = pace.last_hour(jobs, SPREAD)
    last: dict[str, str] = {}
    for done in jobs:
        last.setdefault(done.stage, done.state)
    stages = [
        StageNow(
            stage=stage,
            label=SHORT[stage],
            unit=progress.UNITS[stage],
            state=last.get(stage, ""),
            progress=progress.of_job(job) if job is not None and job.stage == stage else None,
            backlog=waiting.get(stage),
            pace=paces[stage],
            hour=hours.get(stage),
        )
        for stage in Stage
    ]
    waits = job is not None and job.state == Job.State.QUEUED
    return Work(
        job=job,
        stages=stages,
        latency=pace.latency(event),
        place=backlog.place(job, visible) if job is not None and waits else None,
        n_failed=event.links.failed().count(),
        n_shed=backlog.n_shed(event),
    )


@dataclass(frozen=True, slots=True)
class AtWork:
    """A process that says, or said within a day, that it is at work."""

    process: Process
    is_alive: bool


def processes() -> list[AtWork]:
    """Those at work first. One query."""
    alive_since = timezone.now() - timedelta(seconds=SILENT_S)
    rows = Process.objects.filter(beat_at__gt=timezone.now() - GONE_SHOWN)
    found = [AtWork(row, row.beat_at > alive_since) for row in rows]
    return sorted(found, key=lambda row: not row.is_alive)


def someone_works(found: Iterable[AtWork]) -> bool:
    return any(row.is_alive and row.process.kind == Process.Kind.WORKER for row in found)


@dataclass(frozen=True, slots=True)
class Live:
    """A collection that is on, and how far its rows lie behind its source."""

    collection: Collection
    standing: collection_figures.Standing
    lag_s: float | None  # None: nothing came of late
    per_minute: float


def collections(events: Iterable[Event]) -> list[Live]:
    """Those that are on. One query where none is, else four."""
    on = list(Collection.objects.on().filter(event__in=list(events)).select_related("event"))
    if not on:
        return []
    attended = collection_figures.attended()
    lags, rates = collection_figures.lags(on), collection_figures.per_minute(on)
    return [
        Live(
            row, collection_figures.standing(row, attended), lags.get(row.pk), rates.get(row.pk, 0)
        )
        for row in on
    ]


@dataclass(frozen=True, slots=True)
class EventWork:
    """One event among all: what it does and what waits there."""

    event: Event
    job: Job | None
    n_before: int  # passes that go first, while its own waits
    n_importing: int
    n_links: int
    n_images: int
    n_failed: int
    n_shed: int
    n_collections: int

    @property
    def is_busy(self) -> bool:
        return self.job is not None or self.n_importing > 0

    @property
    def is_at_rest(self) -> bool:
        waits = self.n_links or self.n_images or self.n_shed or self.n_collections
        return not (self.is_busy or waits)

    @property
    def progress(self) -> Progress | None:
        return progress.of_job(self.job) if self.job is not None else None


def of_events(visible: QuerySet[Event]) -> list[EventWork]:
    """The busy first, in the order in which their passes were asked for. Seven queries."""
    events = list(visible.order_by("-pk"))
    active = list(Job.objects.active().order_by("pk"))
    jobs = {job.event_id: (place, job) for place, job in enumerate(active)}
    of = {"event__in": [event.pk for event in events]}
    importing = _counted(Import.objects.unfinished().filter(**of))
    links = _counted(Link.objects.to_fetch().filter(**of))
    shed = _counted(Link.objects.filter(state=Link.State.SHED, **of))
    images = _counted(Image.objects.unseen().filter(failed_at=None, **of))
    live = _counted(Collection.objects.on().filter(**of))
    rows = []
    for event in events:
        place, job = jobs.get(event.pk, (0, None))
        waits = job is not None and job.state == Job.State.QUEUED
        rows.append(
            EventWork(
                event, job, place if waits else 0, importing.get(event.pk, 0),
                links.get(event.pk, 0), images.get(event.pk, 0), event.n_failed_links,
                shed.get(event.pk, 0), live.get(event.pk, 0),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (not row.is_busy, row.job.pk if row.job else 0))


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("event").annotate(n=Count("pk")))
