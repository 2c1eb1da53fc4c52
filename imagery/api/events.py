"""Events and their settings; starting a pass over one, and the jobs it is made of."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from imagery import pipeline, removal
from imagery.api import pagination
from imagery.api.asked import Paged, Similarity, Strict, TimeZone
from imagery.api.endpoints import Endpoint
from imagery.api.serializers import EventSerializer, JobSerializer
from imagery.backbone_names import choices
from imagery.forms import slug_of
from imagery.models import Event, Job, Membership, Role
from imagery.models.events import SLUG

ORGANISING = frozenset(("dedup_threshold", "copies", "similarity", "backbone", "layer"))
TAKEN = "There is an event of that slug already; choose another."


class EventSettings(Strict):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, trim_whitespace=False
    )
    timezone = TimeZone(required=False, help_text="Such as America/Puerto_Rico.")
    dedup_threshold = serializers.IntegerField(
        required=False, min_value=1, max_value=32, help_text="Copies differ in fewer pHash bits."
    )
    copies = serializers.ChoiceField(
        choices=[("versions", "Every version"), ("near", "Near copies only")],
        required=False,
        help_text="What counts as one picture: every version proven, or near copies only.",
    )
    similarity = Similarity(required=False)
    backbone = serializers.ChoiceField(
        choices=choices(), required=False, help_text="A torchvision classification model."
    )
    layer = serializers.ChoiceField(
        choices=[("snc", "Softmax Neural Codes"), ("nc", "Neural Codes")], required=False
    )


class NewEvent(EventSettings):
    slug = serializers.CharField(
        required=False,
        max_length=63,
        validators=[SLUG, UniqueValidator(Event.objects.all(), message=TAKEN)],
        help_text="Made of the name where it is left out.",
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "slug" not in data:
            data["slug"] = slug_of(data["name"])
            if not data["slug"]:
                raise serializers.ValidationError({"slug": ["No slug can be made of this name."]})
        return data


class Events(Endpoint):
    query = Paged

    @extend_schema(
        operation_id="events_list",
        parameters=[Paged],
        responses=pagination.page_of(EventSerializer(many=True), "EventPage"),
    )
    def get(self, request: Request) -> Response:
        """Events you may see, by slug."""
        rows, cursor = pagination.page(
            _with_role(request), pagination.Key("slug", str), self.asked.get("cursor"),
            self.asked["limit"],
        )  # fmt: skip
        return pagination.answer(request, EventSerializer(rows, many=True).data, cursor)

    @extend_schema(operation_id="events_create", request=NewEvent, responses={201: EventSerializer})
    def post(self, request: Request) -> Response:
        """A new event; you own it."""
        asked = NewEvent(data=request.data)
        asked.is_valid(raise_exception=True)
        person: Any = request.user
        try:
            with transaction.atomic():
                event = Event.objects.create(**asked.validated_data)
                Membership.objects.create(event=event, user=person, role=Role.OWNER)
        except IntegrityError:
            raise serializers.ValidationError({"slug": [TAKEN]}) from None
        return Response(_told(request, event), status=status.HTTP_201_CREATED)


class OneEvent(Endpoint):
    @extend_schema(operation_id="events_read", responses=EventSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One event: settings and counts."""
        return Response(_told(request, self.event(slug)))

    @extend_schema(
        operation_id="events_update",
        request=EventSettings(partial=True),
        responses=EventSerializer,
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change settings; those that decide how pictures are organised start a pass."""
        event = self.event(slug, may="edit")
        asked = EventSettings(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changed = {n: v for n, v in asked.validated_data.items() if getattr(event, n) != v}
        for name, value in changed.items():
            setattr(event, name, value)
        if changed:
            event.save(update_fields=list(changed))
        if ORGANISING & changed.keys():
            pipeline.start(event.pk)
        return Response(_told(request, event))

    @extend_schema(operation_id="events_delete", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Delete the event with all that is in it: its owner may."""
        event = self.event(slug, may="own")
        removal.delete(event)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _with_role(request: Request) -> Any:
    return Event.objects.visible_to(request.user).annotate(role=F("memberships__role"))


def _told(request: Request, event: Event) -> Any:
    return EventSerializer(_with_role(request).get(pk=event.pk)).data


class Process(Endpoint):
    @extend_schema(
        operation_id="process",
        request=None,
        responses={202: inline_serializer("Started", {"job": JobSerializer()})},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Start a pass: fetch, look, dedup, group, rollup. A running one is followed by another."""
        job = pipeline.start(self.event(slug, may="edit").pk)
        return Response({"job": JobSerializer(job).data}, status=status.HTTP_202_ACCEPTED)


class JobQuery(Paged):
    state = serializers.ChoiceField(choices=Job.State.choices, required=False)


class Jobs(Endpoint):
    query = JobQuery

    @extend_schema(
        operation_id="jobs_list",
        parameters=[JobQuery],
        responses=pagination.page_of(JobSerializer(many=True), "JobPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Jobs, newest first, with progress, rate and time left."""
        jobs = Job.objects.filter(event=self.event(slug))
        if "state" in self.asked:
            jobs = jobs.filter(state=self.asked["state"])
        rows, cursor = pagination.page(
            jobs, pagination.NEWEST, self.asked.get("cursor"), self.asked["limit"]
        )
        return pagination.answer(request, JobSerializer(rows, many=True).data, cursor)
