"""Live collections: made, changed, steered and read over the API. A token goes in, never out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import collecting, collection_settings, sources
from imagery.api import asked, pagination
from imagery.api.collection_serializers import (
    CollectionSerializer,
    GapSerializer,
    MinuteSerializer,
    ReadingSerializer,
    SourceSerializer,
)
from imagery.api.endpoints import Endpoint
from imagery.collection_settings import Pair
from imagery.models import Collection, Event, Gap, Minute, Reading, Rule
from imagery.models.collecting import revisit_days
from imagery.sources.live import BadOption, Live


class RuleGiven(asked.Strict):
    kind = serializers.ChoiceField(choices=Rule.Kind.choices)
    value = serializers.CharField(max_length=300)


class CollectionChanges(asked.Strict):
    name = serializers.CharField(max_length=120)
    options = serializers.DictField(
        required=False, help_text="By the fields of the source; what is left out has its default."
    )
    token = serializers.CharField(
        required=False, allow_blank=True, max_length=500, write_only=True,
        help_text="Stored, and never told again; empty forgets it.",
    )  # fmt: skip
    rules = RuleGiven(many=True, required=False, help_text="All of them.")
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    stops_at = serializers.DateTimeField(required=False, allow_null=True)
    revisit_days = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=collection_settings.OLDEST_DAYS),
        required=False, max_length=collection_settings.OLDEST_DAYS,
        help_text="Ages in days at which engagement is read again.",
    )  # fmt: skip


class NewCollection(CollectionChanges):
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=30, help_text="A name of `live-sources`."
    )
    start = serializers.BooleanField(default=False, help_text="Start it at once.")

    def validate_source(self, name: str) -> str:
        if name not in sources.LIVE:
            known = ", ".join(sources.LIVE)
            raise serializers.ValidationError(f"{name!r} is no live source; known: {known}.")
        return name


class LiveSources(Endpoint):
    @extend_schema(operation_id="live_sources_list", responses=SourceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Sources that can be collected from live, with the options of each."""
        return Response(SourceSerializer(sources.LIVE.values(), many=True).data)


