"""How long stages wait and work, and what they got through: told by the latest jobs and rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from imagery.core import sparkline
from imagery.models import Event, Job, Link, PostLink, Stage

RECENT_JOBS = 3000  # read at most, the latest
PASSES = 100  # of each stage, whose times are told
SAMPLED_LINKS = 300
MINUTES = 60
WIDTH, HEIGHT = 300.0, 40.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: half took at most p50, 95 of 100 at most p95; of n measured."""

    n: int
    p50: float
    p95: float


def spread(seconds: Sequence[float]) -> Spread | None:
    """Nearest-rank percentiles; None of nothing. What a set clock made negative counts as 0."""
    if not seconds:
        return None
    at = np.sort(np.maximum(np.asarray(seconds, np.float64), 0.0))
    rank = lambda share: float(at[max(0, int(np.ceil(share * len(at))) - 1)])  # noqa: E731
    return Spread(len(at), rank(0.5), rank(0.95))


@dataclass(frozen=True, slots=True)
class StagePace:
    waited: Spread | None  # from being sent to being taken up
    worked: Spread | None

    @property
    def both(self) -> tuple[Spread | None, Spread | None]:
        return self.waited, self.worked


@dataclass(frozen=True, slots=True)
class Hour:
    """What a stage got through in each minute of the last hour, the last one not over."""

    per_minute: list[int]
    path: str

    @property
    def total(self) -> int:
        return sum(self.per_minute)

    @property
    def peak(self) -> int:
        return max(self.per_minute)

    @property
    def latest(self) -> int:
        """In the last ten full minutes."""
        return sum(self.per_minute[-11:-1])


@dataclass(frozen=True, slots=True)
class Done:
    """One job, as its times tell."""

    stage: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    n_done: int


def recent(event: Event) -> list[Done]:
    """Jobs of the event, the latest first. One query."""
    names = ("stage", "state", "created_at", "started_at", "finished_at", "n_done")
    rows = Job.objects.filter(event=event).order_by("-pk").values_list(*names)[:RECENT_JOBS]
    return [Done(*row) for row in rows]


def of_stages(jobs: Iterable[Done]) -> dict[Stage, StagePace]:
    waited: dict[str, list[float]] = defaultdict(list)
    worked: dict[str, list[float]] = defaultdict(list)
    for job in jobs:
        if job.started_at is None or len(worked[job.stage]) >= PASSES:
            continue
        waited[job.stage].append((job.started_at - job.created_at).total_seconds())
        if job.finished_at is not None and job.state == Job.State.DONE:
            worked[job.stage].append((job.finished_at - job.started_at).total_seconds())
    return {stage: StagePace(spread(waited[stage]), spread(worked[stage])) for stage in Stage}


def last_hour(
    jobs: Iterable[Done], stages: Sequence[Stage], now: datetime | None = None
) -> dict[Stage, Hour]:
    """A job's items are spread evenly over the time that it worked."""
    now = now or timezone.now()
    end = int(now.timestamp()) // 60 * 60 + 60
    begin = end - 60 * MINUTES
    sums = {stage: np.zeros(MINUTES) for stage in stages}
    for job in jobs:
        if job.stage not in sums or job.started_at is None or not job.n_done:
            continue
        start, stop = job.started_at.timestamp(), (job.finished_at or now).timestamp()
        if stop >= begin:
            sums[Stage(job.stage)] += job.n_done * _shares(start - begin, stop - begin)
    return {stage: _hour(counts) for stage, counts in sums.items()}


def _shares(start: float, stop: float) -> np.ndarray:
    """Which part of [start, stop], in seconds, lies in each minute: (60,), at most 1 in all."""
    edges = np.arange(MINUTES + 1) * 60.0
    if stop - start < 1e-3:
        inside = (edges[:-1] <= stop) & (stop < edges[1:])
        return inside.astype(np.float64)
    overlap = np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start)
    return np.maximum(overlap, 0.0) / (stop - start)


def _hour(counts: np.ndarray) -> Hour:
    # Rounded as running sums, so that the hour's total is what was done.
    whole = np.diff(np.concatenate([[0], np.round(np.cumsum(counts))])).astype(np.int64)
    return Hour([int(n) for n in whole], sparkline.steps(counts, WIDTH, HEIGHT))


@dataclass(frozen=True, slots=True)
class Latency:
    """Of links fetched last: from their post's row to the file, and from the file to being seen."""

    stored_to_fetched: Spread | None
    fetched_to_looked: Spread | None


def latency(event: Event) -> Latency:
    """Of the links fetched before the first one that waits. Two queries, of bounded rows."""
    fetched = event.links.filter(state=Link.State.FETCHED)
    first = event.links.to_fetch().order_by("pk").values_list("pk", flat=True).first()
    if first is not None:
        fetched = fetched.filter(pk__lt=first)
    stored = PostLink.objects.filter(link=OuterRef("pk")).order_by("pk")
    rows = (
        fetched.order_by("-pk")
        .annotate(stored_at=Subquery(stored.values("post__stored_at")[:1]))
        .values_list("stored_at", "fetched_at", "image__looked_at")[:SAMPLED_LINKS]
    )
    to_fetched, to_looked = [], []
    for stored_at, fetched_at, looked_at in rows:
        if stored_at and fetched_at:
            to_fetched.append((fetched_at - stored_at).total_seconds())
        if fetched_at and looked_at and looked_at >= fetched_at:  # else an older file, seen before
            to_looked.append((looked_at - fetched_at).total_seconds())
    return Latency(spread(to_fetched), spread(to_looked))
