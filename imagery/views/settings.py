"""An event's name, zone and how its pictures are organised; and its end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from imagery import pipeline, removal
from imagery.access import event_for
from imagery.forms import SettingsForm, zone_names
from imagery.models import Role


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug, may="edit" if request.method == "POST" else "see")
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=event)
    if request.method == "POST" and form.is_valid():
        form.save()
        if form.changes_pictures():
            pipeline.start(event.pk)
            messages.success(request, "Saved. The event is organised anew.")
        else:
            messages.success(request, "Saved.")
        return redirect("imagery:settings", event.slug)
    role = event.role_of(request.user)
    shown = event_for(request, slug) if form.errors else event  # the header shows what is stored
    context = {
        "event": shown,
        "tab": "settings",
        "form": form,
        "zones": zone_names(),
        "may_edit": role in (Role.OWNER, Role.ANALYST),
        "may_own": role == Role.OWNER,
    }
    return render(request, "imagery/settings.html", context, status=422 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """The event's address has to be typed: there is no way back."""
    event = event_for(request, slug, may="own")
    if request.POST.get("confirm", "").strip() != event.slug:
        messages.error(request, f"Nothing was deleted: type {event.slug} to confirm.")
        return redirect("imagery:settings", event.slug)
    name = event.name
    removal.delete(event)
    messages.success(request, f"{name} was deleted with its posts and counts.")
    return redirect("imagery:events")
