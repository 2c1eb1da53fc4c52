"""Live collection: what is collected, how it goes, and steering it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from imagery import collecting, collection_figures, collection_settings, readings, sources
from imagery.access import event_for
from imagery.collection_forms import CollectionForm
from imagery.models import Collection, Event, Role
from imagery.views import query

SHOTS = 24
SHOTS_OF_EACH = 5
GAPS = 50


def _collection(event: Event, collection_id: int) -> Collection:
    return get_object_or_404(event.collections.select_related("user"), pk=collection_id)


def _may_edit(request: HttpRequest, event: Event) -> bool:
    return event.role_of(request.user) in (Role.OWNER, Role.ANALYST)


@require_GET
def collections(request: HttpRequest, slug: str) -> HttpResponse:
    """To a script that asks, the list alone."""
    event = event_for(request, slug)
    held = list(event.collections.order_by("state", "-pk"))  # those that are on first
    attended = collection_figures.attended()
    sparks = collection_figures.sparks(held)
    rate, lag = collection_figures.per_minute(held), collection_figures.lags(held)
    context = {
        "event": event,
        "tab": "collections",
        "rows": [
            {
                "collection": one,
                "source": collection_settings.source_of(one),
                "standing": collection_figures.standing(one, attended),
                "spark": sparks.get(one.pk, ""),
                "rate": rate.get(one.pk, 0.0),
                "lag": lag.get(one.pk),
                "shots": collection_figures.last_pictures(event, one, SHOTS_OF_EACH),
            }
            for one in held
        ],
        "spark_width": collection_figures.SPARK_WIDTH,
        "spark_height": collection_figures.SPARK_HEIGHT,
        "may_edit": _may_edit(request, event),
    }
    part = query.wants_part(request)
    name = "imagery/_collections.html" if part else "imagery/collections.html"
    return query.part(render(request, name, context))


# One collection -----------------------------------------------------------------------------


@require_GET
def show(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    """To a script that asks, what changes while it collects."""
    event = event_for(request, slug)
    held = _collection(event, collection_id)
    may_edit = _may_edit(request, event)
    context = {**_now(event, held), "event": event, "collection": held, "may_edit": may_edit}
    span = query.choice(request, "span", collection_figures.SPANS)
    if query.wants_part(request):
        name, context["oob"] = "imagery/_collection_now.html", True
        if "rates" in request.GET:
            name = "imagery/_collection_rates.html"
            context = {"event": event, "rates": collection_figures.rates_kept(held, span)}
        return query.part(render(request, name, context))
    context |= {
        "tab": "collections",
        "span": span,
        "spans": (("hour", "Last hour"), ("day", "Last day"), ("all", "All")),
        "rates": collection_figures.rates_kept(held, span),
        "rules": held.rules.all(),
        "options": _told_options(held),
        "ages": collection_settings.told_ages(held.revisit_days),
    }
    return query.part(render(request, "imagery/collection.html", context))


def _now(event: Event, held: Collection) -> dict[str, Any]:
    gaps = list(held.gaps.all()[:GAPS])
    return {
        "source": collection_settings.source_of(held),
        "standing": collection_figures.standing(held, collection_figures.attended()),
        "rate": collection_figures.per_minute([held]).get(held.pk, 0.0),
        "lag": collection_figures.lags([held]).get(held.pk),
        "shots": collection_figures.last_pictures(event, held, SHOTS),
        "n_posts": held.posts.selected().count(),
        "gaps": [(gap, collection_figures.gap_seconds(gap)) for gap in gaps],
        "n_gaps": held.gaps.count() if len(gaps) == GAPS else len(gaps),
        "readings": readings.progress(held),
    }


def _told_options(held: Collection) -> list[tuple[str, str]]:
    source = collection_settings.source_of(held)
    told: list[tuple[str, str]] = []
    for option in source.options if source else ():
        value = held.options.get(option.name)
        if option.kind == "flag":
            value = "yes" if value else "no"
        elif option.kind == "choice":
            value = dict(option.choices).get(str(value), value)
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in (None, ""):
            told.append((option.label, str(value)))
    return told


@require_GET
def rates(request: HttpRequest, slug: str, collection_id: int) -> JsonResponse:
    """{"at", "seen", "kept", "bad", "interval_min", "gaps": [{"from", "to", "state"}]}.

    Times are local to the event's zone, counts are per interval.
    """
    event = event_for(request, slug)
    held = _collection(event, collection_id)
    found = collection_figures.rates_kept(
        held, query.choice(request, "span", collection_figures.SPANS)
    )
    gaps = collection_figures.gaps_in(held, found.begins_at, found.ends_at)
    local = collection_figures.clock(event)
    return JsonResponse(
        {
            "at": [local(bar.at) for bar in found.bars],
            "seen": [bar.n_seen for bar in found.bars],
            "kept": [bar.n_kept for bar in found.bars],
            "bad": [bar.n_bad for bar in found.bars],
            "interval_min": found.interval_min,
            "begins": local(found.begins_at),
            "ends": local(found.ends_at),
            "gaps": [
                {
                    "from": local(max(gap.begins_at, found.begins_at)),
                    "to": local(min(gap.ends_at or found.ends_at, found.ends_at)),
                    "state": gap.state,
                }
                for gap in gaps
            ],
        }
    )


# Making and changing ------------------------------------------------------------------------


@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """`source` says which; without it one is chosen first."""
    event = event_for(request, slug, may="edit")
    asked = request.POST.get("source") or request.GET.get("source", "")
    source = sources.LIVE.get(asked)
    posted = request.POST if request.method == "POST" else None
    form = CollectionForm(posted, event=event, source=source) if source else None
    if form is not None and form.is_bound and form.is_valid():
        held = form.keep(request.user)
        if "start" in request.POST:
            _act(request, held, collecting.start)
        else:
            messages.success(request, f"{held.name} is kept. Start it when you like.")
        return redirect("imagery:collection", event.slug, held.pk)
    context = {
        "event": event,
        "tab": "collections",
        "sources": sources.LIVE.values(),
        "source": source,
        "form": form,
    }
    wrong = form.errors if form else request.method == "POST"
    return render(request, "imagery/collection_new.html", context, status=422 if wrong else 200)


@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    held = _collection(event, collection_id)
    source = collection_settings.source_of(held)
    if source is None:
        messages.error(request, f"{held.source!r} is no source any more: it cannot be changed.")
        return redirect("imagery:collection", event.slug, held.pk)
    posted = request.POST if request.method == "POST" else None
    form = CollectionForm(posted, event=event, source=source, collection=held)
    if form.is_bound and form.is_valid():
        form.keep(request.user)
        on = held.state == Collection.State.ON
        messages.success(request, f"Saved.{' It goes on with the changes.' if on else ''}")
        return redirect("imagery:collection", event.slug, held.pk)
    context = {
        "event": event,
        "tab": "collections",
        "collection": _collection(event, collection_id),  # as stored, whatever was typed
        "source": source,
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "imagery/collection_edit.html", context, status=status)


@require_POST
def duplicate(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    made = collection_settings.copy(_collection(event, collection_id), request.user)
    messages.success(request, "This is the copy: it has collected nothing, and is not started.")
    return redirect("imagery:collection-edit", event.slug, made.pk)


@require_POST
def delete(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    """Posts it brought stay."""
    event = event_for(request, slug, may="edit")
    held = _collection(event, collection_id)
    held.delete()
    messages.success(request, f"{held.name} is deleted. The posts it brought stay.")
    return redirect("imagery:collections", event.slug)


# Steering -----------------------------------------------------------------------------------


def _steer(request: HttpRequest, slug: str, collection_id: int, act: Callable) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    held = _collection(event, collection_id)
    _act(request, held, act)
    back = "imagery:collections" if "from-list" in request.POST else "imagery:collection"
    where = [event.slug] if back == "imagery:collections" else [event.slug, held.pk]
    return redirect(back, *where)


def _act(request: HttpRequest, held: Collection, act: Callable) -> None:
    try:
        act(held, request.user)
    except collecting.CannotStart as error:
        messages.error(request, str(error))


@require_POST
def start(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    return _steer(request, slug, collection_id, collecting.start)


@require_POST
def pause(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    return _steer(request, slug, collection_id, collecting.pause)


@require_POST
def stop(request: HttpRequest, slug: str, collection_id: int) -> HttpResponse:
    return _steer(request, slug, collection_id, collecting.stop)


ACTS = {"start": start, "pause": pause, "stop": stop, "duplicate": duplicate, "delete": delete}


@require_GET
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """A fragment of the overview: what is collected at this moment."""
    event = event_for(request, slug)
    context = {"event": event, "now": collection_figures.now_of(event)}
    return render(request, "imagery/_live.html", context)
