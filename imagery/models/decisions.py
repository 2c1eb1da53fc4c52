"""What people decided about an event's pictures, and what the search for versions found."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from imagery.models.events import Event
from imagery.models.pictures import Image


class DecisionQuerySet(models.QuerySet["Decision"]):
    def active(self) -> DecisionQuerySet:
        return self.filter(undone_at=None)


class Decision(models.Model):
    """A person's word about images; it wins over distances until it is undone.

    It speaks of files, not of sets, so it survives reprocessing and later imports. A later
    decision about the same thing undoes the earlier one; undone ones are the history.
    """

    class Kind(models.TextChoices):
        SAME = "same", "Same picture"
        DIFFERENT = "different", "Not the same"
        REPRESENTS = "represents", "Stands for its versions"
        APART = "apart", "Moved out of its group"
        NAME = "name", "Group named"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="decisions")
    other = models.ForeignKey(
        Image, null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="of a pair, the one with the greater id",
    )  # fmt: skip
    text = models.CharField(max_length=120, blank=True, help_text="the group's name")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=("same", "different"), other__gt=F("image"))
                | (~Q(kind__in=("same", "different")) & Q(other=None)),
                name="decision_on_a_pair_or_an_image",
            ),
            models.UniqueConstraint(
                fields=["image", "other"],
                condition=Q(undone_at=None, other__isnull=False),
                name="one_decision_per_pair",
            ),
            models.UniqueConstraint(
                fields=["image", "kind"],
                condition=Q(undone_at=None, other=None),
                name="one_decision_per_image",
            ),
        ]
        indexes = [
            models.Index(
                fields=["event", "kind"], name="decision_active", condition=Q(undone_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of image {self.image_id}"


class Match(models.Model):
    """One image found in another (imagery.versions).

    A proven match was verified by geometry and joins sets; any other is a pair for people.
    transform maps fractional coordinates of `image` (0 to 1 from the left and the top, after
    mirroring it where `mirrored`) to those of `other`: 2 × 3, row by row.
    """

    class Kind(models.TextChoices):
        COPY = "copy"
        CROP = "crop"
        BORDER = "border"
        CAPTION = "caption"
        MIRROR = "mirror"
        SCREENSHOT = "screenshot"
        RECOLOUR = "recolour"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="matches")
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="found_in", help_text="the derived one"
    )
    other = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="found_of", help_text="its source"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    verdict = models.CharField(
        max_length=8,
        choices=[("same", "The same picture"), ("differs", "Differs in a part")],
        default="same",
        help_text="what their pixels tell, once geometry has laid one on the other",
    )
    proven = models.BooleanField(default=False)
    transform = models.JSONField(default=list, blank=True, help_text="6 numbers, or none")
    mirrored = models.BooleanField(default=False)
    inliers = models.PositiveIntegerField(null=True, blank=True, help_text="features that agree")
    similarity = models.FloatField(
        null=True, blank=True, help_text="correlation of the pixels where they overlap"
    )
    bits = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of pHash that differ")
    method = models.CharField(max_length=40, help_text="name and version of what found it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "other"], name="match_once"),
            models.CheckConstraint(condition=~Q(image=F("other")), name="match_of_two"),
        ]
        indexes = [models.Index(fields=["event", "proven"], name="match_by_proof")]

    def __str__(self) -> str:
        return f"{self.kind}: image {self.image_id} in {self.other_id}"
