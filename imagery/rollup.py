"""Counts per link, image, unique image, group and minute: what pages read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import models, transaction
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from imagery import groups, snapshots
from imagery.models import Event, Image, Link, PostLink, Snapshot, UniqueImage
from imagery.writing import update_rows

TOP_TAGS = 12
EVENT_FIELDS = (
    "n_posts", "n_image_posts", "n_links", "n_failed_links", "n_images", "n_unique",
    "n_near", "n_groups", "n_accounts", "first_posted_at", "last_posted_at", "organised_at",
)  # fmt: skip
HOUR, DAY = 60, 1440  # minutes


@dataclass(frozen=True, slots=True)
class Shown:
    """Every (selected post, unique image) once: posts int64, unique int64, minute int32,
    account int64 (0 unknown), all of length m."""

    post: np.ndarray
    unique: np.ndarray
    minute: np.ndarray
    account: np.ndarray


def run(event: Event) -> None:
    """Count everything anew, in one transaction; unchanged rows are not written."""
    with transaction.atomic():
        _links_and_images(event)
        shown = _shown(event)
        unique = _unique_images(event, shown)
        _timeline(event, shown)
        _groups(event, unique)
        _event(event)


# Links and images ----------------------------------------------------------------------------


def _ties(event: Event) -> models.QuerySet[PostLink]:
    """Which selected post shows which link."""
    return PostLink.objects.filter(link__event=event, post__selected=True)


def _links_and_images(event: Event) -> None:
    ties = _ties(event)
    per_link = {
        pk: (n, at)
        for pk, n, at in ties.values_list("link_id")
        .annotate(n=Count("post_id"), at=Min("post__posted_at"))
        .order_by()
    }
    _write_changed(event.links, Link, ("n_posts", "first_posted_at"), per_link, (0, None))
    per_image = {
        pk: (n, at)
        for pk, n, at in ties.exclude(link__image=None)
        .values_list("link__image_id")
        .annotate(n=Count("post_id", distinct=True), at=Min("post__posted_at"))
        .order_by()
    }
    _write_changed(event.images, Image, ("n_posts", "first_posted_at"), per_image, (0, None))


def _write_changed(
    rows: Any,
    model: type[models.Model],
    fields: tuple[str, ...],
    wanted: dict[int, tuple],
    otherwise: tuple,
) -> None:
    changed = []
    for pk, *held in rows.values_list("pk", *fields).iterator(5000):
        want = wanted.get(pk, otherwise)
        if tuple(held) != want:
            changed.append(model(pk=pk, **dict(zip(fields, want, strict=True))))
    update_rows(changed, fields)


# Unique images -------------------------------------------------------------------------------


def _shown(event: Event) -> Shown:
    rows = (
        _ties(event)
        .exclude(link__image__unique=None)
        .values_list("post_id", "link__image__unique_id", "post__posted_at", "post__account_id")
        .order_by("link__image__unique_id", "post_id")
        .distinct()
    )
    table = np.array(
        [(p, u, _minute(at), account or 0) for p, u, at, account in rows.iterator(20_000)],
        np.int64,
    ).reshape(-1, 4)
    return Shown(table[:, 0], table[:, 1], table[:, 2].astype(np.int32), table[:, 3])


def _minute(at: datetime) -> int:
    return int(at.timestamp() // 60)


def _time(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def _unique_images(event: Event, shown: Shown) -> snapshots.Arrays:
    """Write each unique image's counts; returns the arrays of Snapshot.Kind.UNIQUE."""
    rows = list(event.unique_images.select_related("representative").defer("hashtags"))
    counts = _counted(event, [row.pk for row in rows], shown)

    def place(row: UniqueImage) -> tuple[int, float, str]:
        found = counts[row.pk]
        return -found["n_posts"], _first(found), row.representative.sha256

    ranked = [counts[row.pk] | {"pk": row.pk} for row in sorted(rows, key=place)]
    for rank, found in enumerate(ranked, start=1):
        found["rank"] = rank
    if ranked:
        fields = tuple(name for name in ranked[0] if name != "pk")
        wanted = {found["pk"]: tuple(found[name] for name in fields) for found in ranked}
        _write_changed(event.unique_images, UniqueImage, fields, wanted, ())
    return {
        "id": np.array([found["pk"] for found in ranked], np.int64),
        "n_posts": np.array([found["n_posts"] for found in ranked], np.int32),
        "rank": np.arange(1, len(ranked) + 1, dtype=np.int32),
        "first": np.array([_seconds(found["first_posted_at"]) for found in ranked], np.int64),
        "last": np.array([_seconds(found["last_posted_at"]) for found in ranked], np.int64),
        **_albums(shown),
    }


