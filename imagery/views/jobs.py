"""The progress bar's fragment, the jobs page, and starting and cancelling work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from imagery import progress
from imagery.access import event_for


@require_GET
def progress_bar(request: HttpRequest, slug: str) -> HttpResponse:
    """Polled while something runs; says `settled` once when nothing does any more."""
    event = event_for(request, slug)
    current = progress.current(event)
    response = render(
        request, "imagery/_progress.html", {"event": event, "progress": current, "polled": True}
    )
    if current is None:
        response["HX-Trigger"] = "settled"
    return response
