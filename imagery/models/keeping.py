"""What was deleted by policy, and files that are still to go."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from imagery.models.events import Event


class Purge(models.Model):
    """Posts of an event deleted for their age, or because they are gone at their source.

    Says what, how many, when and by whom, and nothing of the posts themselves. `part` grows with
    every part deleted: who remembers ids of the event's rows learns from it to forget them.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="purges")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="+", help_text="none: by the event's settings, daily",
    )  # fmt: skip
    before = models.DateTimeField(null=True, blank=True, help_text="posts posted before then")
    gone = models.BooleanField(default=False, help_text="posts gone at their source")
    part = models.PositiveIntegerField(default=0)
    n_posts = models.PositiveBigIntegerField(default=0)
    n_accounts = models.PositiveBigIntegerField(default=0)
    n_links = models.PositiveBigIntegerField(default=0)
    n_images = models.PositiveBigIntegerField(default=0)
    n_files = models.PositiveBigIntegerField(default=0, help_text="that no other event holds")
    begun_at = models.DateTimeField(auto_now_add=True)
    posts_at = models.DateTimeField(null=True, blank=True, help_text="when all posts were deleted")
    finished_at = models.DateTimeField(
        null=True, blank=True, help_text="when their pictures were, by the pass that followed"
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.n_posts} posts of event {self.event_id}"


class Leftover(models.Model):
    """A file to delete unless an event holds it, written with the deletion of its image."""

    sha256 = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.sha256[:12]
