"""Processes that are at work, on whatever machine: what says that there are any."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

SILENT_S = 60


class ProcessQuerySet(models.QuerySet["Process"]):
    def alive(self) -> ProcessQuerySet:
        return self.filter(beat_at__gt=timezone.now() - timedelta(seconds=SILENT_S))


class Process(models.Model):
    class Kind(models.TextChoices):
        WORKER = "worker"
        COLLECTOR = "collector"
        BEAT = "beat"

    name = models.CharField(max_length=150, unique=True, help_text="kind@host:pid")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list, blank=True)
    device = models.CharField(max_length=40, blank=True, help_text="what networks run on")
    version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    objects = ProcessQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name
