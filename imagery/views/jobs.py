"""The progress bar's fragment, the jobs page, and starting and cancelling work."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from imagery import pipeline, progress
from imagery.access import event_for
from imagery.models import Role

SHOWN = 40


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


@require_GET
def jobs(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    rows = list(event.jobs.all()[:SHOWN])
    imports = list(event.imports.select_related("user")[:SHOWN])
    active = any(row.is_active for row in rows)
    context = {
        "event": event,
        "tab": "jobs",
        "jobs": [(row, progress.of_job(row)) for row in rows],
        "imports": imports,
        "active": active,
        "busy": active or any(row.state in ("queued", "running") for row in imports),
        "may_edit": event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "imagery/jobs.html", context)


@require_POST
def process(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    pipeline.start(event.pk)
    messages.success(request, "Processing has been asked for.")
    return redirect("imagery:jobs", event.slug)


@require_POST
def cancel(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    if pipeline.cancel(event.pk):
        messages.success(request, "Stopped. What was done stays; process again to go on.")
    else:
        messages.info(request, "Nothing was running.")
    return redirect("imagery:jobs", event.slug)
