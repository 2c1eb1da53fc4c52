"""An event's name, zone, how its pictures are organised, what is kept of it; and its end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from imagery import pipeline, removal, retention
from imagery.access import event_for
from imagery.forms import KeepingForm, SettingsForm, zone_names
from imagery.models import Event, Role


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
    return _page(request, event, form=form, status=422 if form.errors else 200)


@require_POST
def keeping(request: HttpRequest, slug: str) -> HttpResponse:
    """What is deleted by itself. Where that concerns posts, their number is told first."""
    event = event_for(request, slug, may="own")
    form = KeepingForm(request.POST, instance=event)
    if not form.is_valid():
        return _page(request, event, keeping=form, status=422)
    policy = retention.policy_of(event)
    n = retention.posts(event, policy).count() if policy else 0
    told = f"{event.keep_days or ''}{'+gone' if event.purge_gone else ''}"
    if n and form.has_changed() and request.POST.get("told") != told:
        return _page(request, event, keeping=form, told=told, n_posts=n)
    form.save()
    if n:
        messages.success(request, f"Saved. {_posts(n)} will be deleted within a day.")
    else:
        messages.success(request, "Saved. At this moment no post is to be deleted.")
    return redirect("imagery:settings", event.slug)


def _posts(n: int) -> str:
    return f"{n:,} post{'' if n == 1 else 's'}"


def _page(
    request: HttpRequest,
    event: Event,
    *,
    form: SettingsForm | None = None,
    keeping: KeepingForm | None = None,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    role = event.role_of(request.user)
    given = form if form is not None else keeping
    # The header shows what is stored, and so does the form that was not sent.
    shown = event_for(request, event.slug) if given is not None and given.data else event
    context = {
        "event": shown,
        "tab": "settings",
        "form": form or SettingsForm(instance=shown),
        "keeping": keeping or KeepingForm(instance=shown),
        "purges": retention.last_purges(shown),
        "zones": zone_names(),
        "may_edit": role in (Role.OWNER, Role.ANALYST),
        "may_own": role == Role.OWNER,
        **more,
    }
    return render(request, "imagery/settings.html", context, status=status)


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
