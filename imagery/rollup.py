"""Counts per link, image, unique image, group and minute: what pages read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.db import models, transaction
from django.db.models import Count, F
from django.db.models.functions import Cast
from django.utils import timezone

from imagery import groups, showings, snapshots
from imagery.core import tallies
from imagery.models import Event, Image, Link, Snapshot, UniqueImage
from imagery.showings import MINUTE_US, Showings, Shown, moment
from imagery.writing import update_rows

TOP_TAGS = 12
EVENT_FIELDS = (
    "n_posts", "n_image_posts", "n_links", "n_failed_links", "n_images", "n_unique",
    "n_near", "n_groups", "n_accounts", "first_posted_at", "last_posted_at", "organised_at",
)  # fmt: skip
HOUR, DAY = 60, 1440  # minutes


def run(event: Event) -> None:
    """Count everything anew, in one transaction; unchanged rows are not written."""
    with transaction.atomic():
        found = showings.read(event)
        counts = ("n_posts", "first_posted_at")
        links = showings.counted(found.link, found)
        _write_changed(event.links, Link, counts, links, (0, None))
        images = showings.counted(found.image, found)
        _write_changed(event.images, Image, counts, images, (0, None))
        shown = showings.shown(found)
        unique = _unique_images(event, shown, found)
        posts = _timeline(event, shown)
        _groups(event, unique)
        _event(event, posts)


# Links and images ----------------------------------------------------------------------------


def _write_changed(
    rows: Any,
    model: type[models.Model],
    fields: tuple[str, ...],
    wanted: dict[int, tuple],
    otherwise: tuple,
) -> None:
    times = [
        name for name in fields if isinstance(model._meta.get_field(name), models.DateTimeField)
    ]
    # As text: to make objects of times costs more than to read and compare them.
    told = rows.annotate(**{f"{name}_text": Cast(name, models.CharField()) for name in times})
    names = [f"{name}_text" if name in times else name for name in fields]
    held = list(told.values_list("pk", *names).iterator(5000))
    columns = [
        showings.micros_or_none(column) if name in times else column
        for name, column in zip(("pk", *fields), zip(*held, strict=True), strict=False)
    ]
    changed = []
    for pk, *values in zip(*columns, strict=True):
        want = wanted.get(pk, otherwise)
        if values != [_plain(value) for value in want]:
            changed.append(model(pk=pk, **dict(zip(fields, want, strict=True))))
    update_rows(changed, fields)


def _plain(value: object) -> object:
    return showings.micro(value) if isinstance(value, datetime) else value


# Unique images -------------------------------------------------------------------------------


def _unique_images(event: Event, shown: Shown, found: Showings) -> snapshots.Arrays:
    """Write each unique image's counts; returns the arrays of Snapshot.Kind.UNIQUE."""
    sha256 = dict(event.unique_images.values_list("pk", "representative__sha256"))
    counts = _counted(event, list(sha256), shown, found)

    def place(pk: int) -> tuple[int, float, str]:
        return -counts[pk]["n_posts"], _first(counts[pk]), sha256[pk]

    ranked = [counts[pk] | {"pk": pk} for pk in sorted(sha256, key=place)]
    for rank, made in enumerate(ranked, start=1):
        made["rank"] = rank
    if ranked:
        fields = tuple(name for name in ranked[0] if name != "pk")
        wanted = {made["pk"]: tuple(made[name] for name in fields) for made in ranked}
        _write_changed(event.unique_images, UniqueImage, fields, wanted, ())
    return {
        "id": np.array([made["pk"] for made in ranked], np.int64),
        "n_posts": np.array([made["n_posts"] for made in ranked], np.int32),
        "rank": np.arange(1, len(ranked) + 1, dtype=np.int32),
        "first": np.array([_seconds(made["first_posted_at"]) for made in ranked], np.int64),
        "last": np.array([_seconds(made["last_posted_at"]) for made in ranked], np.int64),
        **dict(zip(("album_post", "album_unique"), _albums(shown.post, shown.unique), strict=True)),
        **dict(zip(("links_post", "links_link"), _albums(found.post, found.link), strict=True)),
    }


def _counted(
    event: Event, ids: list[int], shown: Shown, found: Showings
) -> dict[int, dict[str, Any]]:
    """Unique image → its rollup fields by name, the rank aside."""
    copies = _count(event.images.exclude(unique=None), "unique_id")
    shown_links = event.links.exclude(image__unique=None).filter(n_posts__gt=0)
    links = _count(shown_links, "image__unique_id")
    posts = _by_unique(*np.unique(shown.unique, return_counts=True))
    accounts, spans = _accounts(shown), _spans(found)
    peaks, growths = _peaks(shown), _growths(shown)
    tags, described = showings.hashtags(shown, found.hashtags, TOP_TAGS), _described(event)
    counts: dict[int, dict[str, Any]] = {}
    for pk in ids:
        first, last = spans.get(pk, (None, None))
        counts[pk] = {
            "n_posts": posts.get(pk, 0),
            "n_copies": copies.get(pk, 0),
            "n_links": links.get(pk, 0),
            "n_accounts": accounts.get(pk, 0),
            "first_posted_at": first,
            "last_posted_at": last,
            "peak_at": peaks.get(pk),
            "growth": growths.get(pk, 0.0),
            "hashtags": [list(tag) for tag in tags.get(pk, [])],
            "described": described.get(pk, ""),
        }
    return counts


