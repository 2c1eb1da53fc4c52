"""Images, their vectors, unique images, and the arrays that pages read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from imagery.models.events import Event


class ImageQuerySet(models.QuerySet["Image"]):
    def to_look(self, embedder: str) -> ImageQuerySet:
        """Images not yet seen with this embedder, refused ones left aside."""
        return self.filter(failed_at=None).exclude(embedder=embedder)

    def unseen(self) -> ImageQuerySet:
        """Images that nothing has looked at, refused ones among them."""
        return self.filter(embedder="")

    def seen(self) -> ImageQuerySet:
        return self.exclude(phash="")


class Image(models.Model):
    """One distinct file of an event, by SHA-256."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="images")
    sha256 = models.CharField(max_length=64)
    n_bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    # What one decode told (imagery.look).
    format = models.CharField(max_length=10, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    frames = models.PositiveIntegerField(default=1)
    truncated = models.BooleanField(default=False)
    phash = models.CharField(max_length=16, blank=True, help_text="64 bits, hex")
    pdq = models.CharField(max_length=64, blank=True, help_text="256 bits, hex")
    pdq_quality = models.PositiveSmallIntegerField(null=True, blank=True)
    signature = models.BinaryField(default=b"", help_text="8×8 mean colours, 192 bytes")
    brightness = models.FloatField(null=True, blank=True)
    contrast = models.FloatField(null=True, blank=True)
    sharpness = models.FloatField(null=True, blank=True)
    is_blank = models.BooleanField(default=False)
    is_dark = models.BooleanField(default=False)
    is_blurry = models.BooleanField(default=False)
    is_tiny = models.BooleanField(default=False)
    hash_version = models.CharField(max_length=40, blank=True)
    embedder = models.CharField(max_length=100, blank=True, help_text="whose vectors it has")
    top_classes = models.JSONField(default=list, blank=True, help_text="[[name, probability], …]")
    looked_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    # Which set it belongs to (imagery.dedup).
    unique = models.ForeignKey(
        "UniqueImage", null=True, blank=True, on_delete=models.SET_NULL, related_name="copies"
    )
    distance = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="pHash bits from the representative"
    )
    near = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="near_copies",
        help_text="representative by perceptual hash alone: paper A's sets",
    )  # fmt: skip
    versions_by = models.CharField(
        max_length=40, blank=True, help_text="method that has looked for its versions"
    )

    # Rollups.
    n_posts = models.PositiveIntegerField(default=0)
    first_posted_at = models.DateTimeField(null=True, blank=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "sha256"], name="image_once")]
        indexes = [
            models.Index(fields=["event", "phash"], name="image_by_phash"),
            models.Index(fields=["event", "id"], name="image_failed", condition=~Q(failed_at=None)),
            models.Index(fields=["event", "id"], name="image_unseen", condition=Q(embedder="")),
            models.Index(fields=["event", "versions_by"], name="image_by_versions"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def flags(self) -> list[str]:
        names = ("blank", "dark", "blurry", "tiny")
        found = [name for name in names if getattr(self, f"is_{name}")]
        return found + (["cut short"] if self.truncated else [])


class Vector(models.Model):
    """A float16 row describing one image: what (backbone, layer, version) made of it."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="vectors")
    layer = models.CharField(max_length=8, help_text="snc, nc or classic")
    embedder = models.CharField(max_length=100, help_text="backbone@version, or classic@version")
    values = models.BinaryField(help_text="float16, little-endian")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "layer", "embedder"], name="vector_once")
        ]

    def __str__(self) -> str:
        return f"{self.layer} of {self.image_id} by {self.embedder}"


class UniqueImage(models.Model):
    """A set of near-duplicate images with one representative: the earliest, or people's choice.

    Its id stays as long as its representative is in it. `group` is the most posted member of the
    group it belongs to at the event's own θ: a group is named by that member, at any θ.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="unique_images")
    representative = models.OneToOneField(
        Image, on_delete=models.CASCADE, related_name="represents"
    )
    group = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="members"
    )
    # From people's decisions (imagery.dedup).
    apart = models.BooleanField(default=False, help_text="moved out of its group")
    name = models.CharField(max_length=120, blank=True, help_text="of its group, given through it")
    # Rollups.
    n_posts = models.PositiveIntegerField(default=0)
    n_copies = models.PositiveIntegerField(default=0, help_text="distinct files")
    n_links = models.PositiveIntegerField(default=0)
    n_accounts = models.PositiveIntegerField(default=0)
    rank = models.PositiveIntegerField(default=0, help_text="1 is the most posted")
    first_posted_at = models.DateTimeField(null=True, blank=True)
    last_posted_at = models.DateTimeField(null=True, blank=True)
    peak_at = models.DateTimeField(null=True, blank=True, help_text="hour with most posts")
    growth = models.FloatField(
        default=0, help_text="posts in its best day over its mean day of the event"
    )
    hashtags = models.JSONField(default=list, blank=True, help_text="[[tag, posts], …] top 12")
    described = models.CharField(
        max_length=1000, blank=True, help_text="alternative text of its most posted link with one"
    )

    class Meta:
        indexes = [
            models.Index(fields=["event", "rank", "id"], name="unique_by_rank"),
            models.Index(fields=["event", "group", "rank"], name="unique_by_group"),
            models.Index(fields=["event", "-growth", "id"], name="unique_by_growth"),
            models.Index(fields=["event", "id"], name="unique_apart", condition=Q(apart=True)),
            models.Index(fields=["event", "rank"], name="unique_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"unique image {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imagery:image", args=[self.event.slug, self.pk])


class MovedQuerySet(models.QuerySet["Moved"]):
    def now_in(self, event: Event, was: int) -> int | None:
        """Unique image that holds what that one was represented by; None where none does."""
        found = self.filter(event=event, was=was).exclude(image__unique=None)
        return found.values_list("image__unique_id", flat=True).first()


class Moved(models.Model):
    """A unique image that is no more: its files joined others. Its address leads to them."""

    was = models.PositiveBigIntegerField(primary_key=True, help_text="id that the unique image had")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="+", help_text="what it was represented by"
    )

    objects = MovedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"unique image {self.was}, gone with image {self.image_id}"


class Snapshot(models.Model):
    """Arrays of one event that pages read whole: the tree, the timeline, …

    `payload` is what imagery.core.arrays packs: a format version and plain arrays, no pickle.
    `inputs` is a digest of what it was made from; the same digest means nothing to do.
    """

    class Kind(models.TextChoices):
        TREE = "tree"
        NEIGHBOURS = "neighbours"
        TIMELINE = "timeline"
        UNIQUE = "unique"
        DOUBTFUL = "doubtful"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="snapshots")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    revision = models.PositiveIntegerField(default=1)
    inputs = models.CharField(max_length=64)
    payload = models.BinaryField()
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "kind"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.kind} of event {self.event_id}"