class Collections(Endpoint):
    query = asked.Paged

    @extend_schema(
        operation_id="collections_list",
        parameters=[asked.Paged],
        responses=pagination.page_of(CollectionSerializer(many=True), "CollectionPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Collections, newest first."""
        rows, cursor = pagination.page(
            self.event(slug).collections.prefetch_related("rules"), pagination.NEWEST,
            self.asked.get("cursor"), self.asked["limit"],
        )  # fmt: skip
        return pagination.answer(request, CollectionSerializer(rows, many=True).data, cursor)

    @extend_schema(
        operation_id="collections_create",
        request=NewCollection,
        responses={201: CollectionSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """A new collection; it waits until it is started."""
        event = self.event(slug, may="edit")
        given = NewCollection(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        person: Any = request.user
        held = Collection(event=event, source=said.pop("source"), user=person)
        start = said.pop("start")
        source = sources.LIVE[held.source]
        said.setdefault("revisit_days", revisit_days() if source.readable_at_once else [])
        _keep(held, source, {"options": {}, "rules": []} | said)
        if start:
            _start(held, request)
        return Response(_told(event, held.pk), status=status.HTTP_201_CREATED)


class OneCollection(Endpoint):
    @extend_schema(operation_id="collections_read", responses=CollectionSerializer)
    def get(self, request: Request, slug: str, collection_id: int) -> Response:
        """One collection: what it was asked, how far it is, its last error."""
        return Response(_told(self.event(slug), collection_id))

    @extend_schema(
        operation_id="collections_update",
        request=CollectionChanges(partial=True),
        responses=CollectionSerializer,
    )
    def patch(self, request: Request, slug: str, collection_id: int) -> Response:
        """Change it; one that is on goes on with the changes within seconds."""
        event = self.event(slug, may="edit")
        held = _collection(event, collection_id)
        given = CollectionChanges(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        source = collection_settings.source_of(held)
        if source is None:
            raise serializers.ValidationError({"detail": f"{held.source!r} is no source here."})
        _keep(held, source, given.validated_data)
        return Response(_told(event, held.pk))

    @extend_schema(operation_id="collections_delete", responses={204: None})
    def delete(self, request: Request, slug: str, collection_id: int) -> Response:
        """Delete it with its minutes and gaps; the posts it brought stay."""
        _collection(self.event(slug, may="edit"), collection_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _keep(held: Collection, source: Live, said: Mapping[str, Any]) -> None:
    """Raises ValidationError by field."""
    values = {name: value for name, value in said.items() if name != "rules"}
    try:
        if "options" in values:
            values["options"] = _options(source, values["options"])
        if "revisit_days" in values:
            values["revisit_days"] = collection_settings.checked_ages(values["revisit_days"])
        pairs = _pairs(held, said.get("rules"))
    except BadOption as error:
        raise serializers.ValidationError({"options": {error.option: [str(error)]}}) from None
    except ValidationError as error:
        raise serializers.ValidationError({"rules": error.messages}) from None
    begins, ends = (values.get(n, getattr(held, n)) for n in ("starts_at", "stops_at"))
    if begins and ends and ends <= begins:
        raise serializers.ValidationError({"stops_at": ["It ends before it begins."]})
    changed = [name for name, value in values.items() if getattr(held, name) != value]
    for name in changed:
        setattr(held, name, values[name])
    collection_settings.keep(held, pairs, fields=changed)


def _options(source: Live, given: Mapping[str, Any]) -> dict[str, Any]:
    names = [option.name for option in source.options]
    for name in given:
        if name not in names:
            raise BadOption(str(name)[:100], f"No option of {source.name}: {', '.join(names)}.")
    return collection_settings.checked_options(source, given)


def _pairs(held: Collection, given: list[dict[str, str]] | None) -> list[Pair]:
    if given is None:
        return list(held.rules.values_list("kind", "value")) if held.pk else []
    return collection_settings.checked_rules((rule["kind"], rule["value"]) for rule in given)


def _collection(event: Event, collection_id: int) -> Collection:
    found = event.collections.filter(pk=collection_id).first()
    if found is None:
        raise Http404(f"no collection {collection_id} in {event.slug!r}")
    return found


def _told(event: Event, collection_id: int) -> Any:
    return CollectionSerializer(_collection(event, collection_id)).data


# Steering -----------------------------------------------------------------------------------


def _start(held: Collection, request: Request) -> None:
    """Raises ValidationError."""
    try:
        collecting.start(held, request.user)
    except collecting.CannotStart as error:
        raise serializers.ValidationError({"stops_at": [str(error)]}) from None


class Start(Endpoint):
    @extend_schema(operation_id="collections_start", request=None, responses=CollectionSerializer)
    def post(self, request: Request, slug: str, collection_id: int) -> Response:
        """Start it, or let it go on from where it was."""
        event = self.event(slug, may="edit")
        _start(_collection(event, collection_id), request)
        return Response(_told(event, collection_id))


class Pause(Endpoint):
    @extend_schema(operation_id="collections_pause", request=None, responses=CollectionSerializer)
    def post(self, request: Request, slug: str, collection_id: int) -> Response:
        """Pause it."""
        event = self.event(slug, may="edit")
        collecting.pause(_collection(event, collection_id), request.user)
        return Response(_told(event, collection_id))


class Stop(Endpoint):
    @extend_schema(operation_id="collections_stop", request=None, responses=CollectionSerializer)
    def post(self, request: Request, slug: str, collection_id: int) -> Response:
        """Stop it."""
        event = self.event(slug, may="edit")
        collecting.stop(_collection(event, collection_id), request.user)
        return Response(_told(event, collection_id))


# What came of it ----------------------------------------------------------------------------


class Minutes(Endpoint):
    query = asked.Paged

    @extend_schema(
        operation_id="collections_minutes",
        parameters=[asked.Paged],
        responses=pagination.page_of(MinuteSerializer(many=True), "MinutePage"),
    )
    def get(self, request: Request, slug: str, collection_id: int) -> Response:
        """What came in minute by minute, newest first; minutes without anything are left out."""
        rows, cursor = pagination.page(
            Minute.objects.filter(collection=_collection(self.event(slug), collection_id)),
            pagination.Key("at", datetime, descending=True), self.asked.get("cursor"),
            self.asked["limit"],
        )  # fmt: skip
        return pagination.answer(request, MinuteSerializer(rows, many=True).data, cursor)


class GapQuery(asked.Paged):
    state = serializers.ChoiceField(choices=Gap.State.choices, required=False)


class Gaps(Endpoint):
    query = GapQuery

    @extend_schema(
        operation_id="collections_gaps",
        parameters=[GapQuery],
        responses=pagination.page_of(GapSerializer(many=True), "GapPage"),
    )
    def get(self, request: Request, slug: str, collection_id: int) -> Response:
        """Times of which posts may lack, newest first, and what was done about each."""
        rows = Gap.objects.filter(collection=_collection(self.event(slug), collection_id))
        if "state" in self.asked:
            rows = rows.filter(state=self.asked["state"])
        found, cursor = pagination.page(
            rows, pagination.NEWEST, self.asked.get("cursor"), self.asked["limit"]
        )
        return pagination.answer(request, GapSerializer(found, many=True).data, cursor)


class Readings(Endpoint):
    @extend_schema(operation_id="posts_readings", responses=ReadingSerializer(many=True))
    def get(self, request: Request, slug: str, post_id: int) -> Response:
        """A post's engagement each time it was read again, by age."""
        event = self.event(slug)
        post = event.posts.filter(pk=post_id).first()
        if post is None:
            raise Http404(f"no post {post_id} in {event.slug!r}")
        rows = Reading.objects.filter(post=post).order_by("day")
        return Response(ReadingSerializer(rows, many=True).data)
