"""People's decisions about pictures, and the pairs that wait for one."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import deciding, doubts
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.serializers import DecisionSerializer, DoubtSerializer
from imagery.models import Decision, Event, Image

SHA256 = r"^[0-9a-f]{64}$"


class Sha256(serializers.RegexField):
    """A file of the event, by the SHA-256 of its bytes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(SHA256, **kwargs)


class DecisionQuery(asked.Paged):
    kind = serializers.ChoiceField(choices=Decision.Kind.choices, required=False)
    active = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Of those in force, or undone."
    )
    sha256 = Sha256(required=False, help_text="About this file.")


class NewDecision(asked.Strict):
    kind = serializers.ChoiceField(choices=Decision.Kind.choices)
    image = Sha256(help_text="SHA-256 of a file of the event.")
    other = Sha256(required=False, help_text="Of the second file; for same and different.")
    text = serializers.CharField(
        required=False, max_length=deciding.LONGEST_NAME, help_text="The name; for name."
    )


class Decisions(Endpoint):
    query = DecisionQuery

    @extend_schema(
        operation_id="decisions_list",
        parameters=[DecisionQuery],
        responses=pagination.page_of(DecisionSerializer(many=True), "DecisionPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Decisions, newest first, undone ones too."""
        event = self.event(slug)
        rows = deciding.history(event)
        if "kind" in self.asked:
            rows = rows.filter(kind=self.asked["kind"])
        if self.asked["active"] is not None:
            rows = rows.filter(undone_at__isnull=self.asked["active"])
        if "sha256" in self.asked:
            about = Image.objects.filter(event=event, sha256=self.asked["sha256"])
            rows = rows.filter(image__in=about) | rows.filter(other__in=about)
        found, cursor = pagination.page(
            rows, pagination.NEWEST, self.asked.get("cursor"), self.asked["limit"]
        )
        return pagination.answer(request, DecisionSerializer(found, many=True).data, cursor)

    @extend_schema(
        operation_id="decisions_create", request=NewDecision, responses={201: DecisionSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Decide. It replaces what was said of the same thing; the sets follow by a pass."""
        event = self.event(slug, may="edit")
        given = NewDecision(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        image = _file(event, "image", said["image"])
        other = _file(event, "other", said["other"]) if "other" in said else None
        try:
            made = deciding.decide(
                event, request.user, said["kind"], image, other, said.get("text", "")
            )
        except deciding.Refused as error:
            raise serializers.ValidationError({"detail": str(error)}) from None
        return Response(DecisionSerializer(made).data, status=status.HTTP_201_CREATED)


class OneDecision(Endpoint):
    @extend_schema(operation_id="decisions_read", responses=DecisionSerializer)
    def get(self, request: Request, slug: str, decision_id: int) -> Response:
        """One decision."""
        return Response(DecisionSerializer(_decision(self.event(slug), decision_id)).data)

    @extend_schema(operation_id="decisions_undo", responses={200: DecisionSerializer})
    def delete(self, request: Request, slug: str, decision_id: int) -> Response:
        """Undo it; it stays in the history, and what it replaced holds again."""
        event = self.event(slug, may="edit")
        row = deciding.undo(event, request.user, _decision(event, decision_id))
        return Response(DecisionSerializer(row).data)


def _file(event: Event, field: str, sha256: str) -> Image:
    found = Image.objects.filter(event=event, sha256=sha256).first()
    if found is None:
        raise serializers.ValidationError({field: [f"No file of {event.slug!r} is {sha256}."]})
    return found


def _decision(event: Event, decision_id: int) -> Decision:
    found = deciding.history(event).filter(pk=decision_id).first()
    if found is None:
        raise Http404(f"no decision {decision_id} in {event.slug!r}")
    return found


class DoubtQuery(asked.Paged):
    kind = serializers.ChoiceField(choices=doubts.KINDS, required=False)


class Doubtful(Endpoint):
    query = DoubtQuery

    @extend_schema(
        operation_id="doubtful_list",
        parameters=[DoubtQuery],
        responses=pagination.page_of(
            DoubtSerializer(many=True),
            "DoubtPage",
            total=serializers.IntegerField(),
            being_applied=serializers.BooleanField(
                help_text="Whether the sets do not follow yet from the last decisions."
            ),
        ),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Pairs of files on which a person should decide, by the posts that it would move."""
        event = self.event(slug)
        kinds = [self.asked["kind"]] if "kind" in self.asked else doubts.KINDS
        waiting = doubts.waiting(event, kinds)
        order, limit = f"doubtful@{','.join(kinds)}", self.asked["limit"]
        begin = 0
        if cursor := self.asked.get("cursor"):
            (begin,) = pagination.decode(cursor, order, (int,))
        page = waiting[max(0, begin) : max(0, begin) + limit]
        more = begin + limit < len(waiting)
        wanted = {pk for doubt in page for pk in (doubt.image_id, doubt.other_id)}
        files = Image.objects.filter(event=event).in_bulk(wanted)
        told = [
            {
                "kind": doubt.kind,
                "image": files[doubt.image_id],
                "other": files[doubt.other_id],
                "bits": doubt.bits,
                "posts": doubt.posts,
            }
            for doubt in page
            if doubt.image_id in files and doubt.other_id in files
        ]
        context = {"request": request, "slug": event.slug}
        return pagination.answer(
            request,
            DoubtSerializer(told, many=True, context=context).data,
            pagination.encode(order, [begin + limit]) if more else None,
            total=len(waiting),
            being_applied=deciding.being_applied(event),
        )
