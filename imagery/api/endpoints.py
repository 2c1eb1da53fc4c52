"""What endpoints share: their parameters, and who may open what."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from rest_framework.exceptions import APIException, ParseError, PermissionDenied
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from imagery.access import event_for
from imagery.api.asked import Query
from imagery.models import Event


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class ShallowJSONParser(JSONParser):
    """Refuses what is nested deeper than Python reads, and text that nothing can write again."""

    def parse(self, stream: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = super().parse(stream, *args, **kwargs)
            json.dumps(found, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except UnicodeEncodeError:
            raise ParseError("The JSON holds half a character (a lone surrogate).") from None
        return found


class Endpoint(APIView):
    """Reads the query parameters its `query` names into `asked`; others are answered 400."""

    parser_classes = (ShallowJSONParser, FormParser)
    query: ClassVar[type[Query]] = Query
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything reads the body: what is too long is not even kept for a moment.
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > self.most_bytes():
            raise TooLarge(
                f"The request has {int(length):,} bytes; {self.most_bytes():,} is the most here."
            )
        super().initial(request, *args, **kwargs)
        reads = request.method in ("GET", "HEAD")
        self.asked = self.query.read(request) if reads else {}

    def most_bytes(self) -> int:
        """Of a request's body."""
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def event(self, slug: str, *, may: str = "see") -> Event:
        """The event, if the person may "see", "edit" or "own" it.

        Raises Http404 for whoever may not even see it, PermissionDenied for the others.
        """
        try:
            return event_for(self.request, slug, may=may)
        except Http404:
            event = event_for(self.request, slug)
        act = {"edit": "change", "own": "delete"}[may]
        role = event.role_of(self.request.user)
        raise PermissionDenied(f"As {role} of {event.slug!r} you may look, but not {act} it.")
