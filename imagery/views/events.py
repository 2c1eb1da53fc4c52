"""All events a person is a member of, and new ones."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from imagery.event_cards import event_cards, with_state
from imagery.forms import EventForm, zone_names
from imagery.models import Event, Membership, Role

PAGE = 24


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    rows = Event.objects.visible_to(request.user).order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(with_state(rows)[: PAGE + 1])
    context = {
        "cards": event_cards(found[:PAGE]),
        "before": found[PAGE - 1].pk if len(found) > PAGE else None,
    }
    part = "HX-Request" in request.headers and before
    template = "imagery/_event_cards.html" if part else "imagery/events.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = EventForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        event = form.save()
        owner = cast(User, request.user)  # the middleware lets nobody else in
        Membership.objects.create(event=event, user=owner, role=Role.OWNER)
        messages.success(request, f"{event.name} is there. Bring its posts in.")
        return redirect("imagery:import", event.slug)
    return render(
        request,
        "imagery/event_new.html",
        {"form": form, "zones": zone_names()},
        status=422 if form.errors else 200,
    )
