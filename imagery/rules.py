"""An event's rules: checked when entered, applied at import, and again when they change."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Min
from django.utils.dateparse import parse_date, parse_datetime

from imagery.core.rulebook import Box, Rulebook, fold, words
from imagery.models import Collection, Event, Post, Rule
from imagery.sources.base import Record

Kind = Rule.Kind
BATCH = 2000
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def check(kind: str, value: str) -> str:
    """The value as it is stored. Raises ValidationError, naming what does not fit."""
    value = " ".join(value.replace("\0", "").split())
    if not value:
        raise ValidationError("The rule is empty: enter a word, a hashtag, an account or a place.")
    if len(value) > 300:
        raise ValidationError(f"The rule has {len(value)} characters; 300 is the most.")
    if kind not in Kind.values:
        kinds = ", ".join(Kind.values)
        raise ValidationError(f"{kind!r} is no kind of rule; choose one of {kinds}.")
    if kind == Kind.KEYWORD and len(words(value)) != 1:
        raise ValidationError(f"{value!r} is not one word: enter it as a phrase, or word by word.")
    if kind == Kind.PHRASE and not words(value):
        raise ValidationError(f"{value!r} holds no word.")
    if kind == Kind.HASHTAG:
        value = value.lstrip("#＃")
        if not value or " " in value:
            raise ValidationError(f"{value!r} is not one hashtag.")
    if kind == Kind.ACCOUNT:
        value = value.lstrip("@")
        if not value or " " in value:
            raise ValidationError(f"{value!r} is not one account name.")
    if kind == Kind.LANGUAGE:
        value = value.replace("_", "-")
        if not LANGUAGE.fullmatch(value):
            raise ValidationError(f"{value!r} is no language: enter its code, as en, es or pt-BR.")
    if kind == Kind.BBOX:
        value = ",".join(f"{side:g}" for side in _box(value))
    if kind in (Kind.AFTER, Kind.BEFORE):
        value = _time(value).isoformat()
    return value


def _box(value: str) -> Box:
    try:
        west, south, east, north = (float(part) for part in value.split(","))
    except ValueError:
        raise ValidationError(
            f"{value!r} is no bounding box: want west,south,east,north in degrees."
        ) from None
    sides = (west, south, east, north)
    inside = -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
    if not inside or not all(math.isfinite(side) for side in sides):
        raise ValidationError(
            f"{value!r} is no bounding box: longitudes −180…180, latitudes −90…90, "
            "south below north."
        )
    return sides


def _time(value: str) -> datetime:
    try:
        found = parse_datetime(value)
        if found is None and (day := parse_date(value)):
            found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        found = None
    if found is None:
        raise ValidationError(f"{value!r} is no time: want 2017-09-20 or 2017-09-20T14:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rulebook(owner: Event | Collection) -> Rulebook:
    """Their rules made ready; the latest "after" and the earliest "before" count."""
    values: dict[str, list[str]] = {kind: [] for kind in Kind.values}
    for kind, value in owner.rules.values_list("kind", "value"):
        values[kind].append(value)
    return Rulebook(
        keywords=frozenset(words(v)[0] for v in values[Kind.KEYWORD]),
        phrases=tuple(tuple(words(v)) for v in values[Kind.PHRASE]),
        hashtags=frozenset(fold(v) for v in values[Kind.HASHTAG]),
        accounts=frozenset(fold(v) for v in values[Kind.ACCOUNT]),
        boxes=tuple(_box(v) for v in values[Kind.BBOX]),
        languages=frozenset(fold(v) for v in values[Kind.LANGUAGE]),
        after=max((_time(v) for v in values[Kind.AFTER]), default=None),
        before=min((_time(v) for v in values[Kind.BEFORE]), default=None),
    )


def selects(book: Rulebook, record: Record) -> bool:
    account = record.account
    return book.selects(
        posted_at=record.posted_at,
        text=record.text,
        hashtags=record.hashtags,
        accounts=(account.handle, account.uid) if account else (),
        lang=record.lang,
        lat=record.lat,
        lon=record.lon,
    )


def _selects_row(book: Rulebook, post: Post) -> bool:
    account = post.account
    return book.selects(
        posted_at=post.posted_at,
        text=post.text,
        hashtags=post.hashtags,
        accounts=(account.handle, account.uid) if account else (),
        lang=post.lang,
        lat=post.lat,
        lon=post.lon,
    )


def count_matching(event: Event, most: int = 4000) -> tuple[int, int]:
    """How many posts the rules as they stand select, and of how many: all of them, or about
    `most` spread evenly over the event in the order they came in."""
    book = rulebook(event)
    posts = event.posts.select_related("account").order_by("id")
    if event.posts.order_by()[: most + 1].count() > most:
        span = event.posts.aggregate(first=Min("id"), last=Max("id"))
        step = max(1, (span["last"] - span["first"] + 1) // most)
        posts = posts.filter(pk__in=range(span["first"], span["last"] + 1, step))
    found = [_selects_row(book, post) for post in posts.iterator(BATCH)]
    return sum(found), len(found)


def apply(
    event: Event,
    progress: Callable[[int], None] | None = None,
    then: Callable[[], object] | None = None,
) -> int:
    """Select the event's posts anew; nothing is deleted. Returns how many changed.

    All change at once, and `then` is called in the same transaction: what is to follow is not
    lost between them.
    """
    book, last, seen = rulebook(event), 0, 0
    turn = {True: array("q"), False: array("q")}
    while rows := list(
        event.posts.filter(pk__gt=last).select_related("account").order_by("id")[:BATCH]
    ):
        last, seen = rows[-1].pk, seen + len(rows)
        for post in rows:
            chosen = _selects_row(book, post)
            if chosen != post.selected:
                turn[chosen].append(post.pk)
        if progress:
            progress(seen)
    changed = 0
    with transaction.atomic():
        for chosen, ids in turn.items():
            for begin in range(0, len(ids), BATCH):
                part = Post.objects.filter(pk__in=ids[begin : begin + BATCH])
                changed += part.update(selected=chosen)
        if then:
            then()
    return changed
