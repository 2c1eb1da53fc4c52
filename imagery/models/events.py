"""Events, who may see them, and the rules that select their posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

SLUG = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]{0,62}$",
    "a name of lower-case letters, digits, '-' and '_', at most 63, not beginning with '-'",
)


class Role(models.TextChoices):
    OWNER = "owner"
    ANALYST = "analyst"
    ANNOTATOR = "annotator"
    VIEWER = "viewer"


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> EventQuerySet:
        """Events the person is a member of as owner, analyst or viewer; annotators see tasks."""
        if not user.is_authenticated:
            return self.none()
        roles = (Role.OWNER, Role.ANALYST, Role.VIEWER)
        return self.filter(memberships__user=user, memberships__role__in=roles)

    def editable_by(self, user: AbstractBaseUser | AnonymousUser) -> EventQuerySet:
        """Events whose posts and settings the person may change."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user, memberships__role__in=(Role.OWNER, Role.ANALYST))

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> EventQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user, memberships__role=Role.OWNER)


class Event(models.Model):
    """What the posts are about. Counts are rollups, written by `imagery.rollup` alone."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    is_made = models.BooleanField(default=False, help_text="made for show, not collected")
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="events"
    )

    # How its pictures are organised.
    dedup_threshold = models.PositiveSmallIntegerField(
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(32)],
        help_text="pHash bits: copies differ in fewer than this many",
    )
    copies = models.CharField(
        max_length=8,
        default="versions",
        choices=[
            (
                "versions",
                "Every version of it",
            ),
            ("near", "Near copies only, as in the paper"),
        ],
        help_text="what counts as one picture",
    )
    similarity = models.FloatField(
        default=0.8,
        validators=[MinValueValidator(0.45), MaxValueValidator(1.0)],
        help_text="θ: images more alike than this belong to one group",
    )
    backbone = models.CharField(max_length=64, default="mobilenet_v2")
    layer = models.CharField(
        max_length=8,
        default="snc",
        choices=[("snc", "Softmax Neural Codes"), ("nc", "Neural Codes")],
    )
    embedder = models.CharField(
        max_length=100, blank=True, help_text="what the vectors were made with, e.g. name@version"
    )
    embedder_note = models.TextField(blank=True, help_text="why it is not the chosen backbone")

    # Rollups.
    n_posts = models.PositiveBigIntegerField(default=0)
    n_image_posts = models.PositiveBigIntegerField(default=0)
    n_links = models.PositiveBigIntegerField(default=0)
    n_images = models.PositiveBigIntegerField(default=0)
    n_unique = models.PositiveBigIntegerField(default=0)
    n_near = models.PositiveBigIntegerField(
        default=0, help_text="unique images by perceptual hash alone, whatever `copies` says"
    )
    n_groups = models.PositiveBigIntegerField(default=0)
    n_failed_links = models.PositiveBigIntegerField(default=0)
    n_accounts = models.PositiveBigIntegerField(default=0)
    first_posted_at = models.DateTimeField(null=True, blank=True)
    last_posted_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="grows with every rollup")
    organised_at = models.DateTimeField(null=True, blank=True)

    known_revision = models.PositiveIntegerField(
        default=0, help_text="grows as lists of known hashes or their matches change; 0 is no lists"
    )

    # What is kept, and for how long.
    keep_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="posts older than this are deleted; empty keeps them",
    )  # fmt: skip
    purge_gone = models.BooleanField(
        default=False, help_text="delete posts that were deleted or made private at the source"
    )
    most_waiting = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="links that may wait to be fetched; newer ones are shed. Empty sheds nothing",
    )  # fmt: skip

    # One writer per event: see imagery.locks.
    locked_by = models.CharField(max_length=64, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)

    objects = EventQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("imagery:event", args=[self.slug])

    @property
    def descriptor(self) -> str:
        """Layer whose vectors make the groups: "snc", "nc", or "classic" without weights."""
        return "classic" if self.embedder.startswith("classic") else self.layer

    def role_of(self, user: Any) -> str | None:
        return self.memberships.filter(user_id=user.pk).values_list("role", flat=True).first()


class Membership(models.Model):
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "user"], name="one_role_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.event}"


class Rule(models.Model):
    """One condition on posts. See imagery.rules for how they combine."""

    class Kind(models.TextChoices):
        KEYWORD = "keyword", "Keyword"
        PHRASE = "phrase", "Phrase"
        HASHTAG = "hashtag", "Hashtag"
        ACCOUNT = "account", "Account"
        BBOX = "bbox", "Bounding box"
        LANGUAGE = "language", "Language"
        AFTER = "after", "Not before"
        BEFORE = "before", "Before"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(
        max_length=300, help_text="a word, a phrase, west,south,east,north, or an ISO time"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "value"]
        constraints = [models.UniqueConstraint(fields=["event", "kind", "value"], name="rule_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.value}"
