"""What happened here?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from imagery.access import event_for


@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    return render(
        request, "imagery/overview.html", {"event": event_for(request, slug), "tab": "overview"}
    )
