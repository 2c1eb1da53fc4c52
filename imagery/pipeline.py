"""The stages in their order, as jobs: fetch → look → versions → dedup → group → rollup.

A pass over an event is a chain of Job rows, one active at a time; `imagery.passes` says which
stage follows which, and what a quick pass leaves to a later one. A stage's work is pending
rows; messages only say "look again". So any process may be killed at any point: `resume`
finds the job whose heartbeat stopped and sends its pending rows out anew.

fetch, look and versions are spread: `spread` sends out chunks of ids, each counted when done; the
chunk that completes the count starts the next stage. dedup, group and rollup have one writer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from config import logs
from imagery import (
    dedup,
    fetch,
    grouping,
    known,
    locks,
    look,
    passes,
    retention,
    rollup,
    text_index,
    versions,
)
from imagery import ingest as ingest_posts
from imagery.models import Event, Import, Job, Stage

log = logging.getLogger(__name__)

CHUNK = {Stage.FETCH: 256, Stage.LOOK: 128, Stage.VERSIONS: 128}
SMALLEST = 8  # rows of a chunk, where there is less to do than chunks for all processes
PROCESSES = 4  # among which little work is divided
WINDOW = 200  # chunks sent out at once
PATIENCE_S = 3.0  # for which a quick pass waits for links
WINDOW_LIVE = 4  # so many where newer posts wait for them
SILENT_S = 45  # a running job without a sign of life for this long is taken up again
IMPORT_QUIET_S = 10
FORGOTTEN_AFTER = timedelta(days=14)
REMEMBERED = 500  # an event's latest jobs, however old: quick passes make thousands a day
ORDER = passes.WHOLE
State = Job.State


class Stopped(Exception):
    """The job was cancelled, or its message is of an earlier round."""


# Starting ------------------------------------------------------------------------------------


def start(event_id: int, at: Stage = Stage.FETCH, quick: bool = False) -> Job:
    """Begin a pass over the event with that stage; returns the job.

    quick: new posts are to be on the pages soon; versions and groups follow (see imagery.passes).

    If a pass is under way that has not come to the stage yet, that one will do; if it has, another
    follows it: a quick one where the event is live, else whole.
    """
    try:
        with transaction.atomic():
            quick = quick and at in passes.QUICK
            job = Job.objects.create(event_id=event_id, stage=at, quick=quick)
            _send(job)
            return job
    except IntegrityError:
        active = Job.objects.active().filter(event_id=event_id)
        before = ORDER[: ORDER.index(at)]
        not_begun = Q(stage__in=before) | Q(stage=at, state=State.QUEUED)
        active.exclude(not_begun).update(again=True)
        found = active.first()
        return found or start(event_id, at, quick)


def cancel(event_id: int) -> int:
    """Stop the event's pass after what is in hand; what is done stays. Returns jobs stopped."""
    return (
        Job.objects.active()
        .filter(event_id=event_id)
        .update(state=State.CANCELLED, finished_at=timezone.now(), again=False)
    )


def retry(event_id: int, link_ids: Iterable[int] | None = None, kind: str | None = None) -> int:
    """Let failed links wait again and start a pass. Returns how many."""
    n = fetch.retry(event_id, link_ids, kind)
    if n:
        start(event_id)
    return n


def resume() -> int:
    """Take up jobs and imports whose worker died. Returns how many were sent again."""
    return _resume(timezone.now() - timedelta(seconds=SILENT_S))


def resume_all() -> int:
    """Take up everything unfinished: for the start of the only worker there is."""
    locks.release_all()
    return _resume(timezone.now() + timedelta(seconds=1))


def _resume(silent_since: datetime) -> int:
    from imagery import tasks

    n = 0
    for job in Job.objects.active().filter(_unheard("beat_at", silent_since)):
        log.info("taking up %s of event %s again", job.stage, job.event_id)
        _send(job)
        n += 1
    # A command may be reading an import this very moment: it tells so every second or so.
    quiet_since = min(silent_since, timezone.now() - timedelta(seconds=IMPORT_QUIET_S))
    for row in Import.objects.unfinished().filter(_unheard("updated_at", quiet_since)):
        tasks.import_file.delay_on_commit(row.pk)
        n += 1
    for event in passes.stranded():
        start(event.pk, quick=True)
        n += 1
    return n


def forget_jobs() -> int:
    """Delete jobs that ended long ago, each event's latest aside. Returns how many."""
    before, n = timezone.now() - FORGOTTEN_AFTER, 0
    for event in Event.objects.filter(jobs__finished_at__lt=before).distinct():
        older = event.jobs.order_by("-pk").values_list("pk", flat=True)[REMEMBERED:]
        if last := older.first():
            ended = event.jobs.filter(pk__lte=last, finished_at__lt=before)
            n += ended.exclude(state__in=(State.QUEUED, State.RUNNING)).delete()[0]
    return n


