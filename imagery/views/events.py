"""All events a person is a member of."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from imagery.models import Event


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    rows = Event.objects.visible_to(request.user).order_by("-id")
    return render(request, "imagery/events.html", {"events": rows})
