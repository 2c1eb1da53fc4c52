"""Which stage follows which: whole passes, and the quick ones of events that go on.

A quick pass brings what is new onto the pages: fetch → look → dedup → rollup. What it leaves, a
thorough one does later: versions → dedup → group → rollup. That is when nothing new waits, or
when the last thorough pass lies `REST` times its own length back: so thoroughness takes at most
about a third of the time, and is never put off for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from imagery.models import Collection, Event, Job, Link, Stage

WHOLE: list[Stage] = list(Stage)
QUICK = [Stage.FETCH, Stage.LOOK, Stage.DEDUP, Stage.ROLLUP]
REST = 2.0
STRANDED_S = 90  # longer than any fetch takes


@dataclass(frozen=True, slots=True)
class Next:
    """The job that comes next. again: another pass is to follow the one it belongs to."""

    stage: Stage
    quick: bool
    again: bool


def order(quick: bool) -> list[Stage]:
    return QUICK if quick else WHOLE


def following(job: Job) -> Next | None:
    """What comes after a job that is done; None where the event has come to rest."""
    stages = order(job.quick)
    place = stages.index(Stage(job.stage)) + 1
    if place < len(stages):
        return Next(stages[place], job.quick, job.again)
    if job.quick and (not job.again or thorough_is_due(job.event_id)):
        return Next(Stage.VERSIONS, False, job.again)
    if job.again:
        return Next(Stage.FETCH, job.quick or is_live(job.event_id), False)
    return None


def is_live(event_id: int) -> bool:
    """Whether posts of the event are being collected."""
    return Collection.objects.on().filter(event=event_id).exists()


def thorough_is_due(event_id: int) -> bool:
    """Whether the last pass that looked for versions is long enough ago for its length."""
    jobs = Job.objects.filter(event=event_id, quick=False, state=Job.State.DONE).order_by("-pk")
    first = jobs.filter(stage=Stage.VERSIONS).first()
    if first is None or first.started_at is None:
        return True
    last = jobs.filter(stage=Stage.ROLLUP, pk__gt=first.pk).first() or first
    ended = last.finished_at or first.started_at
    return timezone.now() - ended >= REST * (ended - first.started_at)


def stranded() -> QuerySet[Event]:
    """Events at rest whose links wait for a fetch that a worker took with it when it ended."""
    before = timezone.now() - timedelta(seconds=STRANDED_S)
    of_event = Job.objects.filter(event=OuterRef("pk"))
    fetched = of_event.filter(stage=Stage.FETCH).order_by("-pk")
    latest = of_event.order_by("-pk")
    return (
        Event.objects.annotate(
            quick=fetched.values("quick")[:1],
            ended=latest.values("state")[:1],
            ended_at=latest.values("finished_at")[:1],
        )
        .filter(quick=True, ended=Job.State.DONE, ended_at__lt=before)
        .filter(Exists(Link.objects.to_fetch().filter(event=OuterRef("pk"))))
    )
