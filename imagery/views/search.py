"""Search: pictures and posts by words and conditions, in one event or in all one may see."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from imagery import (
    evidence,
    post_table,
    readings,
    search_filters,
    search_tables,
    searching,
    text_index,
)
from imagery.access import event_for
from imagery.core import queries
from imagery.exports import csv_response
from imagery.models import Event
from imagery.search_filters import Filters
from imagery.views import query

SHOWS = ("pictures", "posts")
ORDERS = ("oldest", "newest")
PICTURES = 60
POSTS = 40
SLOW = "That is too much to look through. Add a word, or a shorter time, and try again."


@require_safe
def everywhere(request: HttpRequest) -> HttpResponse:
    """In every event the person may see."""
    return _page(request, list(Event.objects.visible_to(request.user).order_by("-id")), None)


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    return _page(request, [event], event)


@require_safe
def everywhere_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    return _table(request, list(Event.objects.visible_to(request.user).order_by("-id")), "search")


@require_safe
def show_csv(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    event = event_for(request, slug)
    return _table(request, [event], f"{event.slug}-search")


def _page(request: HttpRequest, events: Sequence[Event], event: Event | None) -> HttpResponse:
    """The page; to a script that asks, only what follows `next` of its results."""
    filters, problems = _asked(request, event)
    shown = query.choice(request, "show", SHOWS)
    context = {
        "event": event,
        "tab": "search",
        "filters": filters,
        "problems": problems,
        "shown": shown,
        "address": search_filters.address(request.GET),
        "here": _here(event),
        "base": "event_base.html" if event else "base.html",
    }
    status = 200
    try:
        with text_index.bounded():
            make = _pictures if shown == "pictures" else _posts
            context |= make(request, events, filters) if events else {}
            if query.wants_part(request):
                return query.part(render(request, f"imagery/_found_{shown}.html", context))
            context |= _frame(request, events, filters, event)
    except text_index.TooLong:
        context["slow"], status = SLOW, 503
    except ValueError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    return query.part(render(request, "imagery/search.html", context, status=status))


def _asked(request: HttpRequest, event: Event | None) -> tuple[Filters, dict[str, str]]:
    zone = ZoneInfo(event.timezone if event else "UTC")
    return search_filters.read(request.GET.dict(), zone)


def _here(event: Event | None) -> str:
    return reverse("imagery:search", args=[event.slug]) if event else reverse("imagery:search-all")


def _pictures(request: HttpRequest, events: Sequence[Event], filters: Filters) -> dict:
    ranked = searching.ranking(events, filters)
    after = query.whole(request, "next", 0, 0, 10**9)
    found, following = searching.picture_page(events, ranked, after, PICTURES)
    return {"ranked": ranked, "found": found, "following": following}


def _posts(request: HttpRequest, events: Sequence[Event], filters: Filters) -> dict:
    order = query.choice(request, "order", ORDERS)
    page = searching.post_page(
        events, filters, request.GET.get("next", ""), POSTS, newest=order == "newest"
    )
    asked = filters.wanted.asked
    rows = [(post, queries.marked(post.text, asked)) for post in page.posts]
    readings.show(page.posts)
    return {"rows": rows, "following": page.after, "order": order, "orders": ORDERS}


def _frame(
    request: HttpRequest, events: Sequence[Event], filters: Filters, event: Event | None
) -> dict:
    """What stands around the results."""
    asked = request.GET.dict()
    told = search_filters.told(asked, filters)
    address = search_filters.address
    table = "search-csv" if event else "search-all-csv"
    where = [event.slug] if event else []
    return {
        "asked": {name: asked.get(name, "") for name in search_filters.NAMES},
        "flags": [(flag, getattr(filters, flag)) for flag in search_filters.FLAGS],
        "as_pictures": address(asked, show=None, order=None),
        "take": address(asked, show=None, order=None) if filters else f"top={evidence.MOST}",
        "as_posts": address(asked, show="posts"),
        "by_order": [
            (name, address(asked, order=name if n else None)) for n, name in enumerate(ORDERS)
        ],
        "table": f"{reverse(f'imagery:{table}', args=where)}?{address(asked)}",
        "told": told,
        "looser": _looser(asked, filters, told),
        "notes": filters.wanted.asked.notes,
        "n_waiting": text_index.n_waiting(),
        "n_pictures": searching.ranking(events, filters) if events else None,
        "n_posts": searching.count_posts(events, filters) if events else None,
        "n_events": len(events),
        "has_known": any(event.known_revision for event in events),
    }


def _looser(
    asked: dict[str, str], filters: Filters, told: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """What might find something where nothing was found: (words, query)."""
    words = filters.wanted.asked
    found = [(f"without “{name}”", address) for name, address in told]
    if len(words.some) > 1:
        either = " OR ".join(asked["q"].replace(" AND ", " ").split())
        if '"' not in either:
            found.append(
                (
                    "any of the words",
                    search_filters.address(asked, q=either.replace("OR OR OR", "OR")),
                )
            )
    single = len(words.some) == 1 and len(words.some[0]) == 1 and not words.none
    if single and words.some[0][0].kind != "account" and "*" not in asked["q"]:
        bare = asked["q"].strip().strip('"')
        if " " not in bare and len(bare) >= queries.LEAST_PREFIX:
            found.append(("words that begin so", search_filters.address(asked, q=f"{bare}*")))
    return found


def _table(
    request: HttpRequest, events: Sequence[Event], name: str
) -> HttpResponse | StreamingHttpResponse:
    """What was found as CSV: pictures in their order, or every post in the order it came."""
    event = events[0] if len(events) == 1 else None
    filters, problems = _asked(request, event)
    if problems:
        told = " ".join(problems.values())
        return HttpResponse(told, status=400, content_type="text/plain; charset=utf-8")
    shown = query.choice(request, "show", SHOWS)
    if shown == "posts":
        return csv_response(f"{name}-posts", ("event", *post_table.FIELDS),
            search_tables.posts(events, filters))  # fmt: skip
    return csv_response(
        f"{name}-pictures", search_tables.PICTURES, search_tables.pictures(events, filters)
    )
