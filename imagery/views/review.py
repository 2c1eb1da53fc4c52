"""Are these the same? Doubtful pairs, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from imagery import comparing, deciding, doubts, known, pictures, renditions
from imagery.access import event_for
from imagery.doubts import Doubt
from imagery.models import Decision, Event, Image, Match, Post, PostLink
from imagery.views import query

END = "end"
KINDS = {
    "": "All",
    "unmet": "Contradictions",
    "unproven": "Not proven",
    "within": "Just joined",
    "beyond": "Just apart",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, and where it comes from."""

    letter: str
    image: Image
    src: str
    srcset: str
    first: Post | None


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """?kind= keeps to one kind; ?pair= is the pair shown, of the queue or not, or "end";
    ?decided= the decision just made, to be undone."""
    event = event_for(request, slug)
    kind = query.choice(request, "kind", tuple(KINDS))
    every = doubts.waiting(event)
    queue = [doubt for doubt in every if kind in ("", doubt.kind)]
    place, doubt = _asked(event, queue, request.GET.get("pair", ""))
    ahead = queue[place + 1] if place + 1 < len(queue) else None
    behind = queue[place - 1] if place > 0 else None
    counts = {name: sum(d.kind == name for d in every) for name in doubts.KINDS}
    context: dict[str, Any] = {
        "event": event,
        "tab": "review",
        "kind": kind,
        "chips": [(name, label, counts.get(name, len(every))) for name, label in KINDS.items()],
        "n_left": len(queue),
        "position": place + 1,
        "here": address(event, kind, doubt.key if doubt else ""),
        "ahead": address(event, kind, ahead.key if ahead else END),
        "behind": address(event, kind, behind.key) if behind else "",
        "start": address(event, kind),
        "decided": _decided(event, request),
        "being_applied": deciding.being_applied(event),
        "may_edit": Event.objects.editable_by(request.user).filter(pk=event.pk).exists(),
    }
    if doubt is not None:
        context |= _pair(event, doubt) | {"preloaded": _preloaded(event, ahead)}
    return render(request, "imagery/review.html", context)


def address(event: Event, kind: str = "", pair: str = "") -> str:
    asked = {name: value for name, value in (("kind", kind), ("pair", pair)) if value}
    page = reverse("imagery:review", args=[event.slug])
    return f"{page}?{urlencode(asked)}" if asked else page


def _asked(event: Event, queue: list[Doubt], wanted: str) -> tuple[int, Doubt | None]:
    """Place in the queue and the pair there; −1 for a pair beside it, its length at the end."""
    if wanted == END:
        return len(queue), None
    for place, doubt in enumerate(queue):
        if not wanted or doubt.key == wanted:
            return place, doubt
    first, _, second = wanted.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (first, second)):
        ids = {int(first), int(second)}
        if Image.objects.filter(event=event, pk__in=ids).exclude(phash="").count() == 2:
            return -1, Doubt("", int(first), int(second), 0, 0)
    return (0, queue[0]) if queue else (0, None)


def _pair(event: Event, doubt: Doubt) -> dict[str, Any]:
    ids = (doubt.image_id, doubt.other_id)
    found = Image.objects.filter(event=event).select_related("unique").in_bulk(ids)
    if len(found) < 2:
        return {}
    one, other = sorted(found.values(), key=lambda image: ids.index(image.pk))
    return {
        "doubt": doubt,
        "sides": [_side(event, "A", one), _side(event, "B", other)],
        "covered_by": known.covering(event, {one.unique_id, other.unique_id}),
        "together": one.unique_id is not None and one.unique_id == other.unique_id,
        "distances": comparing.distances(event, one, other),
        "match": Match.objects.filter(image__in=ids, other__in=ids).first(),
        "held": deciding.of_pair(one.pk, other.pk),
        "compare": f"{reverse('imagery:compare', args=[event.slug])}?a={one.pk}&b={other.pk}",
    }


def _side(event: Event, letter: str, image: Image) -> Side:
    sizes = renditions.of(event, image)
    carrying = PostLink.objects.filter(link__image=image).values("post_id")
    posts = Post.objects.selected().filter(pk__in=carrying).select_related("account")
    return Side(
        letter=letter,
        image=image,
        src=pictures.thumb_url(event, image.sha256, pictures.LARGE[1]),
        srcset=renditions.srcset(sizes),
        first=posts.order_by("posted_at", "pk").first(),
    )


def _preloaded(event: Event, doubt: Doubt | None) -> list[str]:
    """Source sets of the next pair, to be had when it is asked for."""
    if doubt is None:
        return []
    found = Image.objects.filter(event=event, pk__in=(doubt.image_id, doubt.other_id))
    return [renditions.srcset(renditions.of(event, image)) for image in found]


def _decided(event: Event, request: HttpRequest) -> Decision | None:
    made = query.whole(request, "decided", 0, 0, 2**62)
    return Decision.objects.active().filter(event=event, pk=made).first() if made else None
