"""Stored retrieval tables (A9)."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class RetrievalRun(models.Model):
    """One table: how well each descriptor finds the pictures of a group, on one folder.

    rows: [{"descriptor", "map", "low", "high", "dims", "seconds", "note", …}, …]; a descriptor
    that could not be had has "map" null and says why in "note".
    """

    folder = models.CharField(max_length=255, help_text="its last name; never a path")
    naming = models.CharField(max_length=20, help_text="how groups were told")
    parameters = models.JSONField(default=dict, blank=True)
    versions = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="of the files' names and bytes")
    n_images = models.PositiveIntegerField(default=0)
    n_queries = models.PositiveIntegerField(default=0)
    n_groups = models.PositiveIntegerField(default=0)
    rows = models.JSONField(default=list)
    problems = models.JSONField(default=list, blank=True, help_text="files left out, and why")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.folder}, {self.n_images} images"
