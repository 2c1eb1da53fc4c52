"""Where did this picture come from, how did it change?"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from imagery import groups, histories, pictures, post_table, renditions, spread_chart
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Event, Image, UniqueImage
from imagery.views import query

POSTS = 50
VERSIONS = 48
MODES = ("slider", "overlay", "side", "difference")
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
        "card": pictures.card(event, unique),
        "renditions": (sizes := renditions.of(event, image)),
        "srcset": renditions.srcset(sizes),
        "share": unique.n_posts / event.n_image_posts if event.n_image_posts else None,
        "group": _group(event, unique),
        "chart": spread_chart.drawn(event, unique.pk),
    }
    if "panel" in request.GET:
        context["first"] = next(iter(histories.post_page(unique, limit=1).posts), None)
        return render(request, "imagery/_image_panel.html", context)
    every = query.choice(request, "versions", ("some", "all")) == "all"
    versions = histories.versions_of(unique, None if every else VERSIONS)
    page = histories.post_page(unique, limit=POSTS)
    before, behind = histories.beside(event, unique.pk)
    context |= {
        "posts": page,
        "order": ORDERS[0],
        "first": next(iter(page.posts), None),
        "versions": versions,
        "compared": _compared(request, versions),
        "mode": query.choice(request, "mode", MODES),
        "accounts": histories.accounts_of(unique),
        "near": histories.nearest_to(event, unique.pk),
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


def _group(event: Event, unique: UniqueImage) -> Belonging | None:
    found = groups.at(event)
    at = found.position_with(unique.pk)
    if at is None:
        return None
    return Belonging(int(found.lead[at]), at + 1, int(found.n_members[at]), int(found.n_posts[at]))


def _compared(request: HttpRequest, versions: list[Image]) -> Image | None:
    """The version asked to be held against the representative."""
    wanted = query.whole(request, "compare", 0, 0, 10**18)
    return next((version for version in versions if version.pk == wanted), None)
