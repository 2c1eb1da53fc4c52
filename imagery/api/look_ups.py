"""Looking a picture up over the API: by its file, its address or a hash."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from imagery import look_up_answers, look_ups
from imagery.api.asked import Strict
from imagery.api.endpoints import Endpoint, ShallowJSONParser
from imagery.api.serializers import AccountSerializer
from imagery.models import Event, LookUp
from imagery.views.look_up import address

MULTIPART_ROOM = 2**20  # bytes of a request that are not its file


class AskedLookUp(Strict):
    """Exactly one of `file`, `url` and `hash`."""

    file = serializers.FileField(required=False, help_text="A picture.")
    url = serializers.CharField(
        required=False, max_length=4000, help_text="Of a picture; fetched by the worker."
    )
    hash = serializers.CharField(
        required=False, max_length=200, help_text="SHA-256, pHash (16 digits) or PDQ (64)."
    )
    event = serializers.SlugField(
        required=False, max_length=63, help_text="Where to look; all events you see if left out."
    )

    def validate_url(self, url: str) -> str:
        if not url.lower().startswith(("http://", "https://")):
            raise serializers.ValidationError("An address begins with http:// or https://.")
        return url

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if len({"file", "url", "hash"} & data.keys()) != 1:
            raise serializers.ValidationError({"detail": "Give one of file, url and hash."})
        return data


class LookUpHitSerializer(serializers.Serializer):
    event = serializers.CharField(source="event.slug")
    image = serializers.IntegerField(source="card.id", help_text="Unique image.")
    sha256 = serializers.CharField(source="image.sha256", help_text="Of the file found.")
    posts = serializers.IntegerField(source="card.n_posts")
    first_posted_at = serializers.DateTimeField(source="card.first_posted_at", allow_null=True)
    bits = serializers.SerializerMethodField(help_text="Of pHash that differ.")
    pdq_bits = serializers.SerializerMethodField(help_text="Of PDQ that differ.")
    kind = serializers.SerializerMethodField(help_text="Of version: crop, border, caption, …")
    inliers = serializers.SerializerMethodField(help_text="Features that agree.")
    similarity = serializers.SerializerMethodField(help_text="1 / (1 + distance).")

    def get_bits(self, hit: look_up_answers.Hit) -> int | None:
        return hit.how.get("bits")

    def get_pdq_bits(self, hit: look_up_answers.Hit) -> int | None:
        return hit.how.get("pdq_bits")

    def get_kind(self, hit: look_up_answers.Hit) -> str | None:
        return hit.how.get("kind")

    def get_inliers(self, hit: look_up_answers.Hit) -> int | None:
        return hit.how.get("inliers")

    def get_similarity(self, hit: look_up_answers.Hit) -> float | None:
        return hit.how.get("similarity")


class FirstSeenSerializer(serializers.Serializer):
    event = serializers.CharField(source="event.slug")
    image = serializers.IntegerField(source="card.id", help_text="Unique image.")
    posted_at = serializers.DateTimeField(source="at")
    url = serializers.CharField(source="post.url", default="", help_text="Of the post.")
    account = AccountSerializer(source="post.account", default=None, allow_null=True)


class LookUpFoundSerializer(serializers.Serializer):
    """Each unique image once, nearest first; null where that was not looked for (yet)."""

    exact = LookUpHitSerializer(many=True, allow_null=True)
    near = LookUpHitSerializer(many=True, allow_null=True)
    versions = LookUpHitSerializer(many=True, allow_null=True)
    differs = LookUpHitSerializer(many=True, allow_null=True, help_text="The same but for a part.")
    alike = LookUpHitSerializer(many=True, allow_null=True)


class LookUpSerializer(serializers.Serializer):
    """What you may see of what was found, as the sets are now."""

    key = serializers.CharField()
    state = serializers.CharField(help_text="queued, running, done or failed")
    reason = serializers.CharField(help_text="Why it failed.")
    asked = serializers.CharField()
    event = serializers.CharField(source="event.slug", default=None, allow_null=True)
    sha256 = serializers.CharField()
    phash = serializers.CharField()
    pdq = serializers.CharField()
    pdq_quality = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    page = serializers.URLField(help_text="Where people see it.")
    n_images = serializers.IntegerField(help_text="Images it was held against.")
    n_events = serializers.IntegerField()
    first_seen = FirstSeenSerializer(allow_null=True)
    found = LookUpFoundSerializer()
    notes = serializers.ListField(child=serializers.CharField(), help_text="What was left out.")


class NewLookUp(Endpoint):
    parser_classes = (MultiPartParser, ShallowJSONParser, FormParser)  # type: ignore[assignment]

    def most_bytes(self) -> int:
        return settings.IMAGERY_MAX_BYTES + MULTIPART_ROOM

    @extend_schema(
        operation_id="look_ups_create",
        request={"multipart/form-data": AskedLookUp, "application/json": AskedLookUp},
        responses={202: LookUpSerializer},
    )
    def post(self, request: Request) -> Response:
        """Look a picture up; poll its address until `state` is done or failed."""
        asked = AskedLookUp(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        event = self.event(given["event"]) if "event" in given else None
        if event is None and not Event.objects.visible_to(request.user).exists():
            raise NotFound("You see no event to look in.")
        words = given.get("url") or given.get("hash") or ""
        try:
            row = look_ups.ask(request.user, event, file=given.get("file"), words=words)
        except look_ups.TooMany as error:
            raise Throttled(wait=60, detail=str(error)) from error
        except look_ups.NotAsked as error:
            name = next(name for name in ("file", "url", "hash") if name in given)
            raise serializers.ValidationError({name: [str(error)]}) from error
        where = reverse("api:look-up", args=[row.key], request=request)
        return Response(
            _told(request, row), status=status.HTTP_202_ACCEPTED, headers={"Location": where}
        )


class OneLookUp(Endpoint):
    @extend_schema(operation_id="look_ups_read", responses=LookUpSerializer)
    def get(self, request: Request, key: str) -> Response:
        """What was found, so far."""
        return Response(_told(request, look_up_answers.visible(key, request.user)))


def _told(request: Request, row: LookUp) -> Any:
    answer = look_up_answers.answer(row, request.user)
    hits = {section.name: section.hits for section in answer.sections}
    fields = ("key", "state", "reason", "asked", "event", "sha256", "phash", "pdq", "pdq_quality",
              "created_at", "finished_at")  # fmt: skip
    told = {name: getattr(row, name) for name in fields}
    return LookUpSerializer(
        told
        | {
            "page": request.build_absolute_uri(address(row)),
            "n_images": answer.n_images,
            "n_events": len(answer.events),
            "first_seen": answer.first,
            "found": {name: hits.get(name) for name in look_up_answers.TITLES},
            "notes": [words for texts in answer.notes.values() for words in texts],
        }
    ).data
