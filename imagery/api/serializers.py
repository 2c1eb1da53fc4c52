"""Answers: the fields of each, by name. Times are UTC; null is unknown, never 0."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from imagery.models import Image, Job
from imagery.pictures import SMALL

Read = dict[str, Any]


class Urls:
    """Absolute addresses; the serializer's context has the request and the event's slug."""

    context: dict[str, Any]

    def _url(self, name: str, *args: object) -> str:
        where = [self.context["slug"], *args]
        return reverse(f"api:{name}", args=where, request=self.context["request"])


class EventSerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    timezone = serializers.CharField()
    role = serializers.CharField(help_text="Of the person who asks.")
    is_made = serializers.BooleanField(help_text="Made for show, not collected.")
    created_at = serializers.DateTimeField()
    dedup_threshold = serializers.IntegerField()
    copies = serializers.CharField(help_text="What counts as one picture: versions or near.")
    similarity = serializers.FloatField()
    backbone = serializers.CharField()
    layer = serializers.CharField()
    embedder = serializers.CharField(help_text="What the vectors were made with.")
    embedder_note = serializers.CharField(help_text="Why it is not the chosen backbone.")
    posts = serializers.IntegerField(source="n_posts")
    image_posts = serializers.IntegerField(source="n_image_posts")
    urls = serializers.IntegerField(source="n_links")
    failed_urls = serializers.IntegerField(source="n_failed_links")
    images = serializers.IntegerField(source="n_images")
    unique_images = serializers.IntegerField(source="n_unique")
    near_images = serializers.IntegerField(
        source="n_near", help_text="Unique images by perceptual hash alone, whatever `copies` says."
    )
    groups = serializers.IntegerField(source="n_groups")
    accounts = serializers.IntegerField(source="n_accounts")
    first_posted_at = serializers.DateTimeField(allow_null=True)
    last_posted_at = serializers.DateTimeField(allow_null=True)
    organised_at = serializers.DateTimeField(allow_null=True)


class ImportSerializer(Urls, serializers.Serializer):
    id = serializers.IntegerField()
    filename = serializers.CharField()
    format = serializers.CharField()
    state = serializers.CharField(help_text="queued, running, done or failed")
    reason = serializers.CharField(help_text="Why it failed.")
    bytes = serializers.IntegerField(source="n_bytes")
    bytes_read = serializers.IntegerField(source="n_bytes_read")
    read = serializers.IntegerField(source="n_read", help_text="Rows, good and bad.")
    new = serializers.IntegerField(source="n_new")
    updated = serializers.IntegerField(source="n_updated")
    unchanged = serializers.IntegerField(source="n_unchanged")
    left_out = serializers.IntegerField(source="n_left_out", help_text="By the event's rules.")
    bad = serializers.IntegerField(source="n_bad")
    bad_rows = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_bad_rows(self, row: Any) -> str | None:
        return self._url("bad-rows", row.pk) if row.bad_rows else None


class JobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    stage = serializers.CharField(help_text="fetch, look, dedup, group or rollup")
    state = serializers.CharField(help_text="queued, running, done, failed or cancelled")
    done = serializers.IntegerField(source="n_done")
    total = serializers.IntegerField(source="n_total")
    failed = serializers.IntegerField(source="n_failed")
    message = serializers.CharField()
    rate = serializers.SerializerMethodField(help_text="Items a second.")
    left_s = serializers.SerializerMethodField(help_text="Seconds left at that rate.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_rate(self, job: Job) -> float | None:
        return job.rate()

    def get_left_s(self, job: Job) -> float | None:
        return job.left_s()


class PictureSerializer(Urls, serializers.Serializer):
    """One file, with where its bytes are."""

    sha256 = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    format = serializers.CharField()
    thumb = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    @extend_schema_field(OpenApiTypes.URI)
    def get_thumb(self, image: Image) -> str:
        return self._url("thumb", image.sha256, SMALL)

    @extend_schema_field(OpenApiTypes.URI)
    def get_file(self, image: Image) -> str:
        return self._url("file", image.sha256)


class UniqueImageSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    rank = serializers.IntegerField(help_text="1 is the most posted.")
    representative = PictureSerializer()
    posts = serializers.IntegerField(source="n_posts")
    copies = serializers.IntegerField(source="n_copies", help_text="Distinct files.")
    urls = serializers.IntegerField(source="n_links")
    accounts = serializers.IntegerField(source="n_accounts")
    group = serializers.IntegerField(
        source="group_id", allow_null=True, help_text="The lead of its group at the event's θ."
    )
    apart = serializers.BooleanField(help_text="Moved out of its group by a person.")
    name = serializers.CharField(help_text="Of its group, as people gave it through this image.")
    growth = serializers.FloatField()
    first_posted_at = serializers.DateTimeField(allow_null=True)
    last_posted_at = serializers.DateTimeField(allow_null=True)
    peak_at = serializers.DateTimeField(allow_null=True)


class CopySerializer(PictureSerializer):
    """A distinct file of a unique image; `urls` are its most posted, `n_urls` counts all."""

    bytes = serializers.IntegerField(source="n_bytes")
    distance = serializers.IntegerField(
        allow_null=True, help_text="pHash bits from the representative."
    )
    posts = serializers.IntegerField(source="n_posts")
    urls = serializers.SerializerMethodField()
    n_urls = serializers.SerializerMethodField()
    first_posted_at = serializers.DateTimeField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    phash = serializers.CharField()
    pdq = serializers.CharField()

    def get_urls(self, image: Image) -> list[str]:
        return self.context["urls"].get(image.pk, [])

    def get_n_urls(self, image: Image) -> int:
        return self.context["n_urls"].get(image.pk, 0)


class TagSerializer(serializers.Serializer):
    tag = serializers.CharField()
    posts = serializers.IntegerField()


class ClassSerializer(serializers.Serializer):
    name = serializers.CharField()
    probability = serializers.FloatField()


class HashesSerializer(serializers.Serializer):
    phash = serializers.CharField(help_text="64 bits, hex.")
    pdq = serializers.CharField(help_text="256 bits, hex.")
    pdq_quality = serializers.IntegerField(allow_null=True)
    version = serializers.CharField(source="hash_version")


class SmallSerializer(Urls, serializers.Serializer):
    """A unique image in few words: of a pictures.Card."""

    id = serializers.IntegerField()
    sha256 = serializers.CharField()
    posts = serializers.IntegerField(source="n_posts")
    thumb = serializers.SerializerMethodField()

    @extend_schema_field(OpenApiTypes.URI)
    def get_thumb(self, card: Any) -> str:
        return self._url("thumb", card.sha256, SMALL)


class NearSerializer(serializers.Serializer):
    similarity = serializers.FloatField(help_text="1 / (1 + distance).")
    image = SmallSerializer(source="card")


class UniqueImageDetailSerializer(UniqueImageSerializer):
    """With its first copies; the others are at `copies/`."""

    flags = serializers.ListField(child=serializers.CharField(), source="representative.flags")
    hashes = HashesSerializer(source="representative")
    top_classes = serializers.SerializerMethodField()
    hashtags = serializers.SerializerMethodField()
    nearest = serializers.SerializerMethodField()
    n_copies = serializers.IntegerField()
    copies = serializers.SerializerMethodField()  # type: ignore[assignment]

    @extend_schema_field(ClassSerializer(many=True))
    def get_top_classes(self, row: Any) -> list[Read]:
        return [{"name": name, "probability": p} for name, p in row.representative.top_classes]

    @extend_schema_field(TagSerializer(many=True))
    def get_hashtags(self, row: Any) -> list[Read]:
        return [{"tag": tag, "posts": n} for tag, n in row.hashtags]

    @extend_schema_field(NearSerializer(many=True))
    def get_nearest(self, row: Any) -> Any:
        return NearSerializer(self.context["nearest"], many=True, context=self.context).data

    @extend_schema_field(CopySerializer(many=True))
    def get_copies(self, row: Any) -> Any:
        return CopySerializer(self.context["copies"], many=True, context=self.context).data


class GroupSerializer(serializers.Serializer):
    id = serializers.IntegerField(help_text="Its lead: the most posted member.")
    names = serializers.ListField(
        child=serializers.CharField(),
        help_text="What people called it, its most posted named member's first.",
    )
    posts = serializers.IntegerField(help_text="Summed over its members.")
    members = serializers.IntegerField()
    best_rank = serializers.IntegerField()
    worst_rank = serializers.IntegerField()
    mean_rank = serializers.FloatField()
    first_posted_at = serializers.DateTimeField(allow_null=True)
    last_posted_at = serializers.DateTimeField(allow_null=True)
    images = SmallSerializer(many=True, help_text="Its first members.")


class DecisionSerializer(serializers.Serializer):
    """A person's word about files; in force until undone."""

    id = serializers.IntegerField()
    kind = serializers.CharField(help_text="same, different, represents, apart or name")
    image = serializers.CharField(source="image.sha256", help_text="SHA-256.")
    other = serializers.CharField(source="other.sha256", default=None, allow_null=True)
    text = serializers.CharField()
    by = serializers.CharField(source="user.username", default=None, allow_null=True)
    made_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField(source="undone_by.username", default=None, allow_null=True)


