"""Where did this picture come from, how did it change?"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from imagery import (
    groups,
    histories,
    pictures,
    post_table,
    renditions,
    spread_chart,
    version_history,
)
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Event, UniqueImage
from imagery.views import query

POSTS = 50
VERSIONS, MOST_VERSIONS = 48, 600
ORDERS = ("oldest", "newest")


@require_safe
def show(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The page; with `panel` its short form for the side panel."""
    event, unique = _asked(request, slug, pk)
    image = unique.representative
    context = {
        "event": event,
        "tab": "",
        "unique": unique,
        "image": image,
        "card": pictures.cards_of(event, [unique])[0],
        "renditions": (sizes := renditions.of(event, image)),
        "srcset": renditions.srcset(sizes),
        "share": unique.n_posts / event.n_image_posts if event.n_image_posts else None,
        "group": _group(event, unique),
        "chart": spread_chart.drawn(event, unique.pk),
    }
    if "panel" in request.GET:
        context["first"] = next(iter(histories.post_page(unique, limit=1).posts), None)
        return render(request, "imagery/_image_panel.html", context)
    if (compared := _compared(request, slug, unique)) is not None:
        return compared
    every = query.choice(request, "versions", ("some", "all")) == "all"
    near = query.whole(request, "near", 0, 0, 10**18) or None
    history = version_history.of(event, unique, MOST_VERSIONS if every else VERSIONS, near)
    page = histories.post_page(unique, limit=POSTS)
    before, behind = histories.beside(event, unique.pk)
    context |= {
        "posts": page,
        "order": ORDERS[0],
        "first": next(iter(page.posts), None),
        "history": history,
        "joined": joined_words(history),
        "near": near,
        "most": MOST_VERSIONS,
        "may_edit": Event.objects.editable_by(request.user).filter(pk=event.pk).exists(),
        "accounts": histories.accounts_of(unique),
        "nearest": histories.nearest_to(event, unique.pk),
        "links": histories.links_of(unique),
        "before": before,
        "behind": behind,
    }
    return render(request, "imagery/image.html", context)


@require_safe
def posts(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A further page of its posts, as rows of the table."""
    event, unique = _asked(request, slug, pk)
    order = query.choice(request, "order", ORDERS)
    try:
        page = histories.post_page(
            unique, request.GET.get("after", ""), POSTS, newest=order == "newest"
        )
    except ValueError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    context = {"event": event, "unique": unique, "posts": page, "order": order}
    return render(request, "imagery/_posts.html", context)


@require_safe
def posts_csv(request: HttpRequest, slug: str, pk: int) -> StreamingHttpResponse:
    event, unique = _asked(request, slug, pk)
    return csv_response(
        f"{event.slug}-image-{pk}-posts", post_table.FIELDS, post_table.csv_rows(unique)
    )


@require_safe
def posts_json(request: HttpRequest, slug: str, pk: int) -> StreamingHttpResponse:
    event, unique = _asked(request, slug, pk)
    response = StreamingHttpResponse(
        post_table.json_pieces(unique), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="{event.slug}-image-{pk}-posts.json"'
    return response


def _asked(request: HttpRequest, slug: str, pk: int) -> tuple[Event, UniqueImage]:
    event = event_for(request, slug)
    found = UniqueImage.objects.filter(event=event).select_related("representative")
    return event, get_object_or_404(found, pk=pk)


@dataclass(frozen=True, slots=True)
class Belonging:
    """The group a unique image is in at the event's own θ."""

    lead: int
    position: int
    n_members: int
    n_posts: int
    name: str  # that people gave it; else empty


def _group(event: Event, unique: UniqueImage) -> Belonging | None:
    found = groups.at(event)
    at = found.position_with(unique.pk)
    if at is None:
        return None
    named = groups.names(event, found).get(at)
    return Belonging(
        lead=int(found.lead[at]),
        position=at + 1,
        n_members=int(found.n_members[at]),
        n_posts=int(found.n_posts[at]),
        name=named[0].text if named else "",
    )


def _compared(request: HttpRequest, slug: str, unique: UniqueImage) -> HttpResponse | None:
    """Where the comparison is that this page was asked for, as its address once was."""
    wanted = query.whole(request, "compare", 0, 0, 10**18)
    if not wanted or not unique.copies.filter(pk=wanted).exists():
        return None
    asked: dict[str, str | int] = {"a": unique.representative_id, "b": wanted}
    if mode := request.GET.get("mode"):
        asked["mode"] = mode
    return redirect(f"{reverse('imagery:compare', args=[slug])}?{urlencode(asked)}")


def joined_words(history: version_history.History) -> list[str]:
    """What joined the files to the set; nothing where some of them are not read."""
    if len(history.versions) < history.n_versions:
        return []
    counts = version_history.joined_by(history.versions)
    told = {
        "hash": "near by hash",
        "colour": "near by colour",
        "geometry": "found by geometry",
        "people": "called the same by people",
    }
    return [f"{counts[by]:,} {words}" for by, words in told.items() if counts.get(by)]
