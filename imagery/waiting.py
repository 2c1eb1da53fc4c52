"""What needs a person, or more work: failures by reason, and stages with rows waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from imagery.models import Event, Link

KINDS = {
    "refused": "The file is no usable picture",
    "not_a_picture": "What is there is no picture",
    "empty": "What is there is empty",
    "http_status": "The site refused, or has it no longer",
    "dns": "The site's name is unknown",
    "connect": "The site cannot be reached",
    "timeout": "The site did not answer in time",
    "busy": "The site was busy each time",
    "tls": "The connection is not safe",
    "redirects": "The site sends in circles",
    "too_large": "The file is too large",
    "incomplete": "The file came cut short",
    "protocol": "The answer is no proper HTTP",
    "encoding": "The answer is packed in a way we do not open",
    "bad_url": "The address is malformed",
    "forbidden_address": "The address is not on the public internet",
    "missing_file": "The import holds no such file",
    "storage": "The file could not be kept here",
}


@dataclass(frozen=True, slots=True)
class Failures:
    """Links of one event that failed for one kind of reason; `reason` is an example."""

    kind: str
    label: str
    reason: str
    n_links: int
    last_at: datetime | None


def failures(event: Event) -> list[Failures]:
    """By kind, most frequent first. One query."""
    rows = (
        Link.objects.failed()
        .filter(event=event)
        .values("kind")
        .annotate(n=Count("pk"), reason=Max("reason"), last=Max("failed_at"))
        .order_by("-n", "kind")
    )
    return [
        Failures(row["kind"], label(row["kind"]), row["reason"], row["n"], row["last"])
        for row in rows
    ]


def label(kind: str) -> str:
    return KINDS.get(kind) or kind.replace("_", " ").replace("-", " ").capitalize() or "Other"


def failed_links(
    event: Event, kind: str | None = None, after: tuple[int, int] | None = None
) -> QuerySet[Link]:
    """Failed links, most posted first; `after` is the (posts, id) of the one before the first."""
    links = Link.objects.failed().filter(event=event)
    if kind is not None:
        links = links.filter(kind=kind)
    if after is not None:
        n_posts, pk = after
        links = links.filter(Q(n_posts__lt=n_posts) | Q(n_posts=n_posts, pk__gt=pk))
    return links.order_by("-n_posts", "pk")


@dataclass(frozen=True, slots=True)
class Waiting:
    n_links: int  # not fetched yet
    n_images: int  # not looked at yet, with the event's embedder


def waiting(event: Event) -> Waiting:
    return Waiting(
        n_links=event.links.to_fetch().count(),
        n_images=event.images.to_look(event.embedder).count(),
    )
