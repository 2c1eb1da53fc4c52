"""Where the palette leads: events, pages of the open event, its pictures by number, hash or what
is on them, and the search for what is typed."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from imagery.core import queries
from imagery.models import Event, Image, UniqueImage
from imagery.pictures import thumb_url

PAGES = [
    ("Overview", "imagery:event"),
    ("Timeline", "analytics:timeline"),
    ("Top", "analytics:top"),
    ("Groups", "imagery:groups"),
    ("Search", "imagery:search"),
    ("Downloads", "imagery:downloads"),
    ("Review doubtful pairs", "imagery:review"),
    ("Decisions", "imagery:decisions"),
    ("Import posts", "imagery:import"),
    ("Collections: posts as they are posted", "imagery:collections"),
    ("Jobs", "imagery:jobs"),
    ("Failures", "imagery:failures"),
    ("Rules", "imagery:rules"),
    ("Known hashes", "imagery:lists"),
    ("Look a picture up", "imagery:event-look-up-new"),
    ("Settings", "imagery:settings"),
    ("Members", "imagery:members"),
]
LIMIT = 8
DESCRIBED = 5000  # most posted pictures whose descriptions are looked through
HEX = set("0123456789abcdef")


class Found(TypedDict, total=False):
    label: str
    hint: str
    url: str
    thumb: str


@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    typed = request.GET.get("q", "").replace("\0", " ").strip()[:200]
    query = typed.lower()
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
    if event or visible.exists():
        found += searches(event, typed)
    return JsonResponse({"results": found})


def searches(event: Event | None, typed: str) -> list[Found]:
    """Where posts and pictures that say it are found."""
    if not queries.parse(typed):
        return []
    words = urlencode({"q": typed})
    everywhere = f"{reverse('imagery:search-all')}?{words}"
    found: list[Found] = []
    if event:
        here = f"{reverse('imagery:search', args=[event.slug])}?{words}"
        found.append({"label": f"Search posts for “{typed}”", "hint": "search", "url": here})
    found.append({"label": f"Search all events for “{typed}”", "hint": "search", "url": everywhere})
    return found


def pictures(event: Event, query: str) -> list[Found]:
    """Unique images by rank, by the beginning of a file's SHA-256, pHash or PDQ, or by words that
    describe them; most posted first."""
    wanted = Q()
    if query.isdecimal() and len(query) < 19:
        wanted |= Q(represents__rank=int(query))
    if len(query) >= 4 and set(query) <= HEX:
        wanted |= Q(sha256__startswith=query) | Q(phash__startswith=query)
        wanted |= Q(pdq__startswith=query)
    found = described(event, query) if len(query) >= 3 else []
    if not wanted:
        return found
    rows = Image.objects.filter(wanted, event=event, unique__isnull=False).select_related("unique")
    return found + [
        {
            "label": f"Picture no. {row.unique.rank:,}",
            "hint": row.sha256[:12],
            "url": reverse("imagery:image", args=[event.slug, row.unique_id]),
            "thumb": thumb_url(event, row.sha256),
        }
        for row in rows.order_by("-n_posts")[:LIMIT]
        if row.unique is not None
    ]


def described(event: Event, query: str) -> list[Found]:
    """Pictures by what people or the network say is on them, of the most posted."""
    said = Q(described__icontains=query) | Q(representative__top_classes__0__0__icontains=query)
    rows = UniqueImage.objects.filter(said, event=event, rank__gt=0, rank__lte=DESCRIBED)
    return [
        {
            "label": row.described or str(row.representative.top_classes[0][0]),
            "hint": f"no. {row.rank:,}",
            "url": reverse("imagery:image", args=[event.slug, row.pk]),
            "thumb": thumb_url(event, row.representative.sha256),
        }
        for row in rows.select_related("representative").order_by("rank")[:LIMIT]
    ]
