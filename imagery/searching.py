"""Pictures and posts that a search finds, counted as far as is worth while.

What is looked for in millions of posts is bounded by the number of posts gone through; beyond it
counts are "about", and said to be.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from imagery import histories, known, pictures, snapshots, text_index, text_search
from imagery.models import Event, KnownMatch, Post, PostLink, UniqueImage
from imagery.search_filters import FLAGS, Filters
from imagery.text_search import Wanted, Where

RANKED = 20_000  # posts with pictures that pictures are ranked by
COUNTED = 50_000  # posts that are counted
FEW = 5_000  # posts that are sorted by time; of more the posts are walked by time
NEAR = 4_000  # posts that come first by time, among which enough are looked for
KEPT_S = 600


@dataclass(frozen=True, slots=True)
class Count:
    """`more`: there are more than n."""

    n: int
    more: bool = False


# Conditions ---------------------------------------------------------------------------------


def uniques(events: Sequence[Event], filters: Filters) -> QuerySet[UniqueImage]:
    """Unique images by what the filters say of pictures."""
    rows = UniqueImage.objects.filter(event__in=events, n_posts__gte=max(1, filters.posts))
    for flag in FLAGS:
        if wanted := getattr(filters, flag):
            rows = rows.filter(**{f"representative__is_{flag}": wanted == "only"})
    if filters.copies:
        rows = rows.filter(n_copies__gte=filters.copies)
    if filters.pixels:
        size = F("representative__width") * F("representative__height")
        rows = rows.alias(pixels=size).filter(pixels__gte=filters.pixels)
    if filters.group:
        held = UniqueImage.objects.filter(pk=filters.group, event__in=events)
        rows = rows.filter(group__in=held.values("group"))
    if filters.known:
        rows = rows.filter(pk__in=_marked(events, filters.known))
    return rows


def _marked(events: Sequence[Event], action: str) -> QuerySet:
    if len(events) == 1:
        return known.marked(events[0], action=None if action == "any" else action)
    found = KnownMatch.objects.filter(known__hash_list__event__in=events)
    if action != "any":
        found = found.filter(known__hash_list__action=action)
    return found.exclude(image__unique=None).values("image__unique")


def _where(events: Sequence[Event], filters: Filters, *, by_index: bool, carry: bool) -> Where:
    """Conditions on posts' rows; with `carry` also that a picture the filters let through is in it.

    Where the index answers alone, rows are not read to see whether rules set posts aside, unless
    some are.
    """
    parts: list[str] = []
    params: list[Any] = []
    left_out = Post.objects.filter(event__in=events, selected=False)
    if not by_index or left_out.exists():
        parts.append("p.selected")
    adapt = connection.ops.adapt_datetimefield_value
    for sign, at in ((">=", filters.after), ("<", filters.before)):
        if at:
            parts.append(f"p.posted_at {sign} %s")
            params.append(adapt(at))
    if filters.box:
        west, south, east, north = filters.box
        both = "AND" if west <= east else "OR"  # across the date line
        parts.append(f"p.lat BETWEEN %s AND %s AND (p.lon >= %s {both} p.lon <= %s)")
        params += [south, north, west, east]
    if filters.collection:
        parts.append("p.collected_by_id = %s")
        params.append(filters.collection)
    if filters.gone:
        parts.append("p.gone <> ''" if filters.gone == "any" else "p.gone = %s")
        params += [] if filters.gone == "any" else [filters.gone]
    if filters.pictured == "no":
        parts.append("NOT p.has_images")
    if carry and filters.asks_for_pictures:
        sql, given = uniques(events, filters).values("pk").query.sql_with_params()
        parts.append(
            "EXISTS (SELECT 1 FROM imagery_postlink pl JOIN imagery_link l ON l.id = pl.link_id "  # noqa: S608
            "JOIN imagery_image i ON i.id = l.image_id "
            f"WHERE pl.post_id = p.id AND i.unique_id IN ({sql}))"
        )
        params += given
    return Where(" AND ".join(parts), tuple(params))


def _post_wanted(filters: Filters) -> Wanted:
    pictured = filters.pictured == "yes" or filters.asks_for_pictures
    return replace(filters.wanted, pictured=pictured)


def _candidates(
    events: Sequence[Event], filters: Filters, limit: int | None = None
) -> tuple[str, list]:
    wanted = _post_wanted(filters)
    by_index = bool(wanted) and text_index.is_sqlite()
    where = _where(events, filters, by_index=by_index, carry=True)
    return text_search.candidates(events, wanted, where, limit)


# Posts --------------------------------------------------------------------------------------


def posts(events: Sequence[Event], filters: Filters) -> QuerySet[Post]:
    sql, params = _candidates(events, filters)
    return Post.objects.filter(pk__in=RawSQL(sql, params))  # noqa: S611


def count_posts(events: Sequence[Event], filters: Filters, most: int = COUNTED) -> Count:
    if not filters and events:
        return Count(sum(event.n_posts for event in events))
    sql, params = _candidates(events, filters, most + 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS f", params)  # noqa: S608
        n = cursor.fetchone()[0]
    return Count(min(n, most), n > most)


@dataclass(frozen=True, slots=True)
class PostPage:
    posts: list[Post]  # with account, event, and `shown`: cards of their pictures
    after: str


def post_page(
    events: Sequence[Event],
    filters: Filters,
    after: str = "",
    limit: int = 40,
    newest: bool = False,
) -> PostPage:
    """Posts by time. Raises ValueError where `after` is no cursor of ours."""
    ids = _ids_by_time(events, filters, after, limit + 1, newest)
    rows = Post.objects.filter(pk__in=ids).select_related("account", "event")
    found = {post.pk: post for post in rows}
    made = [found[pk] for pk in ids if pk in found]
    last = made[limit - 1] if len(made) > limit else None
    _show(events, made[:limit])
    return PostPage(made[:limit], f"{histories.micros(last.posted_at)}-{last.pk}" if last else "")


def _ids_by_time(
    events: Sequence[Event], filters: Filters, after: str, limit: int, newest: bool
) -> list[int]:
    beyond = _beyond(after, newest)
    if not _post_wanted(filters) or not text_index.is_sqlite():
        return _walked(events, filters, beyond, limit, newest)
    n = count_posts(events, filters, FEW).n
    if n < FEW:
        sql, params = _candidates(events, filters)
        order = "DESC" if newest else "ASC"
        found = (
            f"SELECT p.id FROM ({sql}) AS f CROSS JOIN imagery_post p "  # noqa: S608
            f"WHERE p.id = f.id {beyond.sql} ORDER BY p.posted_at {order}, p.id {order} LIMIT %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(found, [*params, *beyond.params, limit])
            return [pk for (pk,) in cursor.fetchall()]
    return _walked(events, filters, beyond, limit, newest)


def _beyond(after: str, newest: bool) -> Where:
    if not after:
        return Where()
    at, pk = histories.read_cursor(after)
    sign = "<" if newest else ">"
    moment = connection.ops.adapt_datetimefield_value(at)
    return Where(
        f"AND p.posted_at {sign}= %s AND (p.posted_at {sign} %s OR p.id {sign} %s)",
        (moment, moment, pk),
    )


def _walked(
    events: Sequence[Event], filters: Filters, beyond: Where, limit: int, newest: bool
) -> list[int]:
    """Ids by walking each event's posts by time until enough are found."""
    runs = (_walked_one(event, filters, beyond, limit, newest) for event in events)
    ordered = merge(*runs, key=lambda row: (row[0], row[1]), reverse=newest)
    return [pk for _, pk in islice(ordered, limit)]


