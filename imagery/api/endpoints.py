"""What endpoints share: their parameters, and who may open what."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from imagery.access import event_for
from imagery.api.asked import Query
from imagery.models import Event


class Endpoint(APIView):
    """Reads the query parameters its `query` names into `asked`; others are answered 400."""

    query: ClassVar[type[Query]] = Query
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        reads = request.method in ("GET", "HEAD")
        self.asked = self.query.read(request) if reads else {}

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


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
