"""Rules that select an event's posts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from imagery import rules as event_rules
from imagery import tasks
from imagery.access import event_for
from imagery.forms import RuleForm
from imagery.models import Role, Rule


@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest, slug: str) -> HttpResponse:
    """POST adds a rule."""
    event = event_for(request, slug, may="edit" if request.method == "POST" else "see")
    form = RuleForm(request.POST if request.method == "POST" else None, event=event)
    if request.method == "POST" and form.is_valid():
        form.instance.event = event
        form.instance.value = form.cleaned_data["value"]
        form.save()
        return redirect("imagery:rules", event.slug)
    context = {
        "event": event,
        "tab": "rules",
        "form": form,
        "rules": list(event.rules.all()),
        "may_edit": event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "imagery/rules.html", context, status=422 if form.errors else 200)


@require_GET
def matching(request: HttpRequest, slug: str) -> HttpResponse:
    """A fragment: how many of the posts already here the rules select, as a sample tells."""
    event = event_for(request, slug)
    n, n_read = event_rules.count_matching(event)
    context = {
        "n": n,
        "n_read": n_read,
        "n_all": event.posts.count(),
        "share": n / n_read if n_read else 0.0,
    }
    return render(request, "imagery/_rules_matching.html", context)


@require_POST
def remove(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    get_object_or_404(Rule, pk=rule_id, event=event).delete()
    return redirect("imagery:rules", event.slug)


@require_POST
def apply(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug, may="edit")
    tasks.apply_rules.delay_on_commit(event.pk)
    messages.success(request, "The rules are being applied to the posts already here.")
    return redirect("imagery:rules", event.slug)
