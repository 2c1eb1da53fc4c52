"""Searches by picture, and lists of known hashes."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models

from imagery.models.events import Event
from imagery.models.pictures import Image


def _new_key() -> str:
    return secrets.token_urlsafe(9)


class LookUp(models.Model):
    """A picture that somebody looked for, and what was found: its address can be shared."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    key = models.CharField(max_length=16, unique=True, default=_new_key)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="look_ups"
    )
    event = models.ForeignKey(
        Event, null=True, blank=True, on_delete=models.CASCADE, related_name="look_ups",
        help_text="where it is looked for; none is every event the person may see",
    )  # fmt: skip
    kind = models.CharField(
        max_length=5,
        default="hash",
        choices=[("file", "Picture"), ("url", "Address"), ("hash", "Hash"), ("image", "Image")],
        help_text="what was given; an image is one of an event's own",
    )
    asked = models.TextField(help_text="file name, URL or hash, as given")
    sha256 = models.CharField(max_length=64, blank=True)
    phash = models.CharField(max_length=16, blank=True)
    pdq = models.CharField(max_length=64, blank=True)
    pdq_quality = models.PositiveSmallIntegerField(null=True, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=500, blank=True)
    found = models.JSONField(default=dict, blank=True)
    has_thumb = models.BooleanField(default=False, help_text="a small copy is kept")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.asked[:80]

    @property
    def is_unfinished(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class HashList(models.Model):
    """Hashes somebody else knows: their matches in the event are marked."""

    class Action(models.TextChoices):
        BLOCK = "block", "Block: hide what matches"
        WATCH = "watch", "Watch: mark what matches"

    class State(models.TextChoices):
        QUEUED = "queued"
        READING = "reading"
        DONE = "done"
        FAILED = "failed"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="hash_lists")
    name = models.CharField(max_length=120)
    action = models.CharField(max_length=5, choices=Action.choices, default=Action.WATCH)
    filename = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    n_hashes = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DONE)
    reason = models.CharField(max_length=500, blank=True)
    report = models.JSONField(
        default=dict, blank=True, help_text="what its last file held: see imagery.known"
    )
    updated_at = models.DateTimeField(auto_now=True)
    matched_at = models.DateTimeField(
        null=True, blank=True, help_text="images looked at until then were held against it"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["event", "name"], name="hash_list_once")]

    def __str__(self) -> str:
        return self.name


class KnownHash(models.Model):
    """One row of a list: PDQ, its quality, and what the list calls it."""

    hash_list = models.ForeignKey(HashList, on_delete=models.CASCADE, related_name="hashes")
    pdq = models.CharField(max_length=64, help_text="256 bits, hex")
    quality = models.PositiveSmallIntegerField(validators=[MaxValueValidator(100)])
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hash_list", "pdq"], name="known_hash_once")]

    def __str__(self) -> str:
        return self.name or self.pdq[:12]


class KnownMatch(models.Model):
    """An image that a list knows, at this many bits of PDQ."""

    known = models.ForeignKey(KnownHash, on_delete=models.CASCADE, related_name="matches")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="known")
    distance = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["known", "image"], name="known_match_once")]

    def __str__(self) -> str:
        return f"image {self.image_id} at {self.distance} bits of {self.known_id}"
