"""The Timeline page: what did people see, when?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import timelines
from analytics.core import intervals, moments
from imagery import pictures
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Event, Role

OFFERED = ("auto", *(name for name in intervals.MINUTES if name != "1y"))
SCRUBBER_PX = 40
Link = Callable[..., str]  # the page's own address with parameters changed


@dataclass(frozen=True, slots=True)
class Column:
    part: timelines.Interval
    label: str
    over: str
    is_turn: bool  # `over` is another than the column before has
    span: str
    utc: str
    href: str  # the same page, this interval alone
    cards: list[pictures.Card]  # each with its posts in this interval alone


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    href: str
    is_on: bool


@require_safe
def timeline(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    query, error = request.GET, ""
    try:
        made = _asked(event, query)
    except ValueError as problem:
        query, error = QueryDict(), str(problem)
        made = timelines.timeline(event)
    link = partial(_href, slug, query)
    columns = _columns(event, made, link)
    context = {
        "event": event,
        "tab": "timeline",
        "timeline": made,
        "error": error,
        "columns": columns,
        "most_posts": max((part.n_posts for part in made.intervals), default=0),
        "n_window": sum(part.n_posts for part in made.intervals),
        "window": moments.span(made.start, made.end) if made.start and made.end else "",
        "window_utc": moments.in_utc(made.start, made.end) if made.start and made.end else "",
        "interval_label": intervals.LABELS[made.interval] if made.intervals else "",
        "chips": _chips(link, made),
        "scrubber": _scrubber(event, made),
        "whole": link(start=None, end=None),
        "data": link(view="analytics:timeline-json"),
        "csv": link(view="analytics:timeline-csv"),
        "may_edit": not made.first and event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "analytics/timeline.html", context, status=400 if error else 200)


@require_safe
def timeline_json(request: HttpRequest, slug: str) -> JsonResponse:
    event = event_for(request, slug)
    try:
        made = _asked(event, request.GET)
    except ValueError as problem:
        return JsonResponse({"error": str(problem)}, status=400)
    parts = made.intervals
    return JsonResponse(
        {
            "interval": made.interval,
            "order": made.order,
            "zone": made.zone,
            "note": made.note,
            "starts": [moments.stamp(part.start) for part in parts],
            "ends": [moments.stamp(part.end) for part in parts],
            "labels": [moments.span(part.start, part.end) for part in parts],
            "posts": [part.n_posts for part in parts],
            "image_posts": [part.n_image_posts for part in parts],
            "top": [part.top for part in parts],
        }
    )


@require_safe
def timeline_csv(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    event = event_for(request, slug)
    try:
        made = _asked(event, request.GET)
    except ValueError as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain; charset=utf-8")
    header = (
        "start", "end", "posts", "posts_with_pictures", "place", "unique_image", "posts_with_it"
    )  # fmt: skip
    return csv_response(f"{event.slug}-timeline", header, _table(made))


def _table(made: timelines.Timeline) -> Iterator[tuple[object, ...]]:
    """A line for each interval and top picture; one with blanks where there is no picture."""
    for part in made.intervals:
        fixed = (part.start, part.end, part.n_posts, part.n_image_posts)
        for place, (pk, n) in enumerate(part.top, 1):
            yield (*fixed, place, pk, n)
        if not part.top:
            yield (*fixed, None, None, None)


def _asked(event: Event, query: QueryDict) -> timelines.Timeline:
    """The timeline the URL describes. Raises ValueError naming what it cannot read."""
    top = query.get("top") or "5"
    if not (top.isascii() and top.isdigit() and len(top) < 4):
        raise ValueError(f"top is {top!r}, want a number from 1 to {timelines.MOST_TOP}")
    return timelines.timeline(
        event,
        interval=query.get("interval") or "auto",
        start=_time(event, query, "start"),
        end=_time(event, query, "end"),
        top=int(top),
        order=query.get("order") or "posts",
    )


def _time(event: Event, query: QueryDict, name: str) -> datetime | None:
    """A time of the URL; without a zone it is the event's own."""
    text = query.get(name)
    if not text:
        return None
    try:
        # An unquoted "+02:00" arrives with a space in its place.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        found = found if found.tzinfo else found.replace(tzinfo=timelines.zone_of(event))
        found.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {text!r}, want a time such as 2017-09-20T14:00") from None
    return found


def _columns(event: Event, made: timelines.Timeline, link: Link) -> list[Column]:
    cards = {card.id: card for card in pictures.cards(event, made.unique_ids)}
    columns: list[Column] = []
    before = ""
    for part in made.intervals:
        over = moments.over(part.start, made.interval)
        columns.append(
            Column(
                part=part,
                label=moments.label(part.start, made.interval),
                over=over,
                is_turn=over != before,
                span=moments.span(part.start, part.end),
                utc=moments.in_utc(part.start, part.end),
                href=link(
                    start=moments.stamp(part.start),
                    end=moments.stamp(part.end),
                    interval=None,
                ),
                cards=[replace(cards[pk], n_posts=n) for pk, n in part.top if pk in cards],
            )
        )
        before = over
    return columns


def _href(
    slug: str, query: QueryDict, *, view: str = "analytics:timeline", **changes: str | None
) -> str:
    """The page's URL with parameters changed; None takes one away. Unknown ones are dropped."""
    names = ("interval", "start", "end", "order", "top")
    held: dict[str, str | None] = {name: query.get(name) for name in names}
    found = urlencode({name: value for name, value in (held | changes).items() if value})
    return reverse(view, args=[slug]) + (f"?{found}" if found else "")


def _chips(link: Link, made: timelines.Timeline) -> dict[str, list[Chip]]:
    if not made.start or not made.end:
        return {}
    minutes = int((made.end - made.start).total_seconds() // 60)
    chosen = "auto" if made.is_auto else made.interval
    return {
        "interval": [
            Chip(
                "Auto" if name == "auto" else intervals.LABELS[name],
                link(interval=None if name == "auto" else name),
                name == chosen,
            )
            for name in OFFERED
            if name in ("auto", chosen)
            or (
                intervals.about(0, minutes, name) <= intervals.MOST
                and intervals.MINUTES[name] <= minutes
            )
        ],
        "order": [
            Chip(label, link(order=None if name == "posts" else name), name == made.order)
            for name, label in timelines.ORDERS.items()
        ],
        "top": [
            Chip(str(n), link(top=None if n == 5 else str(n)), n == made.limit)
            for n in timelines.TOPS
        ],
    }


def _scrubber(event: Event, made: timelines.Timeline) -> dict[str, object] | None:
    """The whole span as an outline, and where the window lies in it (shares of the span)."""
    parts = timelines.outline(event)
    if len(parts) < 2 or made.first is None or made.last is None:
        return None
    first, last = parts[0].start, parts[-1].end
    most = max(part.n_posts for part in parts)
    whole = (last - first).total_seconds()

    def share(at: datetime) -> float:
        return min(1.0, max(0.0, (at - first).total_seconds() / whole))

    steps = [f"M0 {SCRUBBER_PX}"]
    for part in parts:
        y = SCRUBBER_PX * (1 - part.n_posts / most)
        steps.append(f"V{y:.2f}H{1000 * share(part.end):.2f}")
    return {
        "path": "".join(steps) + f"V{SCRUBBER_PX}Z",
        "height": SCRUBBER_PX,
        "first": first,
        "last": last,
        "span": moments.span(first, last),
        "from": share(made.start or first),
        "to": share(made.end or last),
    }
