"""The progress bar's fragment, the jobs pages, and starting, cancelling and bringing back work."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from imagery import at_work, fetch, pace, pipeline, progress, waiting
from imagery.access import event_for
from imagery.models import Event, Role

SHOWN = 24


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
    work = at_work.of_event(event, Event.objects.visible_to(request.user))
    processes = at_work.processes()
    collections = at_work.collections([event])
    importing = any(row.is_unfinished for row in imports)
    context = {
        "event": event,
        "tab": "jobs",
        "jobs": [(row, progress.of_job(row)) for row in rows],
        "imports": imports,
        "work": work,
        "n_minutes": pace.MINUTES,
        "width": pace.WIDTH,
        "height": pace.HEIGHT,
        "failures": waiting.failures(event) if work.n_failed else [],
        "processes": processes,
        "unattended": not at_work.someone_works(processes),
        "collections": collections,
        "active": work.job is not None,
        "busy": work.job is not None or importing or bool(collections),
        "may_edit": event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "imagery/jobs.html", context)


@require_GET
def everywhere(request: HttpRequest) -> HttpResponse:
    """Of all events that the person may see."""
    events = at_work.of_events(Event.objects.visible_to(request.user))
    processes = at_work.processes()
    collections = at_work.collections([row.event for row in events])
    context = {
        "at_work": [row for row in events if not row.is_at_rest],
        "at_rest": [row for row in events if row.is_at_rest],
        "processes": processes,
        "unattended": not at_work.someone_works(processes),
        "collections": collections,
        "busy": bool(collections) or any(row.is_busy for row in events),
    }
    return render(request, "imagery/jobs_all.html", context)


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


@require_POST
def bring_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the links that were put aside wait again, and start a pass."""
    event = event_for(request, slug, may="edit")
    n = pipeline.retry(event.pk, kind=fetch.SHED)
    if n:
        messages.success(request, f"{n:,} link{'' if n == 1 else 's'} will be fetched after all.")
    else:
        messages.info(request, "No link was put aside.")
    return redirect("imagery:jobs", event.slug)
