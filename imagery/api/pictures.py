"""Unique images: the list, one with its copies, and all copies of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Value, Window
from django.db.models.functions import Coalesce, RowNumber
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import histories
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.pagination import Key
from imagery.api.serializers import (
    CopySerializer,
    UniqueImageDetailSerializer,
    UniqueImageSerializer,
)
from imagery.models import Event, Image, Link, UniqueImage

FAR = datetime(9999, 12, 31, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
ORDERS = {
    "rank": Key("rank", int),
    "-growth": Key("growth", float, descending=True),
    "first_posted_at": Key("first_at", datetime),
    "-first_posted_at": Key("first_back", datetime, descending=True),
    "-last_posted_at": Key("last_back", datetime, descending=True),
    "-copies": Key("n_copies", int, descending=True),
    "-accounts": Key("n_accounts", int, descending=True),
}
COPIES = 1000  # told with one image; the rest are walked at copies/
URLS = 100  # told of a copy


class ImageQuery(asked.Paged):
    ordering = serializers.ChoiceField(choices=list(ORDERS), default="rank")
    min_posts = asked.Count(required=False)
    min_copies = asked.Count(required=False)
    group = asked.Id(required=False, help_text="The lead of a group at the event's θ.")
    first_after = serializers.DateTimeField(required=False, help_text="First posted then or later.")
    first_before = serializers.DateTimeField(required=False, help_text="First posted before then.")


FILTERS = {
    "min_posts": "n_posts__gte",
    "min_copies": "n_copies__gte",
    "group": "group_id",
    "first_after": "first_posted_at__gte",
    "first_before": "first_posted_at__lt",
}


def uniques(event: Event) -> QuerySet[UniqueImage]:
    """With what a list tells of each."""
    return (
        UniqueImage.objects.filter(event=event)
        .select_related("representative")
        .defer("hashtags", "representative__signature", "representative__top_classes")
    )


class Images(Endpoint):
    query = ImageQuery

    @extend_schema(
        operation_id="images_list",
        parameters=[ImageQuery],
        responses=pagination.page_of(UniqueImageSerializer(many=True), "UniqueImagePage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Unique images, most posted first."""
        event = self.event(slug)
        wanted = {FILTERS[n]: v for n, v in self.asked.items() if n in FILTERS}
        rows = uniques(event).filter(**wanted).annotate(
            first_at=Coalesce("first_posted_at", Value(FAR)),
            first_back=Coalesce("first_posted_at", Value(LONG_AGO)),
            last_back=Coalesce("last_posted_at", Value(LONG_AGO)),
        )  # fmt: skip
        key = ORDERS[self.asked["ordering"]]
        found, cursor = pagination.page(rows, key, self.asked.get("cursor"), self.asked["limit"])
        context = {"request": request, "slug": event.slug}
        told = UniqueImageSerializer(found, many=True, context=context).data
        return pagination.answer(request, told, cursor)


class OneImage(Endpoint):
    @extend_schema(operation_id="images_read", responses=UniqueImageDetailSerializer)
    def get(self, request: Request, slug: str, image_id: int) -> Response:
        """One unique image with its first 1,000 copies, oldest first, and what is most like it."""
        event = self.event(slug)
        unique = find_unique(event, image_id)
        copies = histories.versions_of(unique, COPIES)
        context = {
            "request": request,
            "slug": event.slug,
            "copies": copies,
            "nearest": histories.nearest_to(event, unique.pk),
            **urls_of(copies),
        }
        return Response(UniqueImageDetailSerializer(unique, context=context).data)


class Copies(Endpoint):
    query = asked.Paged

    @extend_schema(
        operation_id="images_copies",
        parameters=[asked.Paged],
        responses=pagination.page_of(CopySerializer(many=True), "CopyPage"),
    )
    def get(self, request: Request, slug: str, image_id: int) -> Response:
        """All copies of one unique image, by id."""
        event = self.event(slug)
        rows, cursor = pagination.page(
            find_unique(event, image_id).copies.defer("signature"), Key("id", int),
            self.asked.get("cursor"), self.asked["limit"],
        )  # fmt: skip
        context = {"request": request, "slug": event.slug, **urls_of(rows)}
        return pagination.answer(
            request, CopySerializer(rows, many=True, context=context).data, cursor
        )


def find_unique(event: Event, pk: int) -> UniqueImage:
    """Raises Http404."""
    found = UniqueImage.objects.filter(event=event, pk=pk).select_related("representative").first()
    if found is None:
        raise Http404(f"no unique image {pk} in {event.slug!r}")
    return found


def urls_of(copies: Sequence[Image]) -> dict[str, dict[int, Any]]:
    """Per image its URLS most posted urls, and how many there are. Two queries."""
    links = Link.objects.filter(image__in=[copy.pk for copy in copies])
    place = Window(RowNumber(), partition_by="image_id", order_by=[F("n_posts").desc(), "pk"])
    urls: dict[int, list[str]] = defaultdict(list)
    ranked = links.annotate(place=place).filter(place__lte=URLS)
    for pk, url in ranked.order_by("image_id", "place").values_list("image_id", "url"):
        urls[pk].append(url)
    counts = links.values_list("image_id").annotate(n=Count("pk")).order_by()
    return {"urls": dict(urls), "n_urls": dict(counts)}
