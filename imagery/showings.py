"""Which posts show which pictures, when and by whom: read once, as arrays.

Times are read as text: at hundreds of thousands of posts, making objects of them costs more
than the reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
from django.db.models import CharField, Count, Q, QuerySet, TextField
from django.db.models.functions import Cast, Substr

from imagery.core import tallies
from imagery.models import Event, PostLink

READ = 20_000  # rows held as objects at once
STRETCHES = 64
MINUTE_US = 60_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Showings:
    """Every (selected post, link), by link, then post. All int64 of one length.

    image, unique: 0 where the link has none. at: µs since 1970. account: 0 unknown. tags: number
    of the post's list of hashtags in `hashtags`.
    """

    post: np.ndarray
    link: np.ndarray
    image: np.ndarray
    unique: np.ndarray
    at: np.ndarray
    account: np.ndarray
    tags: np.ndarray
    hashtags: list[str]  # JSON; distinct


@dataclass(frozen=True, slots=True)
class Shown:
    """Every (selected post, unique image) once, by unique image, then post: posts int64, unique
    int64, minute int32, account int64 (0 unknown), tags int64, all of length m."""

    post: np.ndarray
    unique: np.ndarray
    minute: np.ndarray
    account: np.ndarray
    tags: np.ndarray


def read(event: Event) -> Showings:
    posts, texts = _posts(event)
    ties = _array(PostLink.objects.filter(link__event=event).values_list("post_id", "link_id"), 2)
    at = _places(posts[:, 0], ties[:, 0])
    ties, at = ties[at >= 0], at[at >= 0]
    order = np.lexsort((ties[:, 0], ties[:, 1]))
    ties, at = ties[order], at[order]
    links = event.links.exclude(image=None).values_list("pk", "image_id", "image__unique_id")
    known = _array(((pk, image, unique or 0) for pk, image, unique in links.iterator(READ)), 3)
    place = _places(known[:, 0], ties[:, 1])
    image, unique = (np.where(place >= 0, known[place, i], 0) if len(known) else 0 * place
                     for i in (1, 2))  # fmt: skip
    when, account, tags = posts[at, 1:].T
    return Showings(ties[:, 0], ties[:, 1], image, unique, when, account, tags, texts)


def _posts(event: Event) -> tuple[np.ndarray, list[str]]:
    """(n, 4) int64: id, µs, account, number of its hashtags; and the distinct lists of those.

    Only posts with pictures: no other has a link.
    """
    rows = (
        event.posts.selected()
        .filter(has_images=True)
        .order_by("pk")  # as they lie
        .annotate(when=Cast("posted_at", CharField()), tagged=Cast("hashtags", TextField()))
        .values_list("pk", "when", "account_id", "tagged")
    )
    number: dict[str, int] = {}
    parts = [np.zeros((0, 4), np.int64)]
    for batch in _batches(rows):
        pk, when, account, tagged = zip(*batch, strict=True)
        tags = [number.setdefault(text, len(number)) for text in tagged]
        known = [pk_or_none or 0 for pk_or_none in account]
        parts.append(
            np.stack([np.array(pk), micros(when), np.array(known), np.array(tags)], axis=1)
        )
    return np.concatenate(parts), list(number)


def _batches(rows: QuerySet) -> Iterator[list[tuple]]:
    batch: list[tuple] = []
    for row in rows.iterator(READ):
        batch.append(row)
        if len(batch) == READ:
            yield batch
            batch = []
    if batch:
        yield batch


def micros(texts: tuple[str, ...]) -> np.ndarray:
    """(n,) int64 µs since 1970 of times as databases write them: UTC, with or without saying so."""
    return np.array([text.removesuffix("+00") for text in texts], "M8[us]").astype(np.int64)


def micros_or_none(texts: Sequence[str | None]) -> list[int | None]:
    """As `micros`; None where there is no time."""
    known = iter(micros(tuple(text for text in texts if text is not None)).tolist())
    return [None if text is None else next(known) for text in texts]


def micro(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def moment(at_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_us)


def _array(rows: object, width: int) -> np.ndarray:
    made = np.fromiter(rows.iterator(READ) if isinstance(rows, QuerySet) else rows,  # type: ignore[call-overload]
                       np.dtype((np.int64, width)))  # fmt: skip
    return made


def _places(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(len(wanted),) int64: where each stands in `ids` (distinct), -1 where it does not."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(ids, kind="stable")
    at = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    return np.where(ids[at] == wanted, at, -1)


def counted(item: np.ndarray, found: Showings) -> dict[int, tuple[int, datetime]]:
    """Item (of each showing; 0 is none) → its distinct posts, and when it was first posted."""
    kept = np.flatnonzero(item > 0)
    once = kept[tallies.pairs(item[kept], found.post[kept])[0]]
    ids, n = np.unique(item[once], return_counts=True)
    first, _ = tallies.spans(item[kept], found.at[kept])
    return {
        pk: (count, moment(at))
        for pk, count, at in zip(ids.tolist(), n.tolist(), first.tolist(), strict=True)
    }


def shown(found: Showings) -> Shown:
    kept = np.flatnonzero(found.unique > 0)
    at = kept[tallies.pairs(found.unique[kept], found.post[kept])[0]]
    minute = (found.at[at] // MINUTE_US).astype(np.int32)
    return Shown(found.post[at], found.unique[at], minute, found.account[at], found.tags[at])


def hashtags(seen: Shown, lists: list[str], top: int) -> dict[int, list[tuple[str, int]]]:
    """Unique image → its `top` hashtags as (tag, posts), letter case put aside."""
    tags = [[str(tag) for tag in (orjson.loads(text) or ())] for text in lists]
    return tallies.most(seen.unique, seen.tags, tags, top)


def by_minute(event: Event) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minutes since 1970 in which selected posts were posted, ascending; how many, and how many
    of them with pictures: int32 each.

    The database counts, from its index alone; a stretch of time at once, for it sorts in memory.
    """
    posts = event.posts.selected()
    times = posts.values_list("posted_at", flat=True)
    first = times.order_by("posted_at").first()
    last = times.order_by("-posted_at").first()
    counts: list[tuple[str, int, int]] = []
    if first and last:
        begin = first.replace(second=0, microsecond=0)
        step = max(timedelta(minutes=1), (last - begin) / STRETCHES)
        step += timedelta(minutes=1) - step % timedelta(minutes=1)
        while begin <= last:
            part = posts.filter(posted_at__gte=begin, posted_at__lt=begin + step)
            counts += sorted(_per_minute(part))
            begin += step
    minutes = np.array([minute for minute, _, _ in counts], "M8[m]").astype(np.int32)
    posts_n, with_images = (np.array([row[i] for row in counts], np.int32) for i in (1, 2))
    return minutes, posts_n, with_images


def _per_minute(posts: QuerySet) -> QuerySet:
    return (
        posts.annotate(minute=Substr(Cast("posted_at", CharField()), 1, 16))
        .values_list("minute")
        .annotate(n=Count("pk"), with_images=Count("pk", filter=Q(has_images=True)))
        .order_by()
    )
