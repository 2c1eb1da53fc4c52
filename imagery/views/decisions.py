"""Who decided what about the pictures, and undoing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from imagery import deciding
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Decision, Event, Image, UniqueImage
from imagery.views import query

PAGE = 50
STATES = ("all", "active", "undone")
HEADER = (
    "id", "decision", "image_sha256", "other_sha256", "text", "by", "made_at", "undone_at",
    "undone_by",
)  # fmt: skip


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """?state= and ?kind= choose; ?after= is the id before the first."""
    event = event_for(request, slug)
    kind = query.choice(request, "kind", ("", *Decision.Kind.values))
    state = query.choice(request, "state", STATES)
    rows = _chosen(event, kind, state)
    if after := query.whole(request, "after", 0, 0, 2**62):
        rows = rows.filter(pk__lt=after)
    found = list(rows[: PAGE + 1])
    context = {
        "event": event,
        "tab": "decisions",
        "decisions": found[:PAGE],
        "after": found[PAGE - 1].pk if len(found) > PAGE else None,
        "kinds": Decision.Kind.choices,
        "kind": kind,
        "state": state,
        "states": STATES,
        "may_edit": _may_edit(request, event),
        "being_applied": deciding.being_applied(event),
    }
    if query.wants_part(request):
        return query.part(render(request, "imagery/_decisions.html", context))
    return query.part(render(request, "imagery/decisions.html", context))


def _may_edit(request: HttpRequest, event: Event) -> bool:
    return Event.objects.editable_by(request.user).filter(pk=event.pk).exists()


def _chosen(event: Event, kind: str, state: str) -> Any:
    rows = deciding.history(event)
    if kind:
        rows = rows.filter(kind=kind)
    if state != "all":
        rows = rows.filter(undone_at__isnull=state == "active")
    return rows


@require_safe
def table(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    event = event_for(request, slug)
    return csv_response(f"{event.slug}-decisions", HEADER, _rows(event))


def _rows(event: Event) -> Iterator[list[object]]:
    for row in deciding.history(event).iterator(500):
        yield [
            row.pk,
            row.kind,
            row.image.sha256,
            row.other.sha256 if row.other else None,
            row.text,
            row.user,
            row.made_at,
            row.undone_at,
            row.undone_by,
        ]


@require_POST
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Fields: kind; image, other (ids of images) or unique (id of a unique image, for the one
    that stands for it); text; and next, where to go then."""
    event = event_for(request, slug, may="edit")
    images = Image.objects.filter(event=event)
    wanted = {"represents": _id(request, "unique")} if "unique" in request.POST else {}
    image = get_object_or_404(images, **(wanted or {"pk": _id(request, "image")}))
    other = None
    if "other" in request.POST:
        other = get_object_or_404(images, pk=_id(request, "other"))
    kind, text = request.POST.get("kind", ""), request.POST.get("text", "")
    try:
        made = deciding.decide(event, request.user, kind, image, other, text)
    except deciding.Refused as error:
        messages.error(request, f"Nothing was decided. {error}")
        return redirect(_next(request, event))
    where = _next(request, event)
    if "queue" in request.POST:  # the review tells of it by itself
        return redirect(f"{where}{'&' if '?' in where else '?'}decided={made.pk}")
    messages.success(request, _told(made))
    return redirect(where)


def _told(made: Decision) -> str:
    if made.kind in (Decision.Kind.NAME, Decision.Kind.APART):
        return f"{made.get_kind_display()}. It can be undone among the decisions."
    return f"{made.get_kind_display()}: kept, and being applied. It can be undone."


@require_POST
def undo(request: HttpRequest, slug: str, decision_id: int) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    found = get_object_or_404(Decision, event=event, pk=decision_id)
    deciding.undo(event, request.user, found)
    if "queue" not in request.POST:
        messages.success(request, f"{found.get_kind_display()}: undone.")
    return redirect(_next(request, event))


@require_POST
def take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Fields: kind, unique (id of a unique image): undo all of that kind about its files."""
    event = event_for(request, slug, may="edit")
    unique = get_object_or_404(UniqueImage, event=event, pk=_id(request, "unique"))
    n = deciding.take_back(event, request.user, request.POST.get("kind", ""), unique)
    messages.success(request, "Undone." if n else "There was nothing to undo.")
    return redirect(_next(request, event))


def _id(request: HttpRequest, name: str) -> int:
    """An id that may be none: 0 is nobody's."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _next(request: HttpRequest, event: Event) -> str:
    """Where the form wants to go, if that is a page of this site; the decisions otherwise."""
    wanted = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return (
        wanted
        if own and wanted.startswith("/")
        else reverse("imagery:decisions", args=[event.slug])
    )
