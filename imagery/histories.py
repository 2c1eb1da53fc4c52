"""One unique image's history: its posts, accounts, versions, links, spread and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Count, F, Min, Q

from imagery import pictures, snapshots
from imagery.models import (
    Account,
    Event,
    Image,
    Link,
    Post,
    PostLink,
    Snapshot,
    UniqueImage,
    Vector,
)
from imagery.models.posts import PostQuerySet

Row = dict[str, object]
HASH_BITS = 64
# Minutes of an interval of the spread, from one minute to four weeks.
INTERVALS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 40320)


def posts_of(unique: UniqueImage) -> PostQuerySet:
    """Selected posts that carry any version of it, each once."""
    carrying = PostLink.objects.filter(link__image__unique=unique).values("post_id")
    # Not filtered by event: its links are the event's own, and the index by time would mislead.
    return Post.objects.selected().filter(pk__in=carrying)


@dataclass(frozen=True, slots=True)
class PostPage:
    posts: list[Post]
    after: str  # where the next page begins; empty on the last


def post_page(
    unique: UniqueImage, after: str = "", limit: int = 50, newest: bool = False
) -> PostPage:
    """Posts by time. Raises ValueError where `after` is no cursor of ours."""
    found = posts_of(unique).select_related("account")
    if after:
        at, pk = read_cursor(after)
        beyond = Q(posted_at__lt=at) | Q(posted_at=at, pk__lt=pk)
        if not newest:
            beyond = Q(posted_at__gt=at) | Q(posted_at=at, pk__gt=pk)
        found = found.filter(beyond)
    order = ("-posted_at", "-pk") if newest else ("posted_at", "pk")
    posts = list(found.order_by(*order)[: limit + 1])
    last = posts[limit - 1] if len(posts) > limit else None
    return PostPage(posts[:limit], f"{micros(last.posted_at)}-{last.pk}" if last else "")


def micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def read_cursor(text: str) -> tuple[datetime, int]:
    micros, _, pk = text.rpartition("-")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micros)), int(pk)
    except (ValueError, OverflowError):
        raise ValueError(f"no place in a list of posts: {text[:40]!r}") from None


def accounts_of(unique: UniqueImage, limit: int = 12) -> list[Row]:
    """Accounts by how many posts of theirs carry it, earliest first among equals."""
    counts = list(
        posts_of(unique)
        .exclude(account=None)
        .values("account_id")
        .annotate(n=Count("pk"), first_at=Min("posted_at"))
        .order_by("-n", "first_at", "account_id")[:limit]
    )
    names = ("platform", "uid", "handle", "name", "followers", "verified")
    held = Account.objects.filter(pk__in=[row["account_id"] for row in counts])
    told = {row.pop("pk"): row for row in held.values("pk", *names)}
    return [
        {**row, **{f"account__{name}": told[row["account_id"]][name] for name in names}}
        for row in counts
        if row["account_id"] in told
    ]


def versions_of(unique: UniqueImage, limit: int | None = None) -> list[Image]:
    """Its distinct files, oldest first; those never posted last."""
    order = F("first_posted_at").asc(nulls_last=True)
    return list(unique.copies.order_by(order, "sha256")[:limit])


def links_of(unique: UniqueImage, limit: int = 50) -> list[Link]:
    """Addresses it was fetched from, most posted first."""
    found = Link.objects.filter(image__unique=unique).select_related("image")
    return list(found.order_by("-n_posts", "pk")[:limit])


@dataclass(frozen=True, slots=True)
class Spread:
    """Posts with it per interval, from the first to the last; no interval is left out."""

    starts: list[datetime]
    counts: list[int]
    interval_s: int

    @property
    def cumulative(self) -> list[int]:
        return np.cumsum(self.counts, dtype=np.int64).tolist()


def spread_of(event: Event, unique_id: int, at_most: int = 60) -> Spread:
    """The finest interval of INTERVALS_MIN that gives at most that many intervals.

    Intervals begin where the event's zone has its round times, by its offset at the first post.
    """
    timeline = snapshots.read(event, Snapshot.Kind.TIMELINE)
    chosen = timeline["unique"] == unique_id
    minutes, n = timeline["minute"][chosen].astype(np.int64), timeline["n"][chosen]
    if not len(minutes):
        return Spread([], [], 60)
    zone = ZoneInfo(event.timezone)
    offset = datetime.fromtimestamp(int(minutes.min()) * 60, zone).utcoffset() or timedelta()
    local = minutes + int(offset.total_seconds()) // 60
    low, high = int(local.min()), int(local.max())
    fits = (step for step in INTERVALS_MIN if high // step - low // step < at_most)
    step = next(fits, -(-(high - low + 1) // at_most))
    begin = low // step
    counts = np.bincount(local // step - begin, weights=n).astype(np.int64).tolist()
    first = datetime.fromtimestamp(begin * step * 60, UTC) - offset
    starts = [first + timedelta(minutes=step * i) for i in range(len(counts))]
    return Spread(starts, counts, step * 60)


@dataclass(frozen=True, slots=True)
class Near:
    card: pictures.Card
    similarity: float


def nearest_to(event: Event, unique_id: int, limit: int = 12) -> list[Near]:
    """The unique images most alike: similarity 1 / (1 + distance), as groups are made by."""
    arrays = snapshots.read(event, Snapshot.Kind.NEIGHBOURS)
    place = np.flatnonzero(arrays["unique"] == unique_id)
    if not len(place):
        return []
    index, distance = arrays["index"][place[0]], arrays["distance"][place[0]]
    index, distance = index[index >= 0][:limit], distance[index >= 0][:limit]
    ids = arrays["unique"][index].tolist()
    alike = dict(zip(ids, (1 / (1 + distance.astype(np.float64))).tolist(), strict=True))
    return [Near(card, alike[card.id]) for card in pictures.cards(event, ids)]


def beside(event: Event, unique_id: int) -> tuple[int | None, int | None]:
    """Unique images one rank better and one worse."""
    ids = snapshots.read(event, Snapshot.Kind.UNIQUE)["id"]
    place = np.flatnonzero(ids == unique_id)
    if not len(place):
        return None, None
    at = int(place[0])
    return (
        int(ids[at - 1]) if at else None,
        int(ids[at + 1]) if at + 1 < len(ids) else None,
    )


def similarity_to(event: Event, lead_id: int, ids: Sequence[int]) -> dict[int, float]:
    """Similarity of each unique image's representative to the lead's; unknown ones left out."""
    rows = Vector.objects.filter(
        image__represents__in=[lead_id, *ids], layer=event.descriptor, embedder=event.embedder
    ).values_list("image__represents", "values")
    vectors = {pk: np.frombuffer(values, "<f2").astype(np.float64) for pk, values in rows}
    lead = vectors.get(lead_id)
    if lead is None:
        return {}
    return {
        pk: float(1 / (1 + np.linalg.norm(vector - lead)))
        for pk, vector in vectors.items()
        if vector.shape == lead.shape
    }
