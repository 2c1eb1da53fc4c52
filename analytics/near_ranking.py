"""Unique pictures by perceptual hash alone: paper A's own setting of its Figures 6–8."""

from __future__ import annotations

import numpy as np

from analytics.core import coverage, tops
from analytics.rankings import Ranking, Row
from imagery import groups, pictures, snapshots
from imagery.models import Event, Image, Snapshot

MOST_EQUAL = 2_000  # pictures equal in posts that are put in the order of their first post


def top_near(event: Event, limit: int = 5) -> Ranking:
    """Sets by `Image.near` by distinct posts; each row names the picture that it is part of."""
    near, link, n_posts = _links(event)
    ids, row = np.unique(near, return_inverse=True)
    sums = np.bincount(row, n_posts, len(ids)).astype(np.int64)
    held = snapshots.read(event, Snapshot.Kind.UNIQUE)
    place = tops.positions(link, held["links_link"])
    post, shown = held["links_post"][place >= 0], row[place[place >= 0]]
    counts, _ = coverage.without_repeats(sums, post, shown)
    chosen = _first(ids, counts, limit)
    at = tops.positions(chosen, shown)
    _, covered = coverage.without_repeats(sums[chosen], post[at >= 0], at[at >= 0])
    rows = _rows(event, ids[chosen].tolist(), counts[chosen].tolist())
    return Ranking("unique", event.n_near, event.n_image_posts, rows, covered.tolist())


def _links(event: Event) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(near set, link, posts), (n,) int64 each, of links in posts whose file is in a set."""
    shown = event.links.filter(n_posts__gt=0).exclude(image__near=None)
    rows = shown.values_list("image__near_id", "pk", "n_posts").iterator(20_000)
    table = np.array(list(rows), np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _first(ids: np.ndarray, counts: np.ndarray, limit: int) -> np.ndarray:
    """Positions of the first sets by posts; of equals the earliest posted, then by SHA-256."""
    if not len(ids):
        return np.zeros(0, np.int64)
    least = np.sort(counts)[-min(limit, len(counts))]
    some = np.flatnonzero(counts >= least)
    some = some[np.argsort(-counts[some], kind="stable")][: limit + MOST_EQUAL]
    files = Image.objects.only("first_posted_at", "sha256").in_bulk(ids[some].tolist())

    def order(at: int) -> tuple[int, float, str]:
        file = files[int(ids[at])]
        posted = file.first_posted_at.timestamp() if file.first_posted_at else float("inf")
        return -int(counts[at]), posted, file.sha256

    return np.array(sorted(some.tolist(), key=order)[:limit], np.int64)


def _rows(event: Event, ids: list[int], counts: list[int]) -> list[Row]:
    files = event.images.only("sha256", "unique").in_bulk(ids)
    uniques = [files[pk].unique_id for pk in ids]
    cards = {card.id: card for card in pictures.cards(event, [pk for pk in uniques if pk])}
    made = groups.at(event)
    n_files = _n_files(event, ids)
    rows = []
    for rank, (pk, n, unique) in enumerate(zip(ids, counts, uniques, strict=True), 1):
        position = made.position_with(unique) if unique else None
        rows.append(
            Row(
                rank=rank,
                n_posts=n,
                share=n / event.n_image_posts if event.n_image_posts else 0.0,
                unique=unique,
                group=None if position is None else int(made.lead[position]),
                card=cards.get(unique) if unique else None,
                thumb=pictures.thumb_url(event, files[pk].sha256),
                n_members=n_files.get(pk, 0),
            )
        )
    return rows


def _n_files(event: Event, ids: list[int]) -> dict[int, int]:
    held = event.images.filter(near_id__in=ids).values_list("near_id", flat=True)
    found, n = np.unique(np.fromiter(held, np.int64), return_counts=True)
    return dict(zip(found.tolist(), n.tolist(), strict=True))