def _walked_one(
    event: Event, filters: Filters, beyond: Where, limit: int, newest: bool
) -> list[tuple[object, int]]:
    wanted = _post_wanted(filters)
    where = _where([event], filters, by_index=False, carry=True)
    order = "DESC" if newest else "ASC"
    end = f"AND {where.sql} {beyond.sql} ORDER BY p.posted_at {order}, p.id {order} LIMIT %s"
    params = [*where.params, *beyond.params]
    if not wanted or not text_index.is_sqlite():
        sql, given = text_search.candidates([event], wanted)
        begin = sql.replace("SELECT p.id AS id", "SELECT p.posted_at, p.id", 1)
        return _rows(f"{begin} {end}", [*given, *params, limit])
    table, found = text_index.TABLE, text_search.expression([event], wanted)
    begin = "SELECT p.posted_at, p.id FROM imagery_post p WHERE p.event_id = %s"
    # Among the posts that come first there are enough, as a rule: one look at a part of the index.
    near = _rows(f"{begin} {end}", [event.pk, *params, NEAR])
    ids = [pk for _, pk in near]
    hits = {
        pk
        for (pk,) in _rows(
            f"SELECT rowid FROM {table} WHERE {table} MATCH %s AND rowid BETWEEN %s AND %s "  # noqa: S608
            "AND +rowid IN (SELECT value FROM json_each(%s))",
            [found, min(ids, default=0), max(ids, default=0), json.dumps(ids)],
        )
    }
    enough = [row for row in near if row[1] in hits]
    if len(enough) >= limit or len(near) < NEAR:
        return enough[:limit]
    held = f"{begin} AND +p.id IN (SELECT rowid FROM {table} WHERE {table} MATCH %s) {end}"  # noqa: S608
    return _rows(held, [event.pk, found, *params, limit])


