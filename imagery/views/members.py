"""Who may see an event, and as what."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from imagery.access import event_for
from imagery.forms import MemberForm
from imagery.models import Event, Membership, Role

ROLES = [
    (Role.OWNER, "everything, members and deleting included"),
    (Role.ANALYST, "import, process, rules and settings"),
    (Role.VIEWER, "look at everything"),
    (Role.ANNOTATOR, "answer tasks, see nothing else"),
]


@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """POST adds a member."""
    event = event_for(request, slug, may="own" if request.method == "POST" else "see")
    form = MemberForm(request.POST if request.method == "POST" else None, event=event)
    if request.method == "POST" and form.is_valid():
        user, role = form.cleaned_data["username"], form.cleaned_data["role"]
        Membership.objects.create(event=event, user=user, role=role)
        messages.success(request, f"{user} is now {role} of this event.")
        return redirect("imagery:members", event.slug)
    context = {
        "event": event,
        "tab": "members",
        "form": form,
        "members": list(event.memberships.select_related("user").order_by("user__username")),
        "roles": ROLES,
        "choices": Role.choices,
        "may_own": event.role_of(request.user) == Role.OWNER,
    }
    return render(request, "imagery/members.html", context, status=422 if form.errors else 200)


@require_POST
def change(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Field role: one of Role, or "" to remove. The last owner stays owner."""
    event = event_for(request, slug, may="own")
    role = request.POST.get("role", "")
    if role and role not in Role.values:
        messages.error(request, f"{role!r} is no role; choose one of {', '.join(Role.values)}.")
        return redirect("imagery:members", event.slug)
    with transaction.atomic():
        Event.objects.select_for_update().get(pk=event.pk)  # two owners leaving at once
        member = get_object_or_404(
            Membership.objects.select_related("user"), pk=member_id, event=event
        )
        if member.role == Role.OWNER and role != Role.OWNER and _owners(event) == 1:
            messages.error(request, f"{member.user} is the last owner: make another one first.")
        elif role:
            Membership.objects.filter(pk=member.pk).update(role=role)
            messages.success(request, f"{member.user} is now {role}.")
        else:
            member.delete()
            messages.success(request, f"{member.user} is no longer a member.")
    if not Event.objects.owned_by(request.user).filter(pk=event.pk).exists():
        return redirect("imagery:events")
    return redirect("imagery:members", event.slug)


def _owners(event: Event) -> int:
    return event.memberships.filter(role=Role.OWNER).count()
