"""What machines ask: does the process answer, could it serve a page, how much is going on."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from config import measuring
from imagery import metrics, readiness


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """503 with the names of what is out of reach; why is told in the log alone."""
    failing = readiness.failing()
    if failing:
        return JsonResponse({"status": "not ready", "failing": failing}, status=503)
    return JsonResponse({"status": "ok"})


PROBES = {"/healthz": healthz, "/readyz": readyz}


class Probes:
    """Answers probes before hosts are checked and sessions read: they come by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe: Any = PROBES.get(request.path_info)
        return probe(request) if probe else self.get_response(request)


rows = metrics.Rows()
_registry = CollectorRegistry()
_registry.register(rows)


@login_not_required
@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    """For the bearer of METRICS_TOKEN, and for staff; nobody else is told that it is there."""
    if not _may_read(request):
        raise Http404
    text = generate_latest(measuring.registry()) + generate_latest(_registry)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if request.user.is_authenticated and request.user.is_active and request.user.is_staff:
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    return bool(
        wanted and scheme.lower() == "bearer" and compare_digest(token.encode(), wanted.encode())
    )
