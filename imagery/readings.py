"""Posts read again: how far the second looks are, and one post's engagement by age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Min, Q
from django.utils import timezone

from imagery.models import Collection, Post, Reading

LATE = timedelta(hours=1)
KEPT_S = 30
WIDTH, HEIGHT = 120.0, 24.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the second looks at its posts are. late: read more than an hour after their age."""

    n_read: int
    n_late: int
    n_missed: int
    n_deleted: int
    n_private: int
    n_due: int
    n_waiting: int
    next_at: datetime | None


def progress(collection: Collection) -> Progress:
    """Read at most twice a minute: it counts every reading there is."""
    key = f"collection-readings-{collection.pk}"
    return cache.get_or_set(key, lambda: _progress(collection), KEPT_S)  # type: ignore[return-value]


def _progress(collection: Collection) -> Progress:
    now, State = timezone.now(), Reading.State
    of_it = Reading.objects.filter(post__collected_by=collection)
    by_state = dict(of_it.values_list("state").annotate(n=Count("pk")).order_by())
    waiting = collection.posts.exclude(visit_at=None)
    told: dict[str, Any] = waiting.aggregate(
        due=Count("pk", filter=Q(visit_at__lte=now)),
        later=Count("pk", filter=Q(visit_at__gt=now)),
        next=Min("visit_at", filter=Q(visit_at__gt=now)),
    )
    late = of_it.filter(state=State.READ, read_at__gt=F("due_at") + LATE).count()
    return Progress(
        n_read=by_state.get(State.READ, 0),
        n_late=late,
        n_missed=by_state.get(State.MISSED, 0),
        n_deleted=by_state.get(State.DELETED, 0),
        n_private=by_state.get(State.PRIVATE, 0),
        n_due=told["due"],
        n_waiting=told["later"],
        next_at=told["next"],
    )


@dataclass(frozen=True, slots=True)
class History:
    """A post's readings by age, with a curve of likes, reposts and comments together."""

    rows: Sequence[Reading]
    curve: str
    width: float = WIDTH
    height: float = HEIGHT


def history(rows: Iterable[Reading]) -> History | None:
    """None where there are none."""
    held = sorted(rows, key=lambda reading: reading.day)
    if not held:
        return None
    known = [
        (row.day, sum(n for n in (row.likes, row.reposts, row.comments) if n is not None))
        for row in held
        if any(n is not None for n in (row.likes, row.reposts, row.comments))
    ]
    return History(held, _line(known))


def _line(points: Sequence[tuple[int, int]]) -> str:
    """Through (day, count); nothing for fewer than two."""
    if len(points) < 2:
        return ""
    first, last = points[0][0], points[-1][0]
    top = max(n for _, n in points) or 1
    places = (
        f"{(day - first) / (last - first) * WIDTH:.1f} {HEIGHT * (1 - n / top):.1f}"
        for day, n in points
    )
    return "M" + "L".join(places)


def show(posts: Iterable[Post]) -> None:
    """Give each post its `history`, None where it was never read again; one query."""
    held: dict[int, list[Reading]] = {}
    shown = list(posts)
    for row in Reading.objects.filter(post__in=[post.pk for post in shown]).order_by("day"):
        held.setdefault(row.post_id, []).append(row)
    for post in shown:
        post.history = history(held.get(post.pk, ()))  # type: ignore[attr-defined]
