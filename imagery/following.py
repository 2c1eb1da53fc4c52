"""Progress on a terminal: one line per stage, rewritten while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from django.utils import timezone

from imagery import pipeline
from imagery.models import Event, Import, Job


class Follower:
    """Prints what changed since the last look."""

    def __init__(self, event: Event, out: TextIO) -> None:
        self.event = event
        self.out = out
        last = event.jobs.order_by("-id").values_list("pk", flat=True).first()
        active = event.jobs.active().values_list("pk", flat=True).first()
        self.after = (active or (last or 0) + 1) - 1
        self.failed: Job | None = None
        self._open = ""

    def look(self) -> None:
        for job in self.event.jobs.filter(pk__gt=self.after).order_by("id"):
            self._line(job_line(job), done=not job.is_active)
            if not job.is_active:
                self.after = job.pk
            if job.state == Job.State.FAILED:
                self.failed = job

    def _line(self, text: str, done: bool) -> None:
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K{text}" + ("\n" if done else ""))
        elif done:
            self.out.write(text + "\n")
        self.out.flush()


def job_line(job: Job) -> str:
    now = timezone.now()
    parts = [f"{job.get_stage_display():<18}", f"{job.n_done:>9,} of {job.n_total:,}"]
    if rate := job.rate(now):
        parts.append(f"{rate:,.0f}/s")
    if left := job.left_s(now):
        parts.append(f"about {duration(left)} left")
    elif job.finished_at:
        parts.append(f"in {duration(job.elapsed_s())}")
    if job.n_failed:
        parts.append(f"{job.n_failed:,} failed")
    if job.state in (Job.State.FAILED, Job.State.CANCELLED):
        parts.append(f"{job.state}: {job.message}")
    return "  ".join(parts)


def import_line(row: Import) -> str:
    parts = [f"{row.filename}: {row.n_read:,} rows", f"{row.n_new:,} new"]
    for n, word in (
        (row.n_updated, "updated"),
        (row.n_unchanged, "unchanged"),
        (row.n_left_out, "left out by rules"),
        (row.n_bad, "bad"),
    ):
        if n:
            parts.append(f"{n:,} {word}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """ "42 s", "3 min 5 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole or seconds == 0 else f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def until_idle(event: Event, out: TextIO) -> Callable[[], bool]:
    """A function to call now and then: prints progress, and is true when nothing is left."""
    follower = Follower(event, out)

    def look() -> bool:
        idle = pipeline.is_idle(event.pk)
        follower.look()
        return idle

    look.follower = follower  # type: ignore[attr-defined]
    return look


def wait(look: Callable[[], bool], every_s: float = 0.5) -> None:
    while not look():
        time.sleep(every_s)


def summary(event: Event) -> str:
    event.refresh_from_db()
    n_failed = event.n_failed_links
    counts = (
        (event.n_posts, "posts"),
        (event.n_image_posts, "with pictures"),
        (event.n_links, "links"),
        (event.n_images, "files"),
        (event.n_unique, "unique images"),
        (event.n_groups, "groups"),
    )
    lines = [" → ".join(f"{n:,} {word}" for n, word in counts)]
    if n_failed:
        lines.append(f"{n_failed:,} links gave no picture; the event's Failures page says why")
    if event.embedder_note:
        lines.append(f"Grouped by classic descriptors: {event.embedder_note}")
    return "\n".join(lines)
