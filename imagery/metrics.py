"""Figures of the rows for /metrics: jobs, links, collections, processes, queues.

Workers and collectors have no server of their own: what they did is on their rows. A scrape
costs a few indexed queries, and is told again for HELD_S however many ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic

from django.db import DatabaseError
from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config import queues
from imagery.models import Collection, Gap, Import, Job, Link, Minute, Post, Process, Stage

HELD_S = 10
HOUR = timedelta(hours=1)
Labels = tuple[str, str]
RECENT_JOBS = 20_000  # the latest, by id: no index is kept of when jobs ended


class Rows(Collector):
    """Collects all of the below; a database out of reach is a figure too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = 0.0
        self._held: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if monotonic() >= self._until:
                self._held = _all()
                self._until = monotonic() + HELD_S
            found = self._held
        yield from found

    def look_again(self) -> None:
        """Forget what was found."""
        self._until = 0.0


def _all() -> list[Metric]:
    up = GaugeMetricFamily("afterimage_up", "Whether it answers", labels=("part",))
    found: list[Metric] = [up]
    try:
        now = timezone.now()
        found += [*_jobs(now), *_links(now), *_collections(now), _processes()]
        up.add_metric(("database",), 1)
    except DatabaseError:
        up.add_metric(("database",), 0)
    try:
        found.append(_queues())
        up.add_metric(("broker",), 1)
    except queues.Unreachable:
        up.add_metric(("broker",), 0)
    return found


# Jobs ----------------------------------------------------------------------------------------


def _jobs(now: datetime) -> Iterator[Metric]:
    active = GaugeMetricFamily("afterimage_jobs", "Jobs by state", labels=("stage", "state"))
    held = dict.fromkeys(
        ((stage, state) for stage in Stage.values for state in ("queued", "running")), 0
    )
    counted = Job.objects.active().order_by().values_list("stage", "state").annotate(n=Count("pk"))
    for stage, state, n in counted:
        held[stage, state] = n
    for labels, n in held.items():
        active.add_metric(labels, n)
    imports = GaugeMetricFamily("afterimage_imports", "Not done yet", labels=("state",))
    states = Import.objects.unfinished().order_by().values_list("state").annotate(n=Count("pk"))
    for state, n in ({"queued": 0, "running": 0} | dict(states)).items():
        imports.add_metric((state,), n)
    yield from (active, imports, *_ended(now))


def _ended(now: datetime) -> Iterator[Metric]:
    """Jobs of the last hour: how many, how long they waited and worked, what they did."""
    ended = GaugeMetricFamily(
        "afterimage_jobs_ended_last_hour", "Jobs that ended", labels=("stage", "state")
    )
    spent = GaugeMetricFamily(
        "afterimage_job_seconds_last_hour", "Their seconds, in all", labels=("stage", "part")
    )
    items = GaugeMetricFamily(
        "afterimage_job_items_last_hour", "Rows they went through", labels=("stage", "outcome")
    )
    n: defaultdict[Labels, float] = defaultdict(float)
    sums: defaultdict[Labels, float] = defaultdict(float)
    done: defaultdict[Labels, float] = defaultdict(float)
    top = Job.objects.aggregate(top=Max("pk"))["top"] or 0
    recent = Job.objects.filter(pk__gt=top - RECENT_JOBS, finished_at__gt=now - HOUR)
    fields = ("stage", "state", "created_at", "started_at", "finished_at", "n_done", "n_failed")
    for stage, state, created, started, finished, n_done, n_failed in recent.values_list(*fields):
        began = started or finished
        n[stage, state] += 1
        sums[stage, "waiting"] += (began - created).total_seconds()
        sums[stage, "working"] += (finished - began).total_seconds()
        done[stage, "done"] += n_done - n_failed
        done[stage, "failed"] += n_failed
    for family, values in ((ended, n), (spent, sums), (items, done)):
        for labels, value in sorted(values.items()):
            family.add_metric(labels, value)
        yield family


