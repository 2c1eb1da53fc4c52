"""What a person is told when a request could not be answered."""

from __future__ import annotations

import errno
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from config import request_ids

RETRY_S = 10
FULL = (errno.ENOSPC, errno.EDQUOT)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 where trying again may help: the database is busy, the disk is full.

    The exception is being handled, and is in the log, when this is called.
    """
    busy = _busy(sys.exc_info()[1])
    status = 503 if busy else 500
    if request.path.startswith("/api/"):
        detail = busy or "Something broke on our side; what went wrong is in the server's log."
        told = {"detail": detail, "request_id": request_ids.current()}
        response: HttpResponse = JsonResponse(told, status=status)
    else:
        what = {"what": busy, "request_id": request_ids.current()}
        page = render_to_string("503.html" if busy else "500.html", what)
        response = HttpResponse(page, status=status)
    if busy:
        response["Retry-After"] = str(RETRY_S)
    return response


def _busy(error: BaseException | None) -> str:
    """Why it may work later; empty where it is no such thing."""
    while error is not None:
        said = str(error).lower()
        if isinstance(error, OSError) and error.errno in FULL:
            return "The server's disk is full. Nothing that was saved is lost."
        if isinstance(error, OperationalError | InterfaceError):
            if "full" in said or "no space" in said:
                return "The server's disk is full. Nothing that was saved is lost."
            return "The database is busy or out of reach. Nothing that was saved is lost."
        error = error.__cause__ or error.__context__
    return ""
