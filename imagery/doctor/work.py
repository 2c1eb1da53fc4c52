"""The work: who is at it, what is stuck, what nobody lets go of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from imagery import collecting, pipeline, readiness
from imagery.doctor import Finding, bad, doubt, good
from imagery.models import Collection, Event, Gap, Import, Job, Link, Process, Purge

STUCK = timedelta(minutes=5)
KEEPS = timedelta(days=2)  # after which a daily purge should have come


def look() -> Iterator[Finding]:
    if readiness.waiting_migrations():
        return
    yield from processes()
    yield jobs()
    yield imports()
    yield leases()
    yield from collections()
    yield failures()
    yield from purges()


def processes() -> Iterator[Finding]:
    alive = list(Process.objects.alive())
    workers = [one for one in alive if one.kind == Process.Kind.WORKER]
    if not workers:
        start = "manage.py run" if settings.EMBEDDED else "docker/entry worker"
        yield bad("workers", "none is at work: jobs wait", f"start one: {start}")
    else:
        taken = {queue for one in workers for queue in one.queues}
        missing = [name for name in settings.QUEUES if taken and name not in taken]
        said = ", ".join(one.name for one in workers[:6])
        if missing:
            yield bad("workers", f"none takes {', '.join(missing)}", "set WORKER_QUEUES of one")
        else:
            yield good("workers", f"{len(workers)}: {said}")
    clocks = [one for one in alive if one.kind == Process.Kind.BEAT]
    if not settings.EMBEDDED and not clocks:
        yield bad("clock of jobs", "none is at work: nothing is taken up again",
                  "start one: docker/entry beat")  # fmt: skip
    versions = {one.version for one in alive} - {settings.VERSION, ""}
    if versions:
        yield doubt("versions", f"processes of {', '.join(sorted(versions))} are at work beside "
                    f"{settings.VERSION}", "start them anew")  # fmt: skip
    gone = Process.objects.count() - len(alive)
    if gone:
        yield doubt("processes", f"{gone} ended without saying so", "look into their logs")


def jobs() -> Finding:
    silent = timezone.now() - STUCK
    stuck = Job.objects.active().filter(
        Q(beat_at__lt=silent) | Q(beat_at=None, created_at__lt=silent)
    )
    active, n = Job.objects.active().count(), stuck.count()
    if n:
        slugs = ", ".join(stuck.values_list("event__slug", flat=True)[:5])
        return bad("jobs", f"{n} give no sign of life ({slugs})",
                   f"workers take them up after {pipeline.SILENT_S} s: start some")  # fmt: skip
    return good("jobs", f"{active} queued or running")


def imports() -> Finding:
    silent = timezone.now() - STUCK
    stuck = Import.objects.unfinished().filter(
        Q(updated_at__lt=silent) | Q(updated_at=None, created_at__lt=silent)
    )
    if n := stuck.count():
        return bad("imports", f"{n} wait for longer than 5 minutes", "start a worker for organise")
    return good("imports", f"{Import.objects.unfinished().count()} queued or running")


def leases() -> Finding:
    """A lease ends by itself within a minute; one far in the future was made by a wrong clock."""
    now = timezone.now()
    held = Event.objects.filter(locked_until__gt=now)
    odd = held.filter(locked_until__gt=now + timedelta(minutes=5))
    if n := odd.count():
        slugs = ", ".join(odd.values_list("slug", flat=True)[:5])
        return bad("leases", f"{n} end in more than 5 minutes ({slugs}): a clock was wrong",
                   "set the clocks right, then wait, or start the only worker anew")  # fmt: skip
    return good("leases", f"{held.count()} events are being written")


def collections() -> Iterator[Finding]:
    on = Collection.objects.on()
    if not on.exists():
        return
    collectors = Process.objects.alive().filter(kind=Process.Kind.COLLECTOR)
    if collecting.to_hold().exists() and not collectors.exists():
        yield bad("collectors", "none is at work: nothing is collected",
                  "start one: docker/entry collector, or manage.py run")  # fmt: skip
    else:
        yield good("collectors", f"{collectors.count()} for {on.count()} collections")
    failing = [f"{row.name}: {row.error}" for row in on.filter(n_tries__gt=3)[:3]]
    if failing:
        yield doubt("collections", "; ".join(failing), "see their pages")
    if n := Gap.objects.filter(state=Gap.State.OPEN).count():
        yield doubt("gaps", f"{n} are to be refilled", "see the collections' pages")


def failures() -> Finding:
    waiting = Link.objects.to_fetch().count()
    since = timezone.now() - timedelta(days=1)
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__gt=since)
    if n := failed.count():
        last = failed.order_by("-pk").first()
        return doubt("failures", f"{n} jobs failed within a day: {last.message[:120]}",  # type: ignore[union-attr]
                     "retry them on the event's jobs page")  # fmt: skip
    return good("failures", f"no job failed within a day; {waiting} links wait to be fetched")


def purges() -> Iterator[Finding]:
    begun = timezone.now() - KEEPS
    left = Purge.objects.filter(finished_at=None, begun_at__lt=begun)
    if n := left.count():
        yield doubt("purges", f"{n} are not finished after two days", "start a worker and a clock")