def _unheard(sign: str, since: datetime) -> Q:
    """Rows whose last sign of life is older, or so far ahead that only a set clock explains it."""
    ahead = timezone.now() + timedelta(seconds=SILENT_S)
    never = Q(**{sign: None}, created_at__lt=since)
    return Q(**{f"{sign}__lt": since}) | Q(**{f"{sign}__gt": ahead}) | never


def _send(job: Job) -> None:
    """Send the job's message, voiding older ones."""
    from imagery import tasks

    Job.objects.filter(pk=job.pk).update(round=F("round") + 1, beat_at=timezone.now())
    job.refresh_from_db(fields=["round"])
    tasks.run_job.delay_on_commit(job.pk, job.round)


# Running -------------------------------------------------------------------------------------


def run(job_id: int, round: int) -> None:
    """Do a job's stage, or send out its chunks. A void or finished job is left alone."""
    job = _take(job_id, round)
    if job is None:
        return
    event = job.event
    tags = logs.tagged(event=job.event_id, stage=job.stage)
    with tags, locks.beating(lambda: beat(job_id)):
        try:
            if job.stage in CHUNK:
                _spread(job, event)
            else:
                with locks.one_writer(event.pk):
                    _work(job, event)
                finish(job_id, round)
        except locks.Busy:
            log.info("event %s is busy; the job is taken up later", event.pk)
        except Exception as error:  # a job's end must be on its row, whatever it was
            if not _excused(job, error):
                fail(job, error)
                raise


def _take(job_id: int, round: int) -> Job | None:
    now = timezone.now()
    taken = (
        Job.objects.active().filter(pk=job_id, round=round).update(state=State.RUNNING, beat_at=now)
    )
    if not taken:
        return None
    Job.objects.filter(pk=job_id, started_at=None).update(started_at=now)
    return Job.objects.select_related("event").get(pk=job_id)


def _work(job: Job, event: Event) -> None:
    work: dict[str, Callable[[Event], object]] = {
        Stage.DEDUP: dedup.run,
        Stage.GROUP: grouping.run,
        Stage.ROLLUP: rollup.run,
    }
    if job.stage == Stage.DEDUP:
        retention.drop_images(event)
    n = event.images.seen().count() if job.stage == Stage.DEDUP else event.unique_images.count()
    Job.objects.filter(pk=job.pk).update(n_total=n)
    if job.stage == Stage.ROLLUP:
        known.run(event)
        text_index.catch_up()
    work[job.stage](event)
    Job.objects.filter(pk=job.pk).update(n_done=n)


def pending(event: Event, stage: str) -> list[int]:
    """Ids of rows the spread stage has still to do, in their order."""
    if stage == Stage.FETCH:
        return list(event.links.to_fetch().order_by("pk").values_list("pk", flat=True))
    if stage == Stage.VERSIONS:
        return versions.pending(event)
    return list(event.images.to_look(event.embedder).order_by("pk").values_list("pk", flat=True))


def _wants_embedder(event: Event) -> bool:
    """Whether to load a network: not where every image was seen with the chosen one."""
    settled = event.embedder.startswith(f"{event.backbone}@")
    images = event.images.to_look(event.embedder) if settled else event.images
    return images.exists()


def _spread(job: Job, event: Event) -> None:
    from imagery import tasks

    if job.stage == Stage.LOOK and _wants_embedder(event):
        look.choose_embedder(event)
    if job.stage == Stage.FETCH:
        fetch.shed(event)
    ids = [] if _may_end(job) else pending(event, job.stage)
    if not ids:
        if job.stage == Stage.VERSIONS:
            versions.settle(event)
        finish(job.pk, job.round)
        return
    chunks = _chunks(job, ids)
    n_sent = sum(map(len, chunks))
    if job.quick and n_sent < len(ids):
        Job.objects.filter(pk=job.pk).update(again=True)
    # What earlier rounds did stays counted; what is pending now is what is left.
    Job.objects.filter(pk=job.pk, round=job.round).update(
        n_total=F("n_done") + len(ids), n_sent=F("n_done") + n_sent
    )
    for chunk in chunks:
        tasks.send_chunk(job.stage, job.pk, job.round, chunk)


def _may_end(job: Job) -> bool:
    """Whether a job whose chunks are done may leave the rest to a later pass: what a quick pass
    did not get in time, and versions where new posts wait."""
    if not job.n_done or job.n_sent:
        return False
    if job.stage == Stage.FETCH:
        return job.quick
    return job.stage == Stage.VERSIONS and job.again and passes.is_live(job.event_id)


