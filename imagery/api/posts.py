"""Links and posts of an event."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import histories
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.pagination import Key
from imagery.api.serializers import LinkSerializer, PostSerializer
from imagery.models import Link, PostLink, UniqueImage
from imagery.models.posts import PostQuerySet


class LinkQuery(asked.Paged):
    state = serializers.ChoiceField(choices=Link.State.choices, required=False)
    kind = serializers.CharField(required=False, max_length=30, help_text="Of failure.")
    min_posts = asked.Count(required=False)


class Links(Endpoint):
    query = LinkQuery

    @extend_schema(
        operation_id="urls_list",
        parameters=[LinkQuery],
        responses=pagination.page_of(LinkSerializer(many=True), "LinkPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Links, most posted first; those that failed say why."""
        names = {"state": "state", "kind": "kind", "min_posts": "n_posts__gte"}
        rows = (
            Link.objects.filter(event=self.event(slug))
            .filter(**{names[n]: v for n, v in self.asked.items() if n in names})
            .select_related("image")
            .defer("image__signature", "image__top_classes")
        )
        found, cursor = pagination.page(
            rows, Key("n_posts", int, descending=True), self.asked.get("cursor"),
            self.asked["limit"],
        )  # fmt: skip
        return pagination.answer(request, LinkSerializer(found, many=True).data, cursor)


class PostQuery(asked.Paged):
    ordering = serializers.ChoiceField(choices=["posted_at", "-posted_at"], default="posted_at")
    image = asked.Id(required=False, help_text="Posts that carry this unique image.")
    after = serializers.DateTimeField(required=False, help_text="Posted then or later.")
    before = serializers.DateTimeField(required=False, help_text="Posted before then.")


class Posts(Endpoint):
    query = PostQuery

    @extend_schema(
        operation_id="posts_list",
        parameters=[PostQuery],
        responses=pagination.page_of(PostSerializer(many=True), "PostPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Posts the event's rules select, by time; metrics that are not known are null."""
        names = {"after": "posted_at__gte", "before": "posted_at__lt"}
        ties = (
            PostLink.objects.select_related("link__image")
            .only("post_id", "link__url", "link__image__unique_id")
            .order_by("position", "id")
        )
        rows = (
            self._carrying(slug)
            .filter(**{names[n]: v for n, v in self.asked.items() if n in names})
            .select_related("account")
            .prefetch_related(Prefetch("postlink_set", ties, to_attr="carried"))
        )
        key = Key("posted_at", datetime, descending=self.asked["ordering"] == "-posted_at")
        found, cursor = pagination.page(rows, key, self.asked.get("cursor"), self.asked["limit"])
        return pagination.answer(request, PostSerializer(found, many=True).data, cursor)

    def _carrying(self, slug: str) -> PostQuerySet:
        event = self.event(slug)
        if "image" not in self.asked:
            return event.posts.selected()
        unique = UniqueImage.objects.filter(event=event, pk=self.asked["image"]).first()
        if unique is None:
            message = f"{self.asked['image']} is no unique image of {event.slug!r}."
            raise serializers.ValidationError({"image": [message]})
        return histories.posts_of(unique)
