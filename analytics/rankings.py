"""Most posted links, unique images and groups, with the posts they cover (Paper A, Figures 6–8).

A post counts once in a row however many of its pictures belong there, and once in what the
first rows cover between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.core.cache import cache

from analytics.core import coverage, tops
from imagery import groups, pictures, snapshots
from imagery.models import Event, Link, PostLink, Snapshot

IDS_A_QUERY = 10_000
FIRST = 5  # rows the paper sums up
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """One place of a ranking. `unique` and `group` (its lead) name the same picture elsewhere."""

    rank: int
    n_posts: int
    share: float  # of the event's image posts
    unique: int | None = None
    group: int | None = None
    card: pictures.Card | None = None  # as the whole set is shown; none where nothing was seen
    thumb: str = ""
    n_members: int = 0  # unique images of a group
    link: Link | None = None
    reason: str = ""  # why a link has no picture


@dataclass(frozen=True, slots=True)
class Ranking:
    """`covered[k]`: distinct posts of the first k + 1 rows between them."""

    kind: str
    n_total: int
    n_image_posts: int
    rows: list[Row] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)

    def covered_by(self, n: int) -> int:
        """Posts that the first n rows have between them."""
        return self.covered[min(n, len(self.covered)) - 1] if self.covered and n > 0 else 0

    def share_of(self, n: int) -> float:
        return self.covered_by(n) / self.n_image_posts if self.n_image_posts else 0.0

    @property
    def n_first(self) -> int:
        return min(FIRST, len(self.rows))

    @property
    def first_covered(self) -> int:
        return self.covered_by(FIRST)

    @property
    def first_share(self) -> float:
        return self.share_of(FIRST)

    @property
    def all_covered(self) -> int:
        return self.covered_by(len(self.rows))

    @property
    def all_share(self) -> float:
        return self.share_of(len(self.rows))


def side_by_side(
    event: Event, limit: int = 5, theta: float | None = None
) -> tuple[Ranking, Ranking, Ranking]:
    """Links, unique images and groups at similarity > theta (the event's own by default)."""
    made = groups.at(event, theta)
    return _links(event, limit, made), _unique(event, limit, made), _groups(event, limit, made)


def top_links(event: Event, limit: int = 5, theta: float | None = None) -> Ranking:
    """Links by posts; `theta` decides only which group a link's picture is said to be in."""
    return _links(event, limit, groups.at(event, theta))


def top_unique(event: Event, limit: int = 5, theta: float | None = None) -> Ranking:
    """Unique images by rank, that is by posts with any of their copies."""
    return _unique(event, limit, groups.at(event, theta))


def top_groups(event: Event, limit: int = 5, theta: float | None = None) -> Ranking:
    """Groups at similarity > theta (the event's own by default) by distinct posts."""
    return _groups(event, limit, groups.at(event, theta))


def _links(event: Event, limit: int, made: groups.Groups) -> Ranking:
    found = list(
        event.links.filter(n_posts__gt=0).select_related("image").order_by("-n_posts", "id")[:limit]
    )
    n_posts, covered = _counted(event, "link_id", [np.array([link.pk]) for link in found])
    uniques = [link.image.unique_id if link.image else None for link in found]
    leads = _leads(made, uniques)
    rows = [
        Row(
            rank=place,
            n_posts=n,
            share=_share(n, event),
            unique=unique,
            group=leads.get(unique),
            thumb=_thumb(event, link),
            link=link,
            reason=_reason(link),
        )
        for place, (link, n, unique) in enumerate(zip(found, n_posts, uniques, strict=True), 1)
    ]
    return Ranking("links", event.n_links, event.n_image_posts, rows, covered)


def _unique(event: Event, limit: int, made: groups.Groups) -> Ranking:
    ids = snapshots.read(event, Snapshot.Kind.UNIQUE)["id"][:limit].tolist()
    n_posts, covered = _counted(event, "link__image__unique_id", [np.array([pk]) for pk in ids])
    cards = {card.id: card for card in pictures.cards(event, ids)}
    leads = _leads(made, ids)
    rows = [
        Row(
            rank=place,
            n_posts=n,
            share=_share(n, event),
            unique=pk,
            group=leads.get(pk),
            card=cards.get(pk),
            thumb=cards[pk].thumb if pk in cards else "",
        )
        for place, (pk, n) in enumerate(zip(ids, n_posts, strict=True), 1)
    ]
    return Ranking("unique", event.n_unique, event.n_image_posts, rows, covered)


def _groups(event: Event, limit: int, made: groups.Groups) -> Ranking:
    places = range(min(len(made), limit))
    members = [made.members_of(place) for place in places]
    n_posts, covered = _counted(event, "link__image__unique_id", members)
    leads = [int(made.lead[place]) for place in places]
    cards = {card.id: card for card in pictures.cards(event, leads)}
    rows = [
        Row(
            rank=rank,
            n_posts=n,
            share=_share(n, event),
            unique=lead,
            group=lead,
            card=cards.get(lead),
            thumb=cards[lead].thumb if lead in cards else "",
            n_members=int(made.n_members[place]),
        )
        for rank, (place, lead, n) in enumerate(zip(places, leads, n_posts, strict=True), 1)
    ]
    return Ranking("groups", len(made), event.n_image_posts, rows, covered)


def _counted(
    event: Event, field_name: str, sets: Sequence[np.ndarray]
) -> tuple[list[int], list[int]]:
    """Distinct selected posts of each set of ids, and of the sets up to and including it.

    Kept for a day under all that it depends on.
    """
    ids = np.concatenate([*sets, np.zeros(0, np.int64)]).astype(np.int64)
    sizes = np.array([len(part) for part in sets], np.int64)
    moment = event.organised_at.isoformat() if event.organised_at else ""
    key = "covered:" + snapshots.digest(
        f"{event.pk} {event.revision} {moment} {field_name}", ids.tobytes(), sizes.tobytes()
    )
    held = cache.get(key)
    if held is not None:
        return held
    order = np.argsort(ids, kind="stable")
    row_of_id = np.repeat(np.arange(len(sets)), sizes)[order]
    pairs = np.fromiter(
        _pairs(field_name, ids.tolist()), np.dtype([("post", np.int64), ("id", np.int64)])
    )
    row = row_of_id[np.searchsorted(ids[order], pairs["id"])]
    n_posts, covered = coverage.counted(pairs["post"], row, len(sets))
    made = n_posts.tolist(), covered.tolist()
    cache.set(key, made, DAY_S)
    return made


def _pairs(field_name: str, ids: list[int]) -> Iterator[tuple[int, int]]:
    for begin in range(0, len(ids), IDS_A_QUERY):
        yield from (
            PostLink.objects.filter(
                post__selected=True, **{f"{field_name}__in": ids[begin : begin + IDS_A_QUERY]}
            )
            .values_list("post_id", field_name)
            .iterator(20_000)
        )


def _leads(made: groups.Groups, uniques: Sequence[int | None]) -> dict[int | None, int]:
    """Unique image → lead of the group that holds it; those in no group are left out."""
    wanted = np.array([pk for pk in uniques if pk is not None], np.int64)
    at = tops.positions(made.members, wanted)
    known = at >= 0
    place = np.searchsorted(made.start, at[known], side="right") - 1
    return dict(zip(wanted[known].tolist(), made.lead[place].tolist(), strict=True))


def _share(n: int, event: Event) -> float:
    return n / event.n_image_posts if event.n_image_posts else 0.0


def _thumb(event: Event, link: Link) -> str:
    image = link.image
    return pictures.thumb_url(event, image.sha256) if image and image.phash else ""


def _reason(link: Link) -> str:
    """Why there is nothing to see of a link; empty where there is."""
    if link.state == Link.State.FAILED:
        return link.reason or "could not be fetched"
    if link.state == Link.State.WAITING:
        return "not fetched yet"
    if link.image is None:
        return "its file is not stored"
    if link.image.failed_at:
        return link.image.reason or "could not be read"
    return "" if link.image.phash else "not looked at yet"