def _rows(sql: str, params: Sequence[Any]) -> list:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _show(events: Sequence[Event], made: list[Post]) -> None:
    """Give each post the cards of its pictures. Two queries, and one more an event."""
    carried = PostLink.objects.filter(post__in=made, link__image__unique__isnull=False)
    pairs: dict[int, list[int]] = defaultdict(list)
    for post_id, unique in carried.order_by("post_id", "position", "id").values_list(
        "post_id", "link__image__unique_id"
    ):
        pairs[post_id].append(unique)
    cards = {
        card.id: card for _, card in cards_of(events, {pk for ids in pairs.values() for pk in ids})
    }
    for post in made:
        ids = dict.fromkeys(pairs[post.pk])
        post.shown = [cards[pk] for pk in ids if pk in cards]  # type: ignore[attr-defined]


# Pictures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pictures by how many of the posts found carry them; `posts` counts posts gone through."""

    ids: np.ndarray  # int64 (n,)
    n: np.ndarray  # int64 (n,) posts found that carry it; empty where all count
    posts: Count


def ranking(events: Sequence[Event], filters: Filters) -> Ranking:
    """Kept for ten minutes under all that it depends on."""
    made_of = [(event.pk, event.revision, event.known_revision) for event in events]
    key = "search:" + snapshots.digest(f"{made_of} {filters} {text_index.ends()}")
    held = cache.get(key)
    if held is None:
        held = _ranked(events, filters) if filters.asks_for_posts else _all(events, filters)
        cache.set(key, held, KEPT_S)
    return held


def _all(events: Sequence[Event], filters: Filters) -> Ranking:
    order = ("rank", "id") if len(events) == 1 else ("-n_posts", "id")
    rows = uniques(events, filters).order_by(*order).values_list("pk", flat=True)
    none = np.zeros(0, np.int64)
    if filters.pictured == "no":
        return Ranking(none, none, Count(0))
    ids = np.fromiter(rows.iterator(10_000), np.int64)
    return Ranking(ids, none, Count(sum(event.n_image_posts for event in events)))


def _ranked(events: Sequence[Event], filters: Filters) -> Ranking:
    wanted = replace(filters.wanted, pictured=True)
    by_index = bool(wanted) and text_index.is_sqlite()
    where = _where(events, filters, by_index=by_index, carry=False)
    sql, params = text_search.candidates(events, wanted, where, RANKED + 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS f", params)  # noqa: S608
        n = cursor.fetchone()[0]
        # PostgreSQL may else search anew for each row that it joins.
        once = "" if text_index.is_sqlite() else f"WITH f AS MATERIALIZED ({sql}) "
        cursor.execute(
            f"{once}SELECT i.unique_id, count(DISTINCT pl.post_id) AS n "  # noqa: S608
            f"FROM {'f' if once else f'({sql}) AS f'} CROSS JOIN imagery_postlink pl "
            "CROSS JOIN imagery_link l CROSS JOIN imagery_image i "
            "WHERE pl.post_id = f.id AND l.id = pl.link_id "
            "AND i.id = l.image_id AND i.unique_id IS NOT NULL "
            "GROUP BY i.unique_id ORDER BY n DESC, i.unique_id",
            params,
        )
        found = np.array(cursor.fetchall(), np.int64).reshape(-1, 2)
    if filters.asks_for_pictures:
        passed = uniques(events, filters).values_list("pk", flat=True)
        found = found[np.isin(found[:, 0], np.fromiter(passed.iterator(10_000), np.int64))]
    return Ranking(found[:, 0], found[:, 1], Count(min(n, RANKED), n > RANKED))


def cards_of(events: Sequence[Event], ids: object) -> Iterator[tuple[Event, pictures.Card]]:
    """Cards of those unique images, by event; in no order to speak of."""
    by_pk = {event.pk: event for event in events}
    wanted = pictures.for_cards(
        UniqueImage.objects.filter(event__in=events, pk__in=list(ids))  # type: ignore[call-overload]
    )
    held: dict[int, list[UniqueImage]] = defaultdict(list)
    for row in wanted:
        held[row.event_id].append(row)
    for pk, rows in held.items():
        for card in pictures.cards_of(by_pk[pk], rows):
            yield by_pk[pk], card


@dataclass(frozen=True, slots=True)
class Found:
    """One picture of the results; `n_found` of its posts were found, None where all count."""

    event: Event
    card: pictures.Card
    n_found: int | None

    @property
    def total(self) -> str:
        return f"{self.card.n_posts:,}"


def picture_page(
    events: Sequence[Event], ranked: Ranking, after: int = 0, limit: int = 60
) -> tuple[list[Found], int | None]:
    """Pictures from that place of the ranking on, and where the next page begins."""
    ids = ranked.ids[after : after + limit].tolist()
    n = ranked.n[after : after + limit].tolist() if len(ranked.n) else [None] * len(ids)
    cards = {card.id: (event, card) for event, card in cards_of(events, ids)}
    found = [Found(*cards[pk], count) for pk, count in zip(ids, n, strict=True) if pk in cards]
    end = after + limit
    return found, end if end < len(ranked.ids) else None
