"""What an event works on at this moment, who is at work; stopping, and trying again."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import at_work, pipeline
from imagery.api.asked import Id, Strict
from imagery.api.endpoints import Endpoint
from imagery.api.serializers import JobSerializer
from imagery.models import Event

MOST_LINKS = 1000


class SpreadSerializer(serializers.Serializer):
    n = serializers.IntegerField(help_text="Measured.")
    p50 = serializers.FloatField(help_text="Seconds.")
    p95 = serializers.FloatField(help_text="Seconds.")


class StageSerializer(serializers.Serializer):
    stage = serializers.CharField()
    state = serializers.CharField(help_text="Of its last job; empty where it never ran.")
    waiting = serializers.IntegerField(
        source="backlog.n", allow_null=True, default=None, help_text="Rows still to do."
    )
    oldest_at = serializers.DateTimeField(
        source="backlog.oldest_at", allow_null=True, default=None,
        help_text="Since when the oldest of them waits.",
    )  # fmt: skip
    waited = SpreadSerializer(source="pace.waited", allow_null=True)
    worked = SpreadSerializer(source="pace.worked", allow_null=True)
    per_minute = serializers.ListField(
        source="hour.per_minute", child=serializers.IntegerField(), allow_null=True, default=None,
        help_text="Items of each minute of the last hour, the last one not over.",
    )  # fmt: skip


class BeforeSerializer(serializers.Serializer):
    event = serializers.CharField(source="slug", help_text="Empty where you may not see it.")
    stage = serializers.CharField()
    state = serializers.CharField()


class WorkSerializer(serializers.Serializer):
    job = JobSerializer(allow_null=True, help_text="The active one.")
    stages = StageSerializer(many=True)
    stored_to_fetched = SpreadSerializer(source="latency.stored_to_fetched", allow_null=True)
    fetched_to_looked = SpreadSerializer(source="latency.fetched_to_looked", allow_null=True)
    before = BeforeSerializer(
        source="place.before", many=True, default=[], help_text="Passes that go first."
    )
    failed = serializers.IntegerField(source="n_failed", help_text="Links.")
    shed = serializers.IntegerField(source="n_shed", help_text="Links put aside under overload.")


class ProcessSerializer(serializers.Serializer):
    kind = serializers.CharField(source="process.kind")
    host = serializers.CharField(source="process.host")
    pid = serializers.IntegerField(source="process.pid")
    queues = serializers.ListField(source="process.queues", child=serializers.CharField())
    device = serializers.CharField(source="process.device")
    started_at = serializers.DateTimeField(source="process.started_at")
    seen_at = serializers.DateTimeField(source="process.beat_at")
    alive = serializers.BooleanField(source="is_alive")


class Now(Endpoint):
    @extend_schema(operation_id="jobs_now", responses=WorkSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Stages with what waits and how long they take, place in the queue, failed, put aside."""
        visible = Event.objects.visible_to(request.user)
        return Response(WorkSerializer(at_work.of_event(self.event(slug), visible)).data)


class Processes(Endpoint):
    @extend_schema(operation_id="processes_list", responses=ProcessSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Workers, collectors and clocks seen within a day, those at work first."""
        return Response(ProcessSerializer(at_work.processes(), many=True).data)


class Cancel(Endpoint):
    @extend_schema(
        operation_id="cancel",
        request=None,
        responses=inline_serializer("Cancelled", {"stopped": serializers.BooleanField()}),
    )
    def post(self, request: Request, slug: str) -> Response:
        """Stop the pass after what is in hand; what was done stays."""
        return Response({"stopped": bool(pipeline.cancel(self.event(slug, may="edit").pk))})


class Again(Strict):
    kind = serializers.CharField(
        required=False, max_length=30, help_text="Of failure; `shed`: links put aside."
    )
    links = serializers.ListField(child=Id(), required=False, max_length=MOST_LINKS)


class Retry(Endpoint):
    @extend_schema(
        operation_id="retry",
        request=Again,
        responses={202: inline_serializer("Retried", {"links": serializers.IntegerField()})},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Let failed and shed links wait again: of one kind, those named, or all; start a pass."""
        event = self.event(slug, may="edit")
        asked = Again(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        n = pipeline.retry(event.pk, link_ids=given.get("links"), kind=given.get("kind"))
        return Response({"links": n}, status=status.HTTP_202_ACCEPTED)
