"""Who may open what. Closed by default: a stranger is told that nothing is there."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from imagery.models import Event


def event_for(request: HttpRequest, slug: str, *, may: str = "see") -> Event:
    """The event, if the person may "see", "edit" or "own" it; Http404 otherwise.

    Someone who may see but not edit is answered 404 too: the act does not exist for them.
    """
    sets = {
        "see": Event.objects.visible_to,
        "edit": Event.objects.editable_by,
        "own": Event.objects.owned_by,
    }
    event = sets[may](request.user).filter(slug=slug).first()
    if event is None:
        raise Http404(f"no event {slug!r}")
    return event
