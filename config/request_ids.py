"""An id for each request: taken from X-Request-ID, else made; in its lines, answer and errors."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from config import logs

HEADER = "X-Request-ID"
USABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """First of the middlewares. What is sent as an id and could mislead in a log is not taken."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get(HEADER, "")
        request_id = sent if USABLE.fullmatch(sent) else uuid.uuid4().hex
        with logs.tagged(request_id=request_id):
            response = self.get_response(request)
        response[HEADER] = request_id
        return response


def current() -> str:
    """The id of the request in hand; empty outside of one."""
    return str(logs.tags().get("request_id", ""))