def _by_unique(ids: np.ndarray, values: np.ndarray) -> dict[int, Any]:
    return dict(zip(ids.tolist(), values.tolist(), strict=True))


def _accounts(shown: Shown) -> dict[int, int]:
    """Unique image → how many accounts posted it."""
    unique, account = shown.unique[shown.account > 0], shown.account[shown.account > 0]
    once, _ = tallies.pairs(unique, account)
    return _by_unique(*np.unique(unique[once], return_counts=True))


def _spans(found: Showings) -> dict[int, tuple[datetime, datetime]]:
    """Unique image → when it was posted first and last, to the microsecond."""
    kept = found.unique > 0
    first, last = tallies.spans(found.unique[kept], found.at[kept])
    moments = zip(map(moment, first.tolist()), map(moment, last.tolist()), strict=True)
    return dict(zip(np.unique(found.unique[kept]).tolist(), moments, strict=True))


def _albums(post: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pairs, each told once, whose post is in several."""
    _, place, n = np.unique(post, return_inverse=True, return_counts=True)
    several = n[place] > 1
    return post[several], picture[several]


def _first(values: dict[str, Any]) -> float:
    return values["first_posted_at"].timestamp() if values["first_posted_at"] else float("inf")


def _seconds(at: datetime | None) -> int:
    return int(at.timestamp()) if at else 0


def _count(rows: Any, by: str) -> dict[int, int]:
    return dict(rows.values_list(by).annotate(n=Count("pk")).order_by())


def _peaks(shown: Shown) -> dict[int, datetime]:
    """Unique image → start of the hour (UTC) with the most posts; the earliest of equals."""
    ids, hour, _ = tallies.fullest(shown.unique, shown.minute // HOUR)
    begins = (moment(at) for at in (hour.astype(np.int64) * HOUR * MINUTE_US).tolist())
    return dict(zip(ids.tolist(), begins, strict=True))


def _growths(shown: Shown) -> dict[int, float]:
    """Unique image → posts in the fullest 24 h (from midnight UTC) over the mean day of the
    event, damped by one day's worth of a single post, so that rare pictures do not lead."""
    ids, _, best = tallies.fullest(shown.unique, shown.minute // DAY)
    posts = np.unique(shown.unique, return_counts=True)[1]
    return _by_unique(ids, np.round(best / (posts / _days(shown.minute) + 1), 4))


def _days(minutes: np.ndarray) -> float:
    return max(1.0, (int(minutes.max()) - int(minutes.min())) / DAY) if len(minutes) else 1.0


def _described(event: Event) -> dict[int, str]:
    """Unique image → the alternative text of its most posted link that has one."""
    rows = (
        event.links.exclude(image__unique=None)
        .exclude(alt="")
        .order_by("n_posts", "-key")
        .values_list("image__unique_id", "alt")
    )
    return dict(rows)


# Timeline, groups, event ---------------------------------------------------------------------


def _timeline(event: Event, shown: Shown | None) -> dict[str, Any]:
    """Posts by minute; pictures by minute as `shown`, or as they were where it is None.

    Returns what they come to, by the event's fields.
    """
    minute, n, with_images = showings.by_minute(event)
    seen = snapshots.read(event, Snapshot.Kind.TIMELINE) if shown is None else _seen(shown)
    made = {
        "post_minute": minute,
        "post_n": n,
        "image_post_n": with_images,
        **{name: seen[name] for name in ("minute", "unique", "n")},
    }
    _write_snapshot(event, Snapshot.Kind.TIMELINE, made)
    times = event.posts.selected().values_list("posted_at", flat=True)
    return {
        "n_posts": int(n.sum()),
        "n_image_posts": int(with_images.sum()),
        "first_posted_at": times.order_by("posted_at").first(),
        "last_posted_at": times.order_by("-posted_at").first(),
    }


def _seen(shown: Shown) -> snapshots.Arrays:
    """Posts by minute and unique image, in that order: "minute", "unique", "n"."""
    once, n = tallies.pairs(shown.minute, shown.unique)
    return {"minute": shown.minute[once], "unique": shown.unique[once], "n": n.astype(np.int32)}


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


def _event(event: Event, posts: dict[str, Any]) -> None:
    for name, value in posts.items():
        setattr(event, name, value)
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
    posts = _timeline(event, None)
    n_links, n_accounts = event.links.count(), event.accounts.count()
    Event.objects.filter(pk=event.pk).update(n_links=n_links, n_accounts=n_accounts, **posts)
