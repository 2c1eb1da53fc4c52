"""Requests that hold a NUL character: no name or word has one, and PostgreSQL keeps none."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

SAID = "The request holds a character that no text may have (NUL)."
REFUSED = ("cannot contain NUL", "\\u0000 cannot be converted to text", "Unicode escape sequence")


class NoNul:
    """400 where a page's address holds one, or the database refuses the text of a request.

    What such a request has begun is undone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        in_query = "%00" in request.META.get("QUERY_STRING", "")
        # The API reads each of its parameters, and names the one that does not fit.
        if "\0" in request.path or (in_query and not request.path.startswith("/api/")):
            return _refused(request)
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DataError) or not any(said in str(error) for said in REFUSED):
            return None
        return _refused(request)


def _refused(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": SAID}, status=400)
    return render(request, "400.html", {"reason": SAID}, status=400)
