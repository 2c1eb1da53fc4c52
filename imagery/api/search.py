"""Search by words and conditions, in one event or in all the person may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import search_filters, searching, text_index
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.serializers import PostSerializer, SmallSerializer
from imagery.models import Event, Post, PostLink


class TookTooLong(APIException):
    status_code = 503
    default_detail = "That is too much to look through; add a word, or a shorter time."
    default_code = "took_too_long"


class SearchQuery(asked.Paged):
    show = serializers.ChoiceField(
        choices=["images", "posts"], default="images", help_text="What `results` holds."
    )
    ordering = serializers.ChoiceField(
        choices=["posted_at", "-posted_at"], default="posted_at", help_text="Of posts."
    )
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=500,
        help_text='All words; "a phrase", -without, one OR other, begin*, #tag, @account.',
    )  # fmt: skip
    after = serializers.CharField(required=False, max_length=40, help_text="Posted then or later.")
    before = serializers.CharField(required=False, max_length=40, help_text="Posted before then.")
    account = serializers.CharField(required=False, max_length=200)
    place = serializers.CharField(required=False, max_length=300, help_text="Words of the place.")
    box = serializers.CharField(
        required=False, max_length=100, help_text="west,south,east,north in degrees"
    )
    lang = serializers.CharField(required=False, max_length=20)
    pictured = serializers.ChoiceField(choices=["yes", "no"], required=False)
    blurry = serializers.ChoiceField(choices=["only", "without"], required=False)
    dark = serializers.ChoiceField(choices=["only", "without"], required=False)
    blank = serializers.ChoiceField(choices=["only", "without"], required=False)
    tiny = serializers.ChoiceField(choices=["only", "without"], required=False)
    pixels = asked.Count(required=False, help_text="Width × height, at least.")
    copies = asked.Count(required=False, help_text="Distinct files, at least.")
    posts = asked.Count(required=False, help_text="Posts with the picture, at least.")
    group = asked.Id(required=False, help_text="Pictures of the group this one is in.")
    known = serializers.ChoiceField(choices=list(search_filters.KNOWN), required=False)


class FoundImageSerializer(SmallSerializer):
    event = serializers.SerializerMethodField()
    posts_found = serializers.SerializerMethodField(help_text="Null where all its posts count.")
    rank = serializers.IntegerField(help_text="In its event; 1 is the most posted.")

    def get_event(self, card: Any) -> str:
        return self.context["slug"]

    def get_posts_found(self, card: Any) -> int | None:
        return self.context["n_found"]


class FoundPostSerializer(PostSerializer):
    event = serializers.CharField(source="event.slug")


ANSWER = inline_serializer(
    "Found",
    {
        "next": serializers.URLField(allow_null=True),
        "n_images": serializers.IntegerField(),
        "n_posts": serializers.IntegerField(),
        "more_posts": serializers.BooleanField(help_text="There are more posts than n_posts."),
        "about": serializers.BooleanField(help_text="Images are ranked by some of the posts."),
        "images": FoundImageSerializer(many=True, help_text="Where show=images."),
        "posts": FoundPostSerializer(many=True, help_text="Where show=posts."),
    },
)


class _Search(Endpoint):
    query = SearchQuery

    def answered(self, request: Request, events: Sequence[Event]) -> Response:
        filters, problems = search_filters.read(
            {name: str(value) for name, value in self.asked.items()}, UTC
        )
        if problems:
            raise serializers.ValidationError({name: [told] for name, told in problems.items()})
        if not events:
            nothing = {"n_images": 0, "n_posts": 0, "more_posts": False, "about": False}
            return Response({"next": None, **nothing, "images": [], "posts": []})
        try:
            with text_index.bounded():
                return self._found(request, events, filters)
        except text_index.TooLong:
            raise TookTooLong from None

    def _found(
        self, request: Request, events: Sequence[Event], filters: search_filters.Filters
    ) -> Response:
        ranked = searching.ranking(events, filters)
        n_posts = searching.count_posts(events, filters)
        shows_posts = self.asked["show"] == "posts"
        take = self._posts if shows_posts else self._images
        told, cursor = take(request, events, filters)
        return Response({
            "next": pagination.next_url(request, cursor),
            "n_images": len(ranked.ids),
            "n_posts": n_posts.n,
            "more_posts": n_posts.more,
            "about": ranked.posts.more,
            "images": [] if shows_posts else told,
            "posts": told if shows_posts else [],
        })  # fmt: skip

    def _images(
        self, request: Request, events: Sequence[Event], filters: search_filters.Filters
    ) -> tuple[list, str | None]:
        ranked = searching.ranking(events, filters)
        cursor = self.asked.get("cursor")
        after = pagination.decode(cursor, "found", (int,))[0] if cursor else 0
        if after < 0:
            raise serializers.ValidationError({"cursor": [pagination.NO_CURSOR]})
        found, following = searching.picture_page(events, ranked, after, self.asked["limit"])
        told = [
            FoundImageSerializer(
                one.card,
                context={"request": request, "slug": one.event.slug, "n_found": one.n_found},
            ).data
            for one in found
        ]
        return told, pagination.encode("found", [following]) if following else None

    def _posts(
        self, request: Request, events: Sequence[Event], filters: search_filters.Filters
    ) -> tuple[Any, str | None]:
        cursor, newest = self.asked.get("cursor"), self.asked["ordering"] == "-posted_at"
        after = pagination.decode(cursor, f"found {newest}", (str,))[0] if cursor else ""
        try:
            page = searching.post_page(events, filters, after, self.asked["limit"], newest=newest)
        except ValueError:
            raise serializers.ValidationError({"cursor": [pagination.NO_CURSOR]}) from None
        ties = (
            PostLink.objects.select_related("link__image")
            .only("post_id", "link__url", "link__image__unique_id")
            .order_by("position", "id")
        )
        rows = (
            Post.objects.filter(pk__in=[post.pk for post in page.posts])
            .select_related("account", "event")
            .prefetch_related(Prefetch("postlink_set", ties, to_attr="carried"))
        )
        held = {row.pk: row for row in rows}
        told = FoundPostSerializer([held[post.pk] for post in page.posts], many=True).data
        return told, pagination.encode(f"found {newest}", [page.after]) if page.after else None


class Search(_Search):
    @extend_schema(operation_id="search_all", parameters=[SearchQuery], responses=ANSWER)
    def get(self, request: Request) -> Response:
        """Pictures or posts of every event you may see. Times without a zone are UTC."""
        return self.answered(request, list(Event.objects.visible_to(request.user).order_by("-id")))


class EventSearch(_Search):
    @extend_schema(operation_id="search_event", parameters=[SearchQuery], responses=ANSWER)
    def get(self, request: Request, slug: str) -> Response:
        """Pictures, by how many of the posts found carry them, or posts by time."""
        return self.answered(request, [self.event(slug)])
