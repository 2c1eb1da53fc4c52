"""Most posted links, unique images and groups, with the posts they cover (Paper A, Figures 6–8).

A post counts once in a row however many of its pictures belong there, and once in what the
first rows cover between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.core import coverage, tops
from imagery import groups, pictures, snapshots
from imagery.models import Event, Link, Snapshot

FIRST = 5  # rows the paper sums up


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
    pks = np.array([link.pk for link in found], np.int64)
    held = snapshots.read(event, Snapshot.Kind.UNIQUE)
    n_posts, covered = _counted(
        _alone(pks),
        pks,
        np.array([link.n_posts for link in found], np.int64),
        Albums(held["links_post"], held["links_link"]),
    )
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
    held = snapshots.read(event, Snapshot.Kind.UNIQUE)
    ids = held["id"][:limit].tolist()
    n_posts, covered = _unique_counted(held, _alone(held["id"][:limit]))
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
    n_posts, covered = _unique_counted(snapshots.read(event, Snapshot.Kind.UNIQUE), members)
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


@dataclass(frozen=True, slots=True)
class Albums:
    """Pairs (m,) int64 of posts that show several pictures, and one of those."""

    post: np.ndarray
    picture: np.ndarray


def _alone(ids: np.ndarray) -> list[np.ndarray]:
    return list(ids.reshape(-1, 1))


def _unique_counted(
    held: snapshots.Arrays, sets: Sequence[np.ndarray]
) -> tuple[list[int], list[int]]:
    albums = Albums(held["album_post"], held["album_unique"])
    return _counted(sets, held["id"], held["n_posts"], albums)


def _counted(
    sets: Sequence[np.ndarray], ids: np.ndarray, n_posts: np.ndarray, albums: Albums
) -> tuple[list[int], list[int]]:
    """Distinct posts of each set of pictures, and of the sets up to and including it.

    ids, n_posts: (n,) int64, posts of each picture. Sets are disjoint.
    """
    wanted = np.concatenate([*sets, np.zeros(0, np.int64)]).astype(np.int64)
    row = np.repeat(np.arange(len(sets)), [len(part) for part in sets])
    at = tops.positions(ids, wanted)
    sums = np.bincount(row[at >= 0], n_posts[at[at >= 0]], len(sets)).astype(np.int64)
    place = tops.positions(wanted, albums.picture)
    shown = place >= 0
    n, covered = coverage.without_repeats(sums, albums.post[shown], row[place[shown]])
    return n.tolist(), covered.tolist()


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