def _counted(event: Event, ids: list[int], shown: Shown) -> dict[int, dict[str, Any]]:
    """Unique image → its rollup fields by name, the rank aside."""
    bounds, spans = _bounds(shown.unique), _spans(event)
    copies = _count(event.images.exclude(unique=None), "unique_id")
    shown_links = event.links.exclude(image__unique=None).filter(n_posts__gt=0)
    links = _count(shown_links, "image__unique_id")
    tags, described, n_days = _hashtags(event), _described(event), _days(shown.minute)
    counts: dict[int, dict[str, Any]] = {}
    for pk in ids:
        begin, end = bounds.get(pk, (0, 0))
        minutes, accounts = shown.minute[begin:end], shown.account[begin:end]
        first, last = spans.get(pk, (None, None))
        counts[pk] = {
            "n_posts": end - begin,
            "n_copies": copies.get(pk, 0),
            "n_links": links.get(pk, 0),
            "n_accounts": len(np.unique(accounts[accounts > 0])),
            "first_posted_at": first,
            "last_posted_at": last,
            "peak_at": _peak(minutes),
            "growth": _growth(minutes, n_days),
            "hashtags": tags.get(pk, []),
            "described": described.get(pk, ""),
        }
    return counts


def _spans(event: Event) -> dict[int, tuple[datetime, datetime]]:
    """Unique image → when it was posted first and last, to the second."""
    rows = (
        _ties(event)
        .exclude(link__image__unique=None)
        .values_list("link__image__unique_id")
        .annotate(first=Min("post__posted_at"), last=Max("post__posted_at"))
        .order_by()
    )
    return {pk: (first, last) for pk, first, last in rows}


def _albums(shown: Shown) -> snapshots.Arrays:
    """The pairs of posts that show several unique images."""
    _, place, n = np.unique(shown.post, return_inverse=True, return_counts=True)
    several = n[place] > 1
    return {"album_post": shown.post[several], "album_unique": shown.unique[several]}


def _bounds(sorted_ids: np.ndarray) -> dict[int, tuple[int, int]]:
    """Id → its stretch [begin, end) in the sorted array."""
    ids, begin, size = np.unique(sorted_ids, return_index=True, return_counts=True)
    return {int(i): (int(b), int(b + s)) for i, b, s in zip(ids, begin, size, strict=True)}


def _first(values: dict[str, Any]) -> float:
    return values["first_posted_at"].timestamp() if values["first_posted_at"] else float("inf")


def _seconds(at: datetime | None) -> int:
    return int(at.timestamp()) if at else 0


def _count(rows: Any, by: str) -> dict[int, int]:
    return dict(rows.values_list(by).annotate(n=Count("pk")).order_by())