class DoubtSerializer(serializers.Serializer):
    """Two files of which it is not clear whether they are one picture."""

    kind = serializers.CharField(help_text="unmet, unproven, within or beyond")
    image = PictureSerializer()
    other = PictureSerializer()
    bits = serializers.IntegerField(help_text="Of the 64 of pHash, how many differ.")
    posts = serializers.IntegerField(help_text="How many a decision would move, about.")


class LinkSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    url = serializers.CharField()
    posts = serializers.IntegerField(source="n_posts")
    state = serializers.CharField(help_text="waiting, fetched or failed")
    kind = serializers.CharField(help_text="Of failure.")
    reason = serializers.SerializerMethodField(help_text="Why it shows no image.")
    attempts = serializers.IntegerField()
    fetched_at = serializers.DateTimeField(allow_null=True)
    final_url = serializers.CharField()
    first_posted_at = serializers.DateTimeField(allow_null=True)
    image = serializers.IntegerField(
        source="image.unique_id", default=None, allow_null=True, help_text="Unique image."
    )
    sha256 = serializers.CharField(source="image.sha256", default=None, allow_null=True)

    def get_reason(self, link: Any) -> str:
        return link.reason or (link.image.reason if link.image else "")


class AccountSerializer(serializers.Serializer):
    uid = serializers.CharField()
    handle = serializers.CharField()
    name = serializers.CharField()
    followers = serializers.IntegerField(allow_null=True)
    verified = serializers.BooleanField(allow_null=True)


class PostSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    platform = serializers.CharField()
    uid = serializers.CharField()
    posted_at = serializers.DateTimeField()
    account = AccountSerializer(allow_null=True)
    text = serializers.CharField()
    lang = serializers.CharField()
    url = serializers.CharField()
    hashtags = serializers.ListField(child=serializers.CharField())
    likes = serializers.IntegerField(allow_null=True)
    reposts = serializers.IntegerField(allow_null=True)
    comments = serializers.IntegerField(allow_null=True)
    views = serializers.IntegerField(allow_null=True)
    lat = serializers.FloatField(allow_null=True)
    lon = serializers.FloatField(allow_null=True)
    place = serializers.CharField()
    repost_of = serializers.CharField()
    reply_to = serializers.CharField()
    collection = serializers.IntegerField(
        source="collected_by_id", allow_null=True, help_text="That brought it live."
    )
    gone = serializers.CharField(help_text="At the source: deleted, private, or empty.")
    gone_at = serializers.DateTimeField(allow_null=True, help_text="When that was seen.")
    urls = serializers.SerializerMethodField()
    images = serializers.SerializerMethodField(help_text="Unique images it carries.")

    def get_urls(self, post: Any) -> list[str]:
        return [tie.link.url for tie in post.carried]

    def get_images(self, post: Any) -> list[int]:
        found = [tie.link.image.unique_id for tie in post.carried if tie.link.image]
        return list(dict.fromkeys(pk for pk in found if pk is not None))
