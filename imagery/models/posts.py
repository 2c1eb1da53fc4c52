"""Imports, accounts, posts and the links they carry."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from imagery.models.events import Event


class ImportQuerySet(models.QuerySet["Import"]):
    def unfinished(self) -> ImportQuerySet:
        return self.filter(state__in=(Import.State.QUEUED, Import.State.RUNNING))


class Import(models.Model):
    """One file brought in: what it was, how far it is, what came of its rows."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="imports")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    filename = models.CharField(max_length=255, help_text="as its owner called it; never a path")
    path = models.CharField(max_length=1000, help_text="where the file lies")
    images_path = models.CharField(max_length=1000, blank=True, help_text="folder or ZIP of files")
    format = models.CharField(max_length=30, default="auto")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    n_bytes = models.PositiveBigIntegerField(default=0)
    n_bytes_read = models.PositiveBigIntegerField(default=0)
    n_read = models.PositiveBigIntegerField(default=0, help_text="rows, good and bad")
    n_new = models.PositiveBigIntegerField(default=0)
    n_updated = models.PositiveBigIntegerField(default=0)
    n_unchanged = models.PositiveBigIntegerField(default=0)
    n_left_out = models.PositiveBigIntegerField(default=0, help_text="by the event's rules")
    n_bad = models.PositiveBigIntegerField(default=0)
    bad_rows = models.CharField(max_length=300, blank=True, help_text="name of the kept file")
    reason = models.TextField(blank=True, help_text="why it failed")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.filename} → {self.event.slug}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class Account(models.Model):
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="accounts")
    platform = models.CharField(max_length=30)
    uid = models.CharField(max_length=200)
    handle = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=300, blank=True)
    followers = models.PositiveBigIntegerField(null=True, blank=True)
    following = models.PositiveBigIntegerField(null=True, blank=True)
    n_posts = models.PositiveBigIntegerField(null=True, blank=True, help_text="its own count")
    created_at = models.DateTimeField(null=True, blank=True)
    verified = models.BooleanField(null=True, blank=True)
    location = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "platform", "uid"], name="account_once")
        ]
        indexes = [models.Index(F("event"), Lower("handle"), name="account_by_handle")]

    def __str__(self) -> str:
        return self.handle or self.name or self.uid


class PostQuerySet(models.QuerySet["Post"]):
    def selected(self) -> PostQuerySet:
        """Posts the event's rules select."""
        return self.filter(selected=True)


class Post(models.Model):
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="posts")
    platform = models.CharField(max_length=30)
    uid = models.CharField(max_length=300)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="posts"
    )
    posted_at = models.DateTimeField()
    text = models.TextField(blank=True)
    lang = models.CharField(max_length=20, blank=True)
    url = models.TextField(blank=True)
    hashtags = models.JSONField(default=list, blank=True)
    # Engagement as last read; null is unknown, never 0.
    likes = models.PositiveBigIntegerField(null=True, blank=True)
    reposts = models.PositiveBigIntegerField(null=True, blank=True)
    comments = models.PositiveBigIntegerField(null=True, blank=True)
    views = models.PositiveBigIntegerField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    place = models.CharField(max_length=300, blank=True)
    repost_of = models.CharField(max_length=300, blank=True)
    reply_to = models.CharField(max_length=300, blank=True)
    has_images = models.BooleanField(default=False)
    selected = models.BooleanField(default=True, help_text="by the event's rules")
    imported_by = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="posts"
    )
    # Where it was collected from, live, and when it is read again (imagery.revisits).
    collected_by = models.ForeignKey(
        "Collection", null=True, blank=True, on_delete=models.SET_NULL, related_name="posts"
    )
    source_id = models.CharField(
        max_length=300, blank=True, help_text="the id by which the collection's server knows it"
    )
    stored_at = models.DateTimeField(null=True, blank=True)
    visit_at = models.DateTimeField(null=True, blank=True, help_text="when it is read again")
    gone = models.CharField(
        max_length=8,
        blank=True,
        choices=[("deleted", "Deleted at the source"), ("private", "Made private")],
    )
    gone_at = models.DateTimeField(null=True, blank=True, help_text="when that was seen")
    links: models.ManyToManyField[Link, PostLink] = models.ManyToManyField(
        "Link", through="PostLink", related_name="posts"
    )

    objects = PostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "platform", "uid"], name="post_once")
        ]
        indexes = [
            # With what counting by time reads, so that it need not read the posts.
            models.Index(
                fields=["event", "posted_at", "id", "has_images", "selected"],
                name="post_by_time",
                condition=Q(selected=True),
            ),
            models.Index(fields=["visit_at"], name="post_to_visit", condition=~Q(visit_at=None)),
            models.Index(
                fields=["collected_by", "visit_at"],
                name="post_of_collection_to_visit",
                condition=~Q(visit_at=None),
            ),
            models.Index(
                fields=["collected_by", "source_id"],
                name="post_by_source_id",
                condition=~Q(source_id=""),
            ),
            models.Index(fields=["event"], name="post_gone", condition=~Q(gone="")),
            models.Index(fields=["event"], name="post_left_out", condition=Q(selected=False)),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.uid}"


class LinkQuerySet(models.QuerySet["Link"]):
    def to_fetch(self) -> LinkQuerySet:
        return self.filter(state=Link.State.WAITING)

    def failed(self) -> LinkQuerySet:
        return self.filter(state=Link.State.FAILED)


class Link(models.Model):
    """One image URL of an event, fetched once."""

    class State(models.TextChoices):
        WAITING = "waiting"
        FETCHED = "fetched"
        FAILED = "failed"
        SHED = "shed"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="links")
    url = models.TextField(help_text="http(s), or file:<path inside the import>")
    key = models.CharField(max_length=32, help_text="blake2b-128 of the URL, hex")
    file = models.CharField(max_length=500, blank=True, help_text="path inside the import's files")
    alt = models.CharField(max_length=1000, blank=True, help_text="as a post described it")
    source = models.ForeignKey(
        Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="links"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=30, blank=True, help_text="of failure, for counting")
    fetched_at = models.DateTimeField(null=True, blank=True)
    final_url = models.TextField(blank=True)
    image = models.ForeignKey(
        "Image", null=True, blank=True, on_delete=models.SET_NULL, related_name="links"
    )
    # Rollups.
    n_posts = models.PositiveIntegerField(default=0)
    first_posted_at = models.DateTimeField(null=True, blank=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "key"], name="link_once")]
        indexes = [
            models.Index(fields=["event", "-n_posts", "id"], name="link_by_posts"),
            models.Index(fields=["event", "id"], name="link_waiting", condition=Q(state="waiting")),
            models.Index(fields=["event", "kind"], name="link_failed", condition=Q(state="failed")),
            models.Index(fields=["event", "id"], name="link_shed", condition=Q(state="shed")),
        ]

    def __str__(self) -> str:
        return self.url


class PostLink(models.Model):
    post = models.ForeignKey(Post, on_delete=models.CASCADE)
    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "link"], name="postlink_once")]

    def __str__(self) -> str:
        return f"{self.post_id} → {self.link_id}"
