"""What happened here? The reduction, posts over time, top pictures, what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics import reduction, timelines
from analytics.peaks import peaks
from imagery import doubts, pictures, waiting
from imagery.access import event_for
from imagery.models import Event, Job, Role

IN_ROW = 18
RISING_POSTS = 3  # a picture posted less often than this does not rise, it happens
LINKS = {
    "posts": ("analytics:timeline", ""),
    "image_posts": ("analytics:timeline", ""),
    "urls": ("analytics:top", "#links"),
    "images": ("analytics:top", "#unique"),
    "unique_images": ("analytics:top", "#unique"),
    "groups": ("imagery:groups", ""),
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file of an event that is still being organised, as it was fetched."""

    url: str
    thumb: str
    width: int
    height: int

    @property
    def ratio(self) -> float:
        return pictures.shown_ratio(self.width, self.height)


@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    role = event.role_of(request.user)
    steps = reduction.steps(event)
    latest = event.jobs.first()
    context = {
        "event": event,
        "tab": "overview",
        "steps": [(step, *LINKS[step.key]) for step in steps],
        "band": reduction.band([step.size for step in steps]),
        "most_posted": most_posted(event),
        "rising": rising(event),
        "failures": waiting.failures(event),
        "waiting": waiting.waiting(event),
        "n_doubtful": doubts.n_waiting(event),
        "stopped": latest if latest and latest.state == Job.State.FAILED else None,
        "busy": bool(latest and latest.is_active),
        "arriving": [] if event.organised_at else arriving(event),
        "weights_at": settings.IMAGERY_WEIGHTS_DIR / f"{event.backbone}.pth",
        "may_edit": role in (Role.OWNER, Role.ANALYST),
    }
    return render(request, "analytics/overview.html", context)


def most_posted(event: Event) -> list[pictures.Card]:
    rows = event.unique_images.filter(rank__gt=0).order_by("rank", "id")
    return pictures.cards_of(event, pictures.for_cards(rows)[:IN_ROW])


def rising(event: Event) -> list[tuple[pictures.Card, str]]:
    """Pictures by growth, with "× 12": posts in the best day over the mean day's."""
    rows = event.unique_images.filter(n_posts__gte=RISING_POSTS).order_by("-growth", "id")
    held = [row for row in pictures.for_cards(rows)[:IN_ROW] if row.growth > 0]
    return [
        (card, f"× {row.growth:.1f}" if row.growth < 10 else f"× {row.growth:,.0f}")
        for card, row in zip(pictures.cards_of(event, held), held, strict=True)
    ]


def arriving(event: Event) -> list[Arrived]:
    """Some files looked at so far, in the index's order: quick however many there are."""
    rows = event.images.filter(phash__gt="").order_by("-phash").defer("signature")
    return [
        Arrived(
            url=pictures.file_url(event, row.sha256),
            thumb=pictures.thumb_url(event, row.sha256),
            width=row.width,
            height=row.height,
        )
        for row in rows[:IN_ROW]
    ]


@require_GET
def curve(request: HttpRequest, slug: str) -> JsonResponse:
    """{"at", "posts", "image_posts", "interval", "zone", "peaks"}; times in the event's zone.

    peaks: the top picture of each, {"at", "posts", "url", "thumb", "alt", "id"}.
    """
    event = event_for(request, slug)
    line = timelines.timeline(event, top=3)
    found = peaks(line.intervals)
    cards = {card.id: card for card in pictures.cards(event, [peak.unique_id for peak in found])}
    parts = line.intervals
    answer = {
        "at": [_local(part.start + (part.end - part.start) / 2) for part in parts],
        "posts": [part.n_posts for part in parts],
        "image_posts": [part.n_image_posts for part in parts],
        "interval": line.interval,
        "zone": line.zone,
        "start": _local(parts[0].start) if parts else None,
        "end": _local(parts[-1].end) if parts else None,
        "peaks": [
            {
                "at": _local(peak.at),
                "posts": peak.n_posts,
                "shown": peak.n_shown,
                "id": peak.unique_id,
                "url": cards[peak.unique_id].url,
                "thumb": cards[peak.unique_id].thumb,
                "alt": cards[peak.unique_id].alt,
            }
            for peak in found
            if peak.unique_id in cards
        ],
    }
    return JsonResponse(answer)


def _local(at: datetime) -> str:
    """Wall-clock time without an offset: charts take it as it stands."""
    return at.replace(tzinfo=None).isoformat(timespec="minutes")
