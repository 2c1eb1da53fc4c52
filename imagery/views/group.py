"""One group, named by any of its members, at any θ."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from imagery import group_cards, group_members, groups
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.groups import Groups
from imagery.models import Event
from imagery.views import query, similarity

PAGE = 48


@require_safe
def show(request: HttpRequest, slug: str, unique_id: int) -> HttpResponse:
    event, found, position, problem = _asked(request, slug, unique_id)
    after = query.whole(request, "after", 0, 0, 10**9)
    end = after + PAGE
    context = {
        "event": event,
        "tab": "groups",
        "unique_id": unique_id,
        "theta": found.theta,
        "may_edit": Event.objects.editable_by(request.user).filter(pk=event.pk).exists(),
        "back": request.get_full_path(),
        "members": group_members.members(event, found, position, after, PAGE),
        "n_members": int(found.n_members[position]),
        "next": end if end < found.n_members[position] else None,
    }
    if query.wants_part(request):
        return query.part(render(request, "imagery/_members.html", context))
    cards = group_cards.mosaics(event, found, [position])
    if not cards:
        raise Http404("its pictures are gone")
    context |= {
        "problem": problem,
        "card": cards[0],
        "n_groups": len(found),
        "share": cards[0].n_posts / event.n_image_posts if event.n_image_posts else None,
        "shared": group_members.why_together(event, found, position),
        "n_explained": min(group_members.EXPLAINED, cards[0].n_members),
    }
    return query.part(render(request, "imagery/group.html", context))


@require_safe
def table(request: HttpRequest, slug: str, unique_id: int) -> StreamingHttpResponse:
    """Its members as CSV."""
    event, found, position, _ = _asked(request, slug, unique_id)
    rows = group_members.table(event, found, position)
    return csv_response(f"{event.slug}-group-{unique_id}", group_members.HEADER, rows)


def _asked(request: HttpRequest, slug: str, unique_id: int) -> tuple[Event, Groups, int, str]:
    event = event_for(request, slug)
    theta, problem = similarity.asked(event, request.GET.get("similarity"))
    found = groups.at(event, theta)
    position = found.position_with(unique_id)
    if position is None:
        raise Http404(f"no picture {unique_id} in the groups of {slug!r}")
    return event, found, position, problem
