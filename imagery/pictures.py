"""Unique images as pages show them: one query, whatever the order asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import QuerySet
from django.urls import reverse

from imagery import known
from imagery.models import Event, UniqueImage

SMALL = 320  # px, long side: made when the image is looked at
LARGE = (640, 960, 1600)  # px: made when first asked for
NO_SHA256 = "0" * 64
FIELDS = (
    "described", "event", "group", "n_posts", "n_copies", "n_accounts", "rank", "growth",
    "first_posted_at", "last_posted_at",
    *(f"representative__{name}" for name in ("sha256", "width", "height", "top_classes")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A unique image on a page. width × height are the representative's own pixels."""

    id: int
    url: str
    sha256: str
    thumb: str
    width: int
    height: int
    n_posts: int
    n_copies: int
    n_accounts: int
    rank: int
    group: int | None
    first_posted_at: datetime | None
    last_posted_at: datetime | None
    caption: str  # what the network takes it for, where it is sure
    described: str  # what people who posted it say it shows
    marks: tuple[known.Mark, ...] = ()  # lists of known hashes that know it

    @property
    def ratio(self) -> float:
        return shown_ratio(self.width, self.height)

    @property
    def covered_by(self) -> str:
        """Names of the block lists that know it."""
        return ", ".join(mark.name for mark in self.marks if mark.blocks)

    @property
    def alt(self) -> str:
        if self.covered_by:
            return f"Covered: blocked by {self.covered_by}"
        what = self.described or self.caption or "Picture"
        return f"{what}, {self.n_posts} post{'' if self.n_posts == 1 else 's'}"


def for_cards(rows: QuerySet[UniqueImage]) -> QuerySet[UniqueImage]:
    """The rows with their representatives, and of both only what cards are made of."""
    return rows.select_related("representative").only(*FIELDS)


def shown_ratio(width: int, height: int) -> float:
    """Width over height, kept within what a row of pictures bears."""
    return min(3.0, max(0.4, width / height)) if height else 1.0


@lru_cache(256)
def _thumb_pattern(slug: str, side: int) -> str:
    return reverse("imagery:thumb", args=[slug, NO_SHA256, side])


def thumb_url(event: Event, sha256: str, side: int = SMALL) -> str:
    """An answer is kept for a year, so the address tells of lists that may cover pictures."""
    url = _thumb_pattern(event.slug, side).replace(NO_SHA256, sha256)
    return f"{url}?known={event.known_revision}" if event.known_revision else url


def file_url(event: Event, sha256: str) -> str:
    return reverse("imagery:file", args=[event.slug, sha256])


def cards(event: Event, ids: Iterable[int], side: int = SMALL) -> list[Card]:
    """Cards of those unique images of the event, in the order given; unknown ids left out."""
    wanted = [int(i) for i in ids]
    rows = for_cards(UniqueImage.objects.filter(event=event, pk__in=wanted))
    found = {made.id: made for made in cards_of(event, rows, side)}
    return [found[i] for i in wanted if i in found]


def cards_of(event: Event, rows: Iterable[UniqueImage], side: int = SMALL) -> list[Card]:
    """Cards of rows that `for_cards` read; one query more where the event has known hashes."""
    held = list(rows)
    marks = known.marks(event, [row.pk for row in held])
    return [card(event, row, side, marks.get(row.pk, ())) for row in held]


def card(
    event: Event, row: UniqueImage, side: int = SMALL, marks: tuple[known.Mark, ...] = ()
) -> Card:
    """A card of one row, without marks unless they are given."""
    image = row.representative
    classes = [name for name, p in image.top_classes[:1] if p >= 0.5]
    return Card(
        id=row.pk,
        url=reverse("imagery:image", args=[event.slug, row.pk]),
        sha256=image.sha256,
        thumb=thumb_url(event, image.sha256, side),
        width=image.width,
        height=image.height,
        n_posts=row.n_posts,
        n_copies=row.n_copies,
        n_accounts=row.n_accounts,
        rank=row.rank,
        group=row.group_id,
        first_posted_at=row.first_posted_at,
        last_posted_at=row.last_posted_at,
        caption=classes[0] if classes else "",
        described=row.described,
        marks=marks,
    )
