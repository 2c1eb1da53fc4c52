"""Queued work as rows: what any page can show of progress, rate and time left."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from imagery.models.events import Event


class Stage(models.TextChoices):
    FETCH = "fetch", "Fetching links"
    LOOK = "look", "Looking at images"
    VERSIONS = "versions", "Finding versions"
    DEDUP = "dedup", "Finding copies"
    GROUP = "group", "Grouping"
    ROLLUP = "rollup", "Counting"


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> JobQuerySet:
        return self.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING))


class Job(models.Model):
    """One stage of one pass over an event. At most one is active per event."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="jobs")
    stage = models.CharField(max_length=8, choices=Stage.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    again = models.BooleanField(default=False, help_text="another pass was asked for meanwhile")
    quick = models.BooleanField(
        default=False, help_text="of a live event: versions and groups are left to a later pass"
    )
    round = models.PositiveIntegerField(default=0, help_text="older messages of it are void")
    n_sent = models.PositiveBigIntegerField(
        default=0, help_text="what n_done comes to when the chunks sent out are done"
    )
    n_total = models.PositiveBigIntegerField(default=0)
    n_done = models.PositiveBigIntegerField(default=0)
    n_failed = models.PositiveBigIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="last sign of life")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event"],
                condition=Q(state__in=("queued", "running")),
                name="one_active_job_per_event",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.state} ({self.n_done}/{self.n_total})"

    @property
    def is_active(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    def elapsed_s(self, now: datetime | None = None) -> float:
        if self.started_at is None:
            return 0.0
        return ((self.finished_at or now or timezone.now()) - self.started_at).total_seconds()

    def rate(self, now: datetime | None = None) -> float | None:
        """Items a second since the start; None before there is anything to tell."""
        elapsed = self.elapsed_s(now)
        return self.n_done / elapsed if self.n_done and elapsed > 0.5 else None

    def left_s(self, now: datetime | None = None) -> float | None:
        """Seconds left at that rate; None where unknown."""
        rate = self.rate(now)
        if rate is None or not self.is_active:
            return None
        return max(0, self.n_total - self.n_done) / rate
