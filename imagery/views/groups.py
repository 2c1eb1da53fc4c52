"""What belongs together? The groups of an event at any θ."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from imagery import group_cards, groups, snapshots
from imagery.access import event_for
from imagery.models import Event, Snapshot
from imagery.views import query, similarity

PAGE = 24
FEW = 6  # cards from which the first is drawn larger


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; to a script that asks, only the groups of it, from `after` on."""
    event = event_for(request, slug)
    theta, problem = similarity.asked(event, request.GET.get("similarity"))
    order = query.choice(request, "order", tuple(group_cards.ORDERS))
    min_members = query.whole(request, "min", 1, 1, 10**6)
    after = query.whole(request, "after", 0, 0, 10**9)
    found = groups.at(event, theta)
    page = group_cards.page(
        event,
        found,
        order=order,
        min_members=min_members,
        after=after,
        limit=PAGE,
    )
    context = {
        "event": event,
        "tab": "groups",
        "page": page,
        "has_lead": not after and len(page.cards) >= FEW,
        "theta": theta,
        "query": f"similarity={theta:g}&order={order}&min={min_members}",
        "n_all": len(found),
        "largest": int(found.n_members.max(initial=0)),
    }
    if query.wants_part(request):
        return query.part(render(request, "imagery/_groups.html", context))
    context |= {
        "problem": problem,
        "order": order,
        "orders": group_cards.ORDERS,
        "min_members": min_members,
        "plot": _plot(event),
        "lowest": similarity.LOWEST,
        "highest": similarity.HIGHEST,
        "may_edit": Event.objects.editable_by(request.user).filter(pk=event.pk).exists(),
    }
    return query.part(render(request, "imagery/groups.html", context))


@require_POST
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a θ the event's own; its groups are counted anew."""
    from imagery import pipeline  # loads every stage: only when work is to be started

    event = event_for(request, slug, may="edit")
    try:
        theta = similarity.parse(request.POST.get("similarity", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("imagery:groups", slug)
    Event.objects.filter(pk=event.pk).update(similarity=theta)
    pipeline.start(event.pk)
    messages.success(
        request, f"θ = {theta:g} is now the event's own. Its groups are being counted."
    )
    return redirect(f"{reverse('imagery:groups', args=[slug])}?similarity={theta:g}")


def _plot(event: Event) -> dict[str, list]:
    """Number of groups and size of the largest against θ, for the slider's track."""
    tree = snapshots.read(event, Snapshot.Kind.TREE)
    # Pictures without a vector are groups of their own.
    alone = max(0, len(snapshots.read(event, Snapshot.Kind.UNIQUE)["id"]) - len(tree["unique"]))
    return {
        "thetas": [round(float(theta), 4) for theta in tree["thetas"]],
        "n_groups": (tree["n_groups"] + alone).tolist(),
        "largest": tree["largest"].tolist(),
    }
