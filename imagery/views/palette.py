"""Where the palette leads: events, pages of the open event, its pictures by number or hash."""

from __future__ import annotations

from typing import TypedDict

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from imagery.models import Event, Image
from imagery.pictures import thumb_url

PAGES = [
    ("Overview", "imagery:event"),
    ("Timeline", "analytics:timeline"),
    ("Top", "analytics:top"),
    ("Groups", "imagery:groups"),
    ("Review doubtful pairs", "imagery:review"),
    ("Decisions", "imagery:decisions"),
    ("Import posts", "imagery:import"),
    ("Jobs", "imagery:jobs"),
    ("Failures", "imagery:failures"),
    ("Rules", "imagery:rules"),
    ("Known hashes", "imagery:lists"),
    ("Look a picture up", "imagery:event-look-up-new"),
    ("Settings", "imagery:settings"),
    ("Members", "imagery:members"),
]
LIMIT = 8
HEX = set("0123456789abcdef")


class Found(TypedDict, total=False):
    label: str
    hint: str
    url: str
    thumb: str


@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    query = request.GET.get("q", "").strip().lower()[:200]
    slug = request.GET.get("event", "")
    visible = Event.objects.visible_to(request.user)
    event = visible.filter(slug=slug).first() if slug else None
    found: list[Found] = []
    if event:
        found += pictures(event, query)
        found += [
            {"label": label, "hint": "page", "url": reverse(name, args=[event.slug])}
            for label, name in PAGES
            if query in label.lower()
        ]
    named = visible.filter(Q(name__icontains=query) | Q(slug__icontains=query))
    found += [
        {"label": other.name, "hint": "event", "url": other.get_absolute_url()}
        for other in named.exclude(slug=slug).order_by("-id")[:LIMIT]
    ]
    if "all events".startswith(query) or query in "events":
        found.append({"label": "All events", "hint": "page", "url": reverse("imagery:events")})
    return JsonResponse({"results": found})


def pictures(event: Event, query: str) -> list[Found]:
    """Unique images by their rank, or by the beginning of a file's SHA-256 or pHash."""
    wanted = Q()
    if query.isdecimal() and len(query) < 19:
        wanted |= Q(represents__rank=int(query))
    if len(query) >= 4 and set(query) <= HEX:
        wanted |= Q(sha256__startswith=query) | Q(phash__startswith=query)
    if not wanted:
        return []
    rows = Image.objects.filter(wanted, event=event, unique__isnull=False).select_related("unique")
    return [
        {
            "label": f"Picture no. {row.unique.rank:,}",
            "hint": row.sha256[:12],
            "url": reverse("imagery:image", args=[event.slug, row.unique_id]),
            "thumb": thumb_url(event, row.sha256),
        }
        for row in rows.order_by("-n_posts")[:LIMIT]
        if row.unique is not None
    ]
