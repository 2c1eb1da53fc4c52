"""The Top page: what changes when copies count as one?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import near_ranking, rankings
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Event, Role
from imagery.views import query

LIMITS = (5, 10, 25, 50)
DEFAULT = 10
TITLES = {
    "links": ("Links", "Each address counts for itself"),
    "unique": ("Unique pictures", "Copies count as one"),
    "groups": ("Groups", "Pictures alike in meaning count as one"),
}
NEAR = "Near copies count as one, by perceptual hash alone"
COPIES = {"": "As the event counts", "near": "Near copies only"}


@require_safe
def top(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    error = ""
    try:
        limit = _limit(request)
    except ValueError as problem:
        limit, error = DEFAULT, str(problem)
    copies = query.choice(request, "copies", tuple(COPIES))
    columns = _columns(event, limit, copies)
    titles = TITLES | ({"unique": (TITLES["unique"][0], NEAR)} if copies else {})
    kept = f"&copies={copies}" if copies else ""
    context = {
        "event": event,
        "tab": "top",
        "error": error,
        "limit": limit,
        "limits": LIMITS,
        "columns": [(*titles[column.kind], column) for column in columns],
        "most": max((row.share for column in columns for row in column.rows), default=0.0),
        "has_rows": any(column.rows for column in columns),
        "csv": f"{reverse('analytics:top-csv', args=[event.slug])}?n={limit}{kept}",
        "copies": copies,
        "choices": COPIES if event.copies != "near" else {},
        "may_edit": not event.n_posts and event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "analytics/top.html", context, status=400 if error else 200)


@require_safe
def top_csv(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    event = event_for(request, slug)
    try:
        limit = _limit(request)
    except ValueError as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain; charset=utf-8")
    copies = query.choice(request, "copies", tuple(COPIES))
    header = (
        "ranking", "rank", "posts", "share_of_image_posts", "covered_posts_so_far", "link",
        "unique_image", "group", "members", "reason",
    )  # fmt: skip
    return csv_response(f"{event.slug}-top", header, _table(_columns(event, limit, copies)))


def _columns(event: Event, limit: int, copies: str) -> tuple[rankings.Ranking, ...]:
    """Links, unique pictures and groups; pictures by perceptual hash alone if copies is "near"."""
    links, unique, groups = rankings.side_by_side(event, limit)
    if copies == "near" and event.copies != "near":
        unique = near_ranking.top_near(event, limit)
    return links, unique, groups


def _table(columns: Sequence[rankings.Ranking]) -> Iterator[tuple[object, ...]]:
    for column in columns:
        for row, covered in zip(column.rows, column.covered, strict=True):
            yield (
                column.kind,
                row.rank,
                row.n_posts,
                round(row.share, 6),
                covered,
                row.link.url if row.link else None,
                row.unique,
                row.group,
                row.n_members or None,
                row.reason or None,
            )


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("n") or str(DEFAULT)
    if text not in map(str, LIMITS):
        raise ValueError(f"n is {text!r}, want one of {', '.join(map(str, LIMITS))}")
    return int(text)
