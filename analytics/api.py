"""What an event's set says, over the API: its reduction and its timeline."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from analytics import reduction, timelines
from analytics.core import intervals
from imagery import pictures
from imagery.api.asked import Query
from imagery.api.endpoints import Endpoint
from imagery.models import Event

Card = dict[str, object]


class ReductionSerializer(serializers.Serializer):
    posts = serializers.IntegerField()
    image_posts = serializers.IntegerField()
    urls = serializers.IntegerField()
    images = serializers.IntegerField()
    unique_images = serializers.IntegerField()
    near_images = serializers.IntegerField(
        help_text="Unique images by perceptual hash alone, whatever the event counts."
    )
    groups = serializers.IntegerField()


class Reduction(Endpoint):
    @extend_schema(operation_id="reduction", responses=ReductionSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """How far copies and likeness reduce the event's posts."""
        return Response(ReductionSerializer(reduction.reduction(self.event(slug))).data)


class TimelineQuery(Query):
    interval = serializers.ChoiceField(choices=["auto", *intervals.MINUTES], default="auto")
    order = serializers.ChoiceField(choices=list(timelines.ORDERS), default="posts")
    top = serializers.IntegerField(min_value=1, max_value=timelines.MOST_TOP, default=5)
    start = serializers.DateTimeField(required=False)
    end = serializers.DateTimeField(required=False)


class TopSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    posts = serializers.IntegerField(help_text="With this unique image, in the interval.")
    sha256 = serializers.CharField()
    thumb = serializers.URLField()


class IntervalSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    posts = serializers.IntegerField(source="n_posts")
    image_posts = serializers.IntegerField(source="n_image_posts")
    top = serializers.SerializerMethodField()

    @extend_schema_field(TopSerializer(many=True))
    def get_top(self, part: timelines.Interval) -> list[Card]:
        cards: dict[int, Card] = self.context["cards"]
        return [cards[pk] | {"posts": n} for pk, n in part.top if pk in cards]


class TimelineSerializer(serializers.Serializer):
    interval = serializers.CharField()
    is_auto = serializers.BooleanField()
    order = serializers.CharField()
    top = serializers.IntegerField(source="limit")
    zone = serializers.CharField(help_text="In whose calendar intervals begin.")
    start = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)
    first = serializers.DateTimeField(allow_null=True, help_text="Of the event's whole span.")
    last = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(help_text="What differs from what was asked for.")
    intervals = IntervalSerializer(many=True)


class Timeline(Endpoint):
    query = TimelineQuery

    @extend_schema(
        operation_id="timeline", parameters=[TimelineQuery], responses=TimelineSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        """Posts and top unique images of each interval, without a gap."""
        event = self.event(slug)
        try:
            made = timelines.timeline(event, **self.asked)
        except ValueError as error:
            raise serializers.ValidationError({"end": [str(error)]}) from None
        context = {"cards": _cards(request, event, made.unique_ids)}
        return Response(TimelineSerializer(made, context=context).data)


def _cards(request: Request, event: Event, ids: list[int]) -> dict[int, Card]:
    return {
        card.id: {
            "id": card.id,
            "sha256": card.sha256,
            "thumb": reverse(
                "api:thumb", args=[event.slug, card.sha256, pictures.SMALL], request=request
            ),
        }
        for card in pictures.cards(event, ids)
    }
