"""What an event is busy with right now, as the bar under its header tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from imagery.models import Event, Import, Job, Stage

UNITS = {
    Stage.FETCH: "links",
    Stage.LOOK: "files",
    Stage.VERSIONS: "pictures",
    Stage.DEDUP: "files",
    Stage.GROUP: "pictures",
    Stage.ROLLUP: "pictures",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """One running or waiting piece of work. share is 0…1, None where nothing tells it."""

    label: str
    unit: str
    n_done: int
    n_total: int | None
    share: float | None
    rate: float | None  # of units a second
    left_s: float | None
    waiting: bool


def current(event: Event) -> Progress | None:
    """The active import, else the active job; None when the event is idle. Two queries."""
    imported = Import.objects.unfinished().filter(event=event).order_by("-state", "id").first()
    if imported is not None and imported.state == Import.State.RUNNING:
        return of_import(imported)
    job = Job.objects.filter(event=event).active().first()
    if job is not None:
        return of_job(job)
    return None if imported is None else of_import(imported)


def of_job(job: Job, now: datetime | None = None) -> Progress:
    return Progress(
        label=job.get_stage_display(),
        unit=UNITS[Stage(job.stage)],
        n_done=job.n_done,
        n_total=job.n_total or None,
        share=min(1.0, job.n_done / job.n_total) if job.n_total else None,
        rate=job.rate(now),
        left_s=job.left_s(now) if job.n_total else None,
        waiting=job.state == Job.State.QUEUED,
    )


def of_import(row: Import, now: datetime | None = None) -> Progress:
    """Rows are counted, bytes tell how far: nobody knows a file's rows before its end."""
    share = min(1.0, row.n_bytes_read / row.n_bytes) if row.n_bytes and row.n_bytes_read else None
    rate = left = None
    if row.started_at is not None:
        elapsed = ((row.finished_at or now or timezone.now()) - row.started_at).total_seconds()
        if elapsed > 0.5 and row.n_read:
            rate = row.n_read / elapsed
        if elapsed > 0.5 and share:
            left = elapsed * (1 - share) / share
    return Progress(
        label=f"Importing {row.filename}",
        unit="rows",
        n_done=row.n_read,
        n_total=None,
        share=share,
        rate=rate,
        left_s=left,
        waiting=row.state == Import.State.QUEUED,
    )