def _peak(minutes: np.ndarray) -> datetime | None:
    """Start of the hour (UTC) with the most posts; the earliest of equals."""
    if not len(minutes):
        return None
    hours, n = np.unique(minutes // HOUR, return_counts=True)
    return _time(int(hours[np.argmax(n)]) * HOUR)


def _days(minutes: np.ndarray) -> float:
    return max(1.0, (int(minutes.max()) - int(minutes.min())) / DAY) if len(minutes) else 1.0


def _growth(minutes: np.ndarray, n_days: float) -> float:
    """Posts in the fullest 24 h (from midnight UTC) over the mean day of the event, damped by
    one day's worth of a single post, so that rare pictures do not lead."""
    if not len(minutes):
        return 0.0
    best = int(np.unique(minutes // DAY, return_counts=True)[1].max())
    return round(best / (len(minutes) / n_days + 1), 4)


def _described(event: Event) -> dict[int, str]:
    """Unique image → the alternative text of its most posted link that has one."""
    rows = (
        event.links.exclude(image__unique=None)
        .exclude(alt="")
        .order_by("n_posts", "-key")
        .values_list("image__unique_id", "alt")
    )
    return dict(rows)


def _hashtags(event: Event) -> dict[int, list[list[Any]]]:
    """Unique image → its TOP_TAGS hashtags as [tag, posts], letter case put aside."""
    rows = (
        _ties(event)
        .exclude(link__image__unique=None)
        .exclude(post__hashtags=[])
        .values_list("link__image__unique_id", "post_id", "post__hashtags")
        .order_by("link__image__unique_id", "post_id")
    )
    counters: dict[int, Counter[str]] = {}
    spelling: dict[str, str] = {}
    before: tuple[int, int] | None = None
    for unique, post, tags in rows.iterator(20_000):
        if (unique, post) == before:
            continue
        before = (unique, post)
        for tag in {str(t).casefold(): str(t) for t in tags}.values():
            spelling.setdefault(tag.casefold(), tag)
            counters.setdefault(unique, Counter())[tag.casefold()] += 1
    return {
        unique: [
            [spelling[tag], n]
            for tag, n in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:TOP_TAGS]
        ]
        for unique, counter in counters.items()
    }


# Timeline, groups, event ---------------------------------------------------------------------


def _timeline(event: Event, shown: Shown | None) -> None:
    """Posts by minute; pictures by minute as `shown`, or as they were where it is None."""
    posts: Counter[int] = Counter()
    with_images: Counter[int] = Counter()
    stamps: Iterable[tuple[datetime, bool]] = (
        event.posts.selected().values_list("posted_at", "has_images").iterator(20_000)
    )
    for at, has_images in stamps:
        minute = _minute(at)
        posts[minute] += 1
        with_images[minute] += has_images
    minutes = sorted(posts)
    seen = snapshots.read(event, Snapshot.Kind.TIMELINE) if shown is None else _seen(shown)
    made = {
        "post_minute": np.array(minutes, np.int32),
        "post_n": np.array([posts[m] for m in minutes], np.int32),
        "image_post_n": np.array([with_images[m] for m in minutes], np.int32),
        **{name: seen[name] for name in ("minute", "unique", "n")},
    }
    _write_snapshot(event, Snapshot.Kind.TIMELINE, made)


def _seen(shown: Shown) -> snapshots.Arrays:
    """Posts by minute and unique image, in that order: "minute", "unique", "n"."""
    order = np.lexsort((shown.unique, shown.minute))
    pairs = np.stack([shown.minute[order].astype(np.int64), shown.unique[order]], axis=1)
    triples, n = (
        np.unique(pairs, axis=0, return_counts=True)
        if len(pairs)
        else (np.zeros((0, 2), np.int64), np.zeros(0, np.int64))
    )
    return {
        "minute": triples[:, 0].astype(np.int32),
        "unique": triples[:, 1],
        "n": n.astype(np.int32),
    }


def _write_snapshot(event: Event, kind: str, made: snapshots.Arrays) -> None:
    inputs = snapshots.digest(*(made[name].tobytes() for name in sorted(made)))
    if snapshots.inputs_of(event, kind) != inputs:
        snapshots.write(event, kind, made, inputs)


def _groups(event: Event, unique: snapshots.Arrays) -> None:
    _write_snapshot(event, Snapshot.Kind.UNIQUE, unique)
    made = groups.at(event)
    lead_of: dict[int, tuple[int]] = {}
    for position in range(len(made)):
        lead = (int(made.lead[position]),)
        lead_of.update(dict.fromkeys(made.members_of(position).tolist(), lead))
    _write_changed(event.unique_images, UniqueImage, ("group_id",), lead_of, (None,))
    event.n_groups = len(made)


def _post_counts(event: Event) -> dict[str, Any]:
    return event.posts.selected().aggregate(
        n=Count("pk"),
        images=Count("pk", filter=Q(has_images=True)),
        first=Min("posted_at"),
        last=Max("posted_at"),
    )


def _event(event: Event) -> None:
    posts = _post_counts(event)
    event.n_posts, event.n_image_posts = posts["n"], posts["images"]
    event.first_posted_at, event.last_posted_at = posts["first"], posts["last"]
    event.n_links = event.links.filter(n_posts__gt=0).count()
    event.n_failed_links = event.links.filter(n_posts__gt=0).failed().count()
    event.n_images = event.images.exclude(unique=None).count()
    event.n_unique = event.unique_images.count()
    event.n_near = event.images.filter(near=F("pk")).count()
    event.n_accounts = event.accounts.count()
    event.organised_at = timezone.now()
    event.save(update_fields=EVENT_FIELDS)
    Event.objects.filter(pk=event.pk).update(revision=F("revision") + 1)
    event.refresh_from_db(fields=["revision"])


def quick_counts(event: Event) -> None:
    """Posts and links counted right after an import, before anything is fetched.

    Pages show when posts were posted from then on; what is known of their pictures stays.
    """
    posts = _post_counts(event)
    _timeline(event, None)
    Event.objects.filter(pk=event.pk).update(
        n_posts=posts["n"],
        n_image_posts=posts["images"],
        first_posted_at=posts["first"],
        last_posted_at=posts["last"],
        n_links=event.links.count(),
        n_accounts=event.accounts.count(),
    )