def _chunks(job: Job, ids: list[int]) -> list[list[int]]:
    """The ids to send out now: in chunks for every process, at most a window of them."""
    size = min(CHUNK[Stage(job.stage)], max(SMALLEST, -(-len(ids) // PROCESSES)))
    hurry = job.quick or (job.stage == Stage.VERSIONS and passes.is_live(job.event_id))
    window = ids[: size * (WINDOW_LIVE if hurry else WINDOW)]
    return [window[begin : begin + size] for begin in range(0, len(window), size)]


def run_chunk(job_id: int, round: int, ids: list[int]) -> None:
    """One chunk of a spread stage; the last one of the window moves the job on."""
    job = Job.objects.active().filter(pk=job_id, round=round).select_related("event").first()
    if job is None:
        return

    def progress(n_done: int, n_failed: int) -> None:
        counted = (
            Job.objects.active()
            .filter(pk=job_id, round=round)
            .update(
                n_done=F("n_done") + n_done,
                n_failed=F("n_failed") + n_failed,
                beat_at=timezone.now(),
            )
        )
        if not counted:
            raise Stopped

    tags = logs.tagged(event=job.event_id, stage=job.stage)
    with tags, locks.beating(lambda: beat(job_id)):
        try:
            if job.stage == Stage.FETCH:
                _fetch(job, ids, progress)
            elif job.stage == Stage.LOOK:
                look.look(job.event, ids, progress)
            else:
                versions.run(job.event, ids, progress)
        except Stopped:
            return
        except Exception as error:  # see run
            if not _excused(job, error):
                fail(job, error)
                raise
            return
    _move_on(job_id, round)


def _fetch(job: Job, ids: list[int], progress: Callable[[int, int], None]) -> None:
    """A chunk of links. A quick pass does not wait for slow hosts: theirs begin another."""
    links = list(job.event.links.to_fetch().filter(pk__in=ids).select_related("source"))
    if job.quick:
        n_left = fetch.fetch(links, progress, PATIENCE_S, lambda pk: start(pk, quick=True))
    else:
        n_left = fetch.fetch(links, progress)
    # Counted, or the chunk would not be done: also what a straggler brought meanwhile.
    if missing := len(ids) - len(links) + n_left:
        progress(missing, 0)


def _move_on(job_id: int, round: int) -> None:
    """When the window's count is complete, send the job again: it finds more, or finishes."""
    whole = Q(n_sent__gt=0, n_done__gte=F("n_sent"))
    # Only one of the chunks that see the full count wins this update.
    if Job.objects.active().filter(whole, pk=job_id, round=round).update(n_sent=0):
        _send(Job.objects.get(pk=job_id))


def beat(job_id: int) -> None:
    Job.objects.active().filter(pk=job_id).update(beat_at=timezone.now())


def finish(job_id: int, round: int) -> None:
    """Close the job and begin the next stage, or the pass that was asked for meanwhile."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if not job.is_active or job.round != round:
            return
        job.state, job.finished_at = State.DONE, timezone.now()
        job.save(update_fields=["state", "finished_at"])
        then = passes.following(job)
        if then is not None:
            _send(
                Job.objects.create(
                    event_id=job.event_id, stage=then.stage, quick=then.quick, again=then.again
                )
            )


def _excused(job: Job, error: Exception) -> bool:
    """Whether the job did not fail by itself: its event was deleted, or database or broker is out.

    One out of reach (locked for long, full, restarted) leaves the job on its row as it
    is; it is taken up again when it has been silent for long enough.
    """
    if isinstance(error, OperationalError | InterfaceError | BrokerError):
        log.warning("%s of event %s is taken up again later: %s", job.stage, job.event_id, error)
        return True
    return not Event.objects.filter(pk=job.event_id).exists()


def fail(job: Job, error: Exception) -> None:
    """Close the job with what went wrong; a pass that was asked for meanwhile begins."""
    failed = (
        Job.objects.active()
        .filter(pk=job.pk)
        .update(
            state=State.FAILED,
            finished_at=timezone.now(),
            message=f"{type(error).__name__}: {error}"[:500],
        )
    )
    if failed and Job.objects.filter(pk=job.pk, again=True).exists():
        start(job.event_id, quick=job.quick or passes.is_live(job.event_id))


# Imports -------------------------------------------------------------------------------------


def take_import(import_id: int) -> None:
    """Read an import that waits, or whose reader is silent; one being read is left alone."""
    now = timezone.now()
    quiet = Q(updated_at__lt=now - timedelta(seconds=IMPORT_QUIET_S)) | Q(updated_at=None)
    free = Q(state=Import.State.QUEUED) | (Q(state=Import.State.RUNNING) & quiet)
    taken = Import.objects.filter(free, pk=import_id).update(
        state=Import.State.RUNNING, updated_at=now
    )
    if taken:
        import_and_process(import_id)


def import_and_process(import_id: int, progress: Callable[[Import], None] | None = None) -> Import:
    """Read an import's file, then start a pass over its event."""

    def process(row: Import) -> None:
        rollup.quick_counts(row.event)
        start(row.event_id)

    found = Import.objects.select_related("event").get(pk=import_id)
    return ingest_posts.run(found, progress, then=process)


def is_idle(event_id: int | None = None) -> bool:
    """Whether no job or import (of the event) is queued or running."""
    jobs, imports = Job.objects.active(), Import.objects.unfinished()
    if event_id is not None:
        jobs, imports = jobs.filter(event_id=event_id), imports.filter(event_id=event_id)
    return not jobs.exists() and not imports.exists()
