"""Requests counted and timed for /metrics.

With several web processes their figures add up by files in PROMETHEUS_MULTIPROC_DIR, which
docker/entry makes; with one they are in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests = Counter(
    "afterimage_requests", "Requests answered", ("view", "method", "status"), registry=REGISTRY
)
seconds = Histogram(
    "afterimage_request_seconds",
    "Time to the answer's beginning",
    ("view",),
    buckets=BUCKETS_S,
    registry=REGISTRY,
)


class Measuring:
    """Counts by the view's name, never by address: strangers cannot make up new series."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = perf_counter()
        response = self.get_response(request)
        found = request.resolver_match
        view = (found.view_name or "unnamed") if found else "none"
        method = request.method if request.method in METHODS else "other"
        requests.labels(view, method, response.status_code).inc()
        seconds.labels(view).observe(perf_counter() - begun)
        return response


def registry() -> CollectorRegistry:
    """What this machine's web processes measured, together."""
    if not os.environ.get(SHARED):
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)
    return shared
