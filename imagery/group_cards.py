"""Groups as pages show them: mosaics of their members, ranked, filtered and turned by pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from django.urls import reverse

from imagery import pictures
from imagery.core.treemap import Rect, treemap
from imagery.groups import Groups, Name, names
from imagery.models import Event, UniqueImage
from imagery.pictures import Card

ORDERS = {"posts": "most posted", "members": "most members", "first": "earliest"}
TILES = 7
LEAST_TILE = 0.07  # of a mosaic: a picture posted once can still be seen
MOSAIC_RATIO = 4 / 3
LARGE_TILE = 0.25  # of a mosaic: from here on a small thumbnail is too coarse

Classes = list[tuple[str, float]]  # names with their probabilities


@dataclass(frozen=True, slots=True)
class Tile:
    card: Card
    rect: Rect
    large: str = ""  # a larger thumbnail, where the tile fills much of the mosaic

    @property
    def style(self) -> str:
        names = zip("xywh", (self.rect.x, self.rect.y, self.rect.w, self.rect.h), strict=True)
        return ";".join(f"--{name}:{100 * value:.2f}%" for name, value in names)


@dataclass(frozen=True, slots=True)
class GroupCard:
    position: int  # among all groups at this θ, from 0
    url: str
    lead: Card
    tiles: list[Tile]
    classes: Classes
    n_posts: int
    n_members: int
    best_rank: int
    worst_rank: int
    mean_rank: float
    first_at: datetime
    last_at: datetime
    names: list[Name]  # that people gave it through its members

    @property
    def name(self) -> str:
        if self.names:
            return self.names[0].text
        return ", ".join(name for name, _ in self.classes) or f"Picture no. {self.lead.rank}"

    @property
    def n_hidden(self) -> int:
        return self.n_members - len(self.tiles)


@dataclass(frozen=True, slots=True)
class GroupPage:
    cards: list[GroupCard]
    n_groups: int  # that the filter lets through
    after: int | None  # where the next page begins


def page(
    event: Event,
    groups: Groups,
    *,
    order: str = "posts",
    min_members: int = 1,
    after: int = 0,
    limit: int = 24,
) -> GroupPage:
    """Groups `after` … `after + limit` of that order (see ORDERS), with their mosaics."""
    ranked = ranking(groups, order, min_members)
    positions = ranked[after : after + limit].tolist()
    end = after + len(positions)
    return GroupPage(
        cards=mosaics(event, groups, positions),
        n_groups=len(ranked),
        after=end if end < len(ranked) else None,
    )


def ranking(groups: Groups, order: str, min_members: int) -> np.ndarray:
    """Positions of the groups with at least that many members, in that order."""
    place = np.arange(len(groups))
    if order == "members":
        place = np.lexsort((place, -groups.n_members))
    elif order == "first":
        place = np.lexsort((place, groups.first))
    elif order != "posts":
        raise ValueError(f"order {order!r}: want one of {', '.join(ORDERS)}")
    return place[groups.n_members[place] >= min_members]


def mosaics(event: Event, groups: Groups, positions: Iterable[int]) -> list[GroupCard]:
    """A card per position; one query for all. Groups whose pictures are gone are left out."""
    members = {p: groups.members_of(p, TILES).tolist() for p in positions}
    wanted = [pk for ids in members.values() for pk in ids]
    rows = pictures.for_cards(UniqueImage.objects.filter(event=event, pk__in=wanted))
    found = {row.pk: row for row in rows}
    named = names(event, groups)
    made = []
    for position, ids in members.items():
        held = [found[pk] for pk in ids if pk in found]
        if held:
            made.append(_mosaic(event, groups, position, held, named.get(position, [])))
    return made


def _mosaic(
    event: Event, groups: Groups, at: int, held: list[UniqueImage], named: list[Name]
) -> GroupCard:
    cards = [pictures.card(event, row) for row in held]
    weights = [max(1, card.n_posts) for card in cards]
    rects = treemap(weights, MOSAIC_RATIO, LEAST_TILE)
    return GroupCard(
        position=at,
        url=reverse("imagery:group", args=[event.slug, held[0].pk]),
        lead=cards[0],
        tiles=[_tile(event, card, rect) for card, rect in zip(cards, rects, strict=True)],
        classes=name_of(held[0]),
        n_posts=int(groups.n_posts[at]),
        n_members=int(groups.n_members[at]),
        best_rank=int(groups.best_rank[at]),
        worst_rank=int(groups.worst_rank[at]),
        mean_rank=float(groups.mean_rank[at]),
        first_at=datetime.fromtimestamp(int(groups.first[at]), UTC),
        last_at=datetime.fromtimestamp(int(groups.last[at]), UTC),
        names=named,
    )


def _tile(event: Event, card: Card, rect: Rect) -> Tile:
    large = rect.w * rect.h >= LARGE_TILE
    return Tile(
        card, rect, pictures.thumb_url(event, card.sha256, pictures.LARGE[0]) if large else ""
    )


def name_of(row: UniqueImage, at_most: int = 2, least: float = 0.1) -> Classes:
    """The representative's likeliest classes; empty where nothing is likely."""
    return [
        (str(name), float(p)) for name, p in row.representative.top_classes[:at_most] if p >= least
    ]
