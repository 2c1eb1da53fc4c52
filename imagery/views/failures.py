"""Links that gave no usable picture, by reason, with another try and a table to take away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from imagery import pipeline, waiting
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Role

PAGE = 50


@require_GET
def failures(request: HttpRequest, slug: str) -> HttpResponse:
    """?kind= chooses one reason; ?after= is the place in its list, by posts and id."""
    event = event_for(request, slug)
    kinds = waiting.failures(event)
    chosen = request.GET.get("kind")
    if chosen not in {found.kind for found in kinds}:
        chosen = None
    after = _place(request.GET.get("after", ""))
    links = waiting.failed_links(event, chosen, after)
    rows = list(links[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    context = {
        "event": event,
        "tab": "failures",
        "kinds": kinds,
        "chosen": chosen,
        "n_all": sum(found.n_links for found in kinds),
        "links": rows[:PAGE],
        "after": f"{last.n_posts}-{last.pk}" if last else "",
        "may_edit": event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    part = after is not None and "HX-Request" in request.headers
    return render(
        request, "imagery/_failed_links.html" if part else "imagery/failures.html", context
    )


def _place(text: str) -> tuple[int, int] | None:
    """ "12-345" → (12, 345); None where it is no place."""
    posts, _, pk = text.partition("-")
    if posts.isdecimal() and pk.isdecimal() and len(text) < 40:
        return int(posts), int(pk)
    return None


@require_POST
def retry(request: HttpRequest, slug: str) -> HttpResponse:
    """Fields: link (an id), or kind, or neither for all."""
    event = event_for(request, slug, may="edit")
    link, kind = request.POST.get("link", ""), request.POST.get("kind")
    if link:
        n = pipeline.retry(event.pk, link_ids=[int(link)] if link.isdecimal() else [])
    else:
        n = pipeline.retry(event.pk, kind=kind or None)
    if n:
        messages.success(request, f"{n:,} link{'' if n == 1 else 's'} will be tried again.")
    else:
        messages.info(request, "There was nothing to try again.")
    return redirect("imagery:failures", event.slug)


@require_GET
def failures_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    event = event_for(request, slug)
    rows = (
        (link.url, link.kind, link.reason, link.attempts, link.failed_at, link.n_posts)
        for link in waiting.failed_links(event, request.GET.get("kind")).iterator(2000)
    )
    header = ["url", "kind", "reason", "attempts", "failed_at", "posts"]
    return csv_response(f"{event.slug}-failures", header, rows)