# Links ---------------------------------------------------------------------------------------


def _links(now: datetime) -> Iterator[Metric]:
    family = GaugeMetricFamily("afterimage_links", "Links without a file", labels=("state",))
    states = (Link.State.WAITING, Link.State.FAILED, Link.State.SHED)
    for state in states:  # each an index of its own
        family.add_metric((state,), Link.objects.filter(state=state).count())
    yield family
    oldest = oldest_waiting_at(Link.objects.to_fetch())
    yield GaugeMetricFamily(
        "afterimage_oldest_waiting_seconds",
        "How long the oldest link that waits has waited",
        value=(now - oldest).total_seconds() if oldest else 0,
    )


def oldest_waiting_at(links: QuerySet[Link]) -> datetime | None:
    """When the oldest of the links came in; None where there are none, or nothing tells.

    Reads the first link of each event, and the posts that carry it.
    """
    first = links.order_by().values_list("event").annotate(first=Min("pk"))
    ids = [pk for _, pk in first]
    posts = Post.objects.filter(links__in=ids)
    stored = posts.aggregate(at=Min("stored_at"))["at"]
    imported = Import.objects.filter(posts__in=posts, posts__stored_at=None)
    times = (stored, imported.aggregate(at=Min("created_at"))["at"])
    return min((at for at in times if at), default=None)


# Collections ---------------------------------------------------------------------------------


def _collections(now: datetime) -> Iterator[Metric]:
    states = GaugeMetricFamily("afterimage_collections", "Live collections", labels=("state",))
    counted = dict(Collection.objects.order_by().values_list("state").annotate(n=Count("pk")))
    for state in Collection.State.values:
        states.add_metric((state,), counted.get(state, 0))
    yield states
    labels = ("event", "collection", "source")
    connected = GaugeMetricFamily("afterimage_collection_connected", "1: connected", labels=labels)
    lag = GaugeMetricFamily(
        "afterimage_collection_lag_seconds", "Source's time to rows, latest minute", labels=labels
    )
    silent = GaugeMetricFamily(
        "afterimage_collection_silent_seconds", "Since anything was heard", labels=labels
    )
    posts = CounterMetricFamily("afterimage_collection_posts", "Posts", labels=(*labels, "outcome"))
    on = list(Collection.objects.on().select_related("event"))
    for row in on:
        names = (row.event.slug, str(row.pk), row.source)
        connected.add_metric(names, row.connected_at is not None)
        latest = Minute.objects.filter(collection=row).order_by("-at").first()
        if latest is not None:
            lag.add_metric(names, latest.lag_s)
        if row.heard_at is not None:
            silent.add_metric(names, (now - row.heard_at).total_seconds())
        for outcome, n in (("seen", row.n_seen), ("kept", row.n_kept), ("new", row.n_new)):
            posts.add_metric((*names, outcome), n)
    yield from (connected, lag, silent, posts)
    gaps = GaugeMetricFamily("afterimage_gaps", "Gaps of collections", labels=("state",))
    found = dict(Gap.objects.order_by().values_list("state").annotate(n=Count("pk")))
    for state in Gap.State.values:
        gaps.add_metric((state,), found.get(state, 0))
    yield gaps


# Processes and queues ------------------------------------------------------------------------


def _processes() -> Metric:
    family = GaugeMetricFamily("afterimage_processes", "Alive, by kind", labels=("kind",))
    alive = Process.objects.alive().order_by().values_list("kind").annotate(n=Count("pk"))
    for kind, n in (dict.fromkeys(Process.Kind.values, 0) | dict(alive)).items():
        family.add_metric((kind,), n)
    return family


def _queues() -> Metric:
    family = GaugeMetricFamily("afterimage_queue_messages", "Messages that wait", labels=("queue",))
    for name, n in queues.lengths().items():
        family.add_metric((name,), n)
    return family
