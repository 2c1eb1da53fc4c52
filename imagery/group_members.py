"""Inside one group: its members, their curves over time, and why they are together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imagery import histories, pictures, snapshots
from imagery.core import sparkline
from imagery.groups import Groups
from imagery.models import Event, Snapshot, UniqueImage

CURVE_W, CURVE_H, CURVE_BINS = 100.0, 24.0, 50
EXPLAINED = 300  # members, most posted first, whose classes are averaged


@dataclass(frozen=True, slots=True)
class Curve:
    """Posts over the group's span as the path of a small curve, in a box of 100 × 24."""

    path: str
    peak: int  # posts in the fullest of its 50 intervals


@dataclass(frozen=True, slots=True)
class Member:
    card: pictures.Card
    curve: Curve
    similarity: float | None  # to the lead; None where one of them has no vector
    classes: list[tuple[str, float]]
    unique: UniqueImage


@dataclass(frozen=True, slots=True)
class Shared:
    """A class that members have in common. `mean` is at least so much: see shared_classes."""

    name: str
    mean: float
    n_members: int


def members(
    event: Event, groups: Groups, position: int, after: int = 0, limit: int = 48
) -> list[Member]:
    """Members `after` … `after + limit` by rank."""
    own = groups.members_of(position)
    ids = own[after : after + limit].tolist()
    rows = _rows(event, ids)
    lead = int(own[0])
    alike = histories.similarity_to(event, lead, ids)
    span = int(groups.first[position]), int(groups.last[position])
    drawn = curves(event, ids, *span)
    return [
        Member(card, drawn[row.pk], alike.get(row.pk), _classes(row), row)
        for card, row in zip(pictures.cards_of(event, rows), rows, strict=True)
    ]


def table(event: Event, groups: Groups, position: int) -> Iterator[list[object]]:
    """Rows of the group's download, under HEADER."""
    own = groups.members_of(position).tolist()
    for begin in range(0, len(own), 500):
        ids = own[begin : begin + 500]
        alike = histories.similarity_to(event, own[0], ids)
        for row in _rows(event, ids):
            image, likeness = row.representative, alike.get(row.pk)
            yield [
                row.pk,
                image.sha256,
                row.rank,
                row.n_posts,
                row.n_accounts,
                row.n_copies,
                row.first_posted_at,
                row.last_posted_at,
                None if likeness is None else round(likeness, 4),
                "; ".join(f"{name} {p:.2f}" for name, p in image.top_classes[:3]),
                row.name,
            ]


HEADER = (
    "id",
    "sha256",
    "rank",
    "posts",
    "accounts",
    "copies",
    "first_posted_at",
    "last_posted_at",
    "similarity_to_lead",
    "classes",
    "group_name",
)


def _rows(event: Event, ids: Sequence[int]) -> list[UniqueImage]:
    """In the order given; those that are gone left out."""
    found = (
        UniqueImage.objects.filter(event=event)
        .select_related("representative")
        .defer("hashtags", "representative__signature")
        .in_bulk(ids)
    )
    return [found[pk] for pk in ids if pk in found]


def _classes(row: UniqueImage) -> list[tuple[str, float]]:
    return [(str(name), float(p)) for name, p in row.representative.top_classes]


def why_together(event: Event, groups: Groups, position: int) -> list[Shared]:
    """Classes shared by the group's first EXPLAINED members."""
    ids = groups.members_of(position, EXPLAINED).tolist()
    rows = UniqueImage.objects.filter(event=event, pk__in=ids).values_list(
        "representative__top_classes", flat=True
    )
    return shared_classes(rows)


def shared_classes(likeliest: Iterable[list], at_most: int = 6) -> list[Shared]:
    """Classes by their mean probability over images, each given as [[name, probability], …].

    A class that is not among an image's likeliest counts as 0 there: means are lower bounds.
    """
    sums: dict[str, float] = {}
    times: dict[str, int] = {}
    n = 0
    for classes in likeliest:
        n += 1
        for name, p in classes:
            sums[name] = sums.get(name, 0.0) + float(p)
            times[name] = times.get(name, 0) + 1
    ranked = sorted(sums, key=lambda name: (-sums[name], name))[:at_most]
    return [Shared(name, sums[name] / n, times[name]) for name in ranked if sums[name] / n > 0.01]


def curves(event: Event, ids: Iterable[int], begin: int, end: int) -> dict[int, Curve]:
    """One curve per unique image over [begin, end] (s since 1970), each to its own peak."""
    timeline = snapshots.read(event, Snapshot.Kind.TIMELINE)
    wanted = np.unique(np.fromiter(ids, np.int64))
    chosen = np.isin(timeline["unique"], wanted)
    unique, minute, n = (timeline[name][chosen] for name in ("unique", "minute", "n"))
    made = {}
    for pk in wanted.tolist():
        own = unique == pk
        counts = sparkline.binned(minute[own], n[own], begin // 60, end // 60, CURVE_BINS)
        made[pk] = Curve(sparkline.steps(counts, CURVE_W, CURVE_H), int(counts.max(initial=0)))
    return made
