"""Live collection: what is collected, how far it is, what it missed, and readings repeated."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from imagery.models.events import Event, Rule

DAYS = tuple(range(1, 31))


def revisit_days() -> list[int]:
    """Ages at which engagement is read again: daily to 30, the seventh among them (B1, E1)."""
    return list(DAYS)


class CollectionQuerySet(models.QuerySet["Collection"]):
    def on(self) -> CollectionQuerySet:
        return self.filter(state=Collection.State.ON)


class Collection(models.Model):
    """Posts taken in from one live source for one event, while it is on.

    A collector holds it by a lease (imagery.locks). `cursor` is written with the posts it stands
    for, in one transaction: what comes twice from the wire is one row.
    """

    class State(models.TextChoices):
        ON = "on", "On"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=30, help_text="a name in imagery.sources.LIVE")
    options = models.JSONField(default=dict, blank=True, help_text="by the source's own fields")
    token = models.CharField(max_length=500, blank=True, help_text="never shown once it is stored")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PAUSED)
    starts_at = models.DateTimeField(null=True, blank=True)
    stops_at = models.DateTimeField(null=True, blank=True)
    revisit_days = models.JSONField(default=revisit_days, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # How far it is: written by the collector that holds it.
    cursor = models.CharField(max_length=500, blank=True, help_text="the source's own")
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="the source's time of the latest thing it sent"
    )
    heard_at = models.DateTimeField(null=True, blank=True, help_text="when it last sent anything")
    listened_at = models.DateTimeField(
        null=True, blank=True, help_text="until when nothing that was sent can be missing"
    )
    connected_at = models.DateTimeField(null=True, blank=True, help_text="none: not connected")
    error = models.CharField(max_length=500, blank=True, help_text="the last one")
    error_at = models.DateTimeField(null=True, blank=True)
    n_tries = models.PositiveIntegerField(default=0, help_text="failed in a row")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="it is not tried before")
    n_seen = models.PositiveBigIntegerField(default=0)
    n_kept = models.PositiveBigIntegerField(default=0, help_text="selected by the rules")
    n_new = models.PositiveBigIntegerField(default=0)
    n_bad = models.PositiveBigIntegerField(default=0)
    held_by = models.CharField(max_length=100, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    # Posts read again: by whoever holds that, which may be another collector.
    visits_held_by = models.CharField(max_length=100, blank=True)
    visits_held_until = models.DateTimeField(null=True, blank=True)
    visits_after = models.DateTimeField(
        null=True, blank=True, help_text="the server is not asked before"
    )
    visits_error = models.CharField(max_length=500, blank=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "id"], name="collection_by_state")]

    def __str__(self) -> str:
        return self.name


class CollectionRule(models.Model):
    """One condition on the posts of one collection; they combine as an event's do."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=10, choices=Rule.Kind.choices)
    value = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "kind", "value"], name="collection_rule_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.value}"


class Minute(models.Model):
    """What a collection took in within one minute of our clock."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="minutes")
    at = models.DateTimeField(help_text="the minute's beginning")
    n_seen = models.PositiveIntegerField(default=0)
    n_kept = models.PositiveIntegerField(default=0)
    n_new = models.PositiveIntegerField(default=0)
    n_bad = models.PositiveIntegerField(default=0)
    lag_s = models.FloatField(default=0, help_text="the longest from the source's time to our rows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "at"], name="minute_once")]

    def __str__(self) -> str:
        return f"{self.collection_id} at {self.at:%H:%M}"


class Gap(models.Model):
    """A time of which a collection may lack posts, and what was done about it."""

    class State(models.TextChoices):
        OPEN = "open", "To be refilled"
        FILLED = "filled", "Refilled"
        PARTLY = "partly", "Refilled in part"
        LOST = "lost", "Cannot be refilled"

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="gaps")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="none: it goes on")
    cursor = models.CharField(max_length=500, blank=True, help_text="where refilling goes on from")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    reason = models.CharField(max_length=500, blank=True, help_text="why nothing was heard")
    outcome = models.CharField(max_length=500, blank=True, help_text="what refilling came to")
    n_new = models.PositiveBigIntegerField(default=0, help_text="posts that refilling brought")
    n_tries = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-begins_at"]
        indexes = [
            models.Index(
                fields=["collection", "begins_at"], name="gap_open", condition=Q(state="open")
            )
        ]

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d %H:%M} to {self.ends_at or 'now'}"


class Reading(models.Model):
    """A post's engagement at one age (B1, E1). Unknown is null, never 0."""

    class State(models.TextChoices):
        READ = "read", "Read"
        DELETED = "deleted", "Deleted"
        PRIVATE = "private", "Made private"
        MISSED = "missed", "Missed"

    post = models.ForeignKey("Post", on_delete=models.CASCADE, related_name="readings")
    day = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="the age it stands for, in days"
    )
    due_at = models.DateTimeField()
    read_at = models.DateTimeField(help_text="when it was read, or found to be missed")
    state = models.CharField(max_length=8, choices=State.choices, default=State.READ)
    likes = models.PositiveBigIntegerField(null=True, blank=True)
    reposts = models.PositiveBigIntegerField(null=True, blank=True)
    comments = models.PositiveBigIntegerField(null=True, blank=True)
    views = models.PositiveBigIntegerField(null=True, blank=True)
    followers = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["post", "day"]
        constraints = [models.UniqueConstraint(fields=["post", "day"], name="reading_once")]

    def __str__(self) -> str:
        return f"post {self.post_id} at {self.day} days"

    @property
    def late(self) -> timedelta:
        return self.read_at - self.due_at
