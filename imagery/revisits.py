"""Posts read again at exact ages (paper B, §3; paper E, §3): engagement, and whether they are gone.

What is due is on the posts' rows (`visit_at`), so a restart loses nothing. One reading a post and
age: the latest age that has come is read, however late; earlier ones that nobody read are missed.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from imagery import listening, locks
from imagery.core import ages, patience
from imagery.models import Account, Collection, Event, Post, Reading
from imagery.sources import LIVE
from imagery.sources.live import Ask, Engagement, Interrupted, Live, Refused, Wanted
from imagery.writing import insert_rows, update_rows

log = logging.getLogger(__name__)

PACE_S = 1.0  # between two calls of one server
TURN = 100  # calls for one collection before another has its turn
AGAIN = timedelta(hours=1)  # a post that the server did not tell of is asked for again after that
GIVEN_UP = timedelta(days=2)  # after its last age
METRICS = ("likes", "reposts", "comments", "views")
READING_FIELDS = ("post_id", "day", "due_at", "read_at", "state", *METRICS, "followers")
State = Reading.State


@dataclass(slots=True)
class Tally:
    """What reading again came to, in posts; missed in ages."""

    n_read: int = 0
    n_gone: int = 0
    n_missed: int = 0
    n_untold: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self


# What is due ---------------------------------------------------------------------------------


def due(collections: QuerySet[Collection] | None = None) -> QuerySet[Collection]:
    """Collections of which posts are to be read again by now, where their servers may be asked."""
    now = timezone.now()
    rows = Collection.objects.all() if collections is None else collections
    waits = Post.objects.filter(collected_by=OuterRef("pk"), visit_at__lte=now)
    asked = Q(visits_after=None) | Q(visits_after__lte=now)
    asked |= Q(visits_after__gt=now + timedelta(seconds=2 * patience.LONGEST_ASKED_S))
    return rows.filter(asked, Exists(waits)).order_by("pk")


def reschedule(collection: Collection) -> int:
    """After its ages were changed: when each post is read next. Returns how many were changed."""
    now, n = timezone.now(), 0
    waits = collection.posts.filter(Q(visit_at=None) | Q(visit_at__gt=now), gone="")
    last = 0
    while rows := list(
        waits.filter(pk__gt=last).order_by("pk").only("posted_at", "visit_at")[:2000]
    ):
        last = rows[-1].pk
        changed = []
        for post in rows:
            at = ages.next_due(post.posted_at, collection.revisit_days, now)
            if at != post.visit_at:
                post.visit_at = at
                changed.append(post)
        n += update_rows(changed, ["visit_at"])
    return n


# Reading -------------------------------------------------------------------------------------


def run(stop: threading.Event, event: Event | None = None, pace_s: float = PACE_S) -> Tally:
    """Read what is due, a bounded turn for each collection; safe to repeat and to kill."""
    forget_orphans()
    tally = Tally()
    for row in due(event.collections.all() if event else None):
        if stop.is_set():
            break
        try:
            with locks.collector(row.pk, "visits_held") as lease:
                tally += _turn(lease, stop, pace_s)
        except (locks.Busy, locks.Lost) as error:
            log.info("%s", error)
    return tally


def run_while_due(stop: threading.Event) -> None:
    """Turn after turn until nothing is due, or `stop` is set."""
    while not stop.is_set() and due().exists():
        run(stop)
        stop.wait(PACE_S)


def forget_orphans() -> int:
    """Posts whose collection was deleted are not read again."""
    return Post.objects.filter(collected_by=None, visit_at__lte=timezone.now()).update(
        visit_at=None
    )


def _turn(lease: locks.Lease, stop: threading.Event, pace_s: float) -> Tally:
    tally = Tally()
    for _ in range(TURN):
        row = Collection.objects.get(pk=lease.collection_id)
        source = LIVE.get(row.source)
        if source is None or not source.readable_at_once:
            row.posts.exclude(visit_at=None).update(visit_at=None)
            break
        posts = _due_posts(row, source.readable_at_once)
        if not posts:
            break
        told, trouble = _ask(source, listening.ask_of(row), posts)
        try:
            tally += _store(lease, posts, told, untold=trouble is None)
        except IntegrityError as error:  # a post was deleted meanwhile
            log.info("collection %s: %s", row.pk, error)
        _note(row, trouble)
        if trouble is not None or stop.wait(pace_s):
            break
    return tally


def _due_posts(row: Collection, most: int) -> list[Post]:
    rows = row.posts.filter(visit_at__lte=timezone.now()).select_related("account")
    return list(rows.order_by("visit_at")[:most])


def _ask(
    source: Live, ask: Ask, posts: Sequence[Post]
) -> tuple[dict[str, Engagement], Interrupted | Refused | None]:
    """What the server tells of the posts, by uid, and what went wrong where something did."""
    wanted = [Wanted(p.uid, p.source_id, p.account.uid if p.account else "") for p in posts]
    told: dict[str, Engagement] = {}
    try:
        for read in source.read_again(ask, wanted):
            told[read.uid] = read
    except (Interrupted, Refused) as error:
        return told, error
    except Exception as error:  # a source's mistake is to be told on the row, whatever it was
        log.exception("posts of %s read again", source.name)
        return told, Interrupted(f"{type(error).__name__}: {error}")
    return told, None


def _note(row: Collection, trouble: Interrupted | Refused | None) -> None:
    """Say on the row why its server is not asked for a while."""
    after, error = None, ""
    if trouble is not None:
        asked_s = trouble.wait_s if isinstance(trouble, Interrupted) else patience.REFUSED_S
        wait_s = min(asked_s or 60.0, patience.LONGEST_ASKED_S)
        after, error = timezone.now() + timedelta(seconds=wait_s), str(trouble)[:500]
    if (row.visits_after, row.visits_error) != (after, error):
        Collection.objects.filter(pk=row.pk).update(visits_after=after, visits_error=error)


# Rows ----------------------------------------------------------------------------------------


@transaction.atomic
def _store(
    lease: locks.Lease, posts: Sequence[Post], told: Mapping[str, Engagement], untold: bool
) -> Tally:
    """Readings, missed ages and what the posts' rows show now. Raises Lost.

    untold: the server answered, so those that it did not tell of are to be asked for later.
    """
    row, now, tally = lease.row(), timezone.now(), Tally()
    locks.storing(row.event_id)  # what is there now is not purged meanwhile
    there = set(
        Post.objects.filter(pk__in=[post.pk for post in posts], gone="").values_list(
            "pk", flat=True
        )
    )
    before: dict[int, set[int]] = defaultdict(set)
    for pk, day in Reading.objects.filter(post__in=there).values_list("post_id", "day"):
        before[pk].add(day)
    readings: list[tuple] = []
    changed: list[Post] = []
    for post in posts:
        read = told.get(post.uid)
        if post.pk not in there or (read is None and not untold):
            continue
        came = _ages_to_tell(row, post, before[post.pk], now)
        readings += _readings(post, came, read, now, tally)
        _show(row, post, came, read, now)
        changed.append(post)
        tally.n_read += read is not None and read.state == State.READ
        tally.n_gone += read is not None and read.state != State.READ
        tally.n_untold += read is None
    insert_rows(Reading, READING_FIELDS, readings)
    update_rows(changed, [*METRICS, "visit_at", "gone", "gone_at"])
    _show_followers(changed, told)
    return tally


def _ages_to_tell(row: Collection, post: Post, before: set[int], now: datetime) -> list[int]:
    """Ages that came since the post was stored and have no reading yet, ascending."""
    since = post.stored_at or post.posted_at
    came = ages.passed(post.posted_at, row.revisit_days, since, now)
    return [day for day in came if day not in before]


def _readings(
    post: Post, came: Sequence[int], read: Engagement | None, now: datetime, tally: Tally
) -> Iterator[tuple]:
    """Rows by READING_FIELDS. Of what was not told of, the latest age is still open for a while."""
    missed = list(came)
    if came and (read is not None or not _is_given_up(post, came, now)):
        missed.pop()
    tally.n_missed += len(missed)
    for day in missed:
        nothing = (None,) * (len(METRICS) + 1)
        yield (post.pk, day, ages.due(post.posted_at, day), now, State.MISSED, *nothing)
    if read is not None and came:
        values = [getattr(read, name) for name in (*METRICS, "followers")]
        yield (post.pk, came[-1], ages.due(post.posted_at, came[-1]), now, read.state, *values)


def _is_given_up(post: Post, came: Sequence[int], now: datetime) -> bool:
    return now > ages.due(post.posted_at, came[-1]) + GIVEN_UP


def _show(
    row: Collection, post: Post, came: Sequence[int], read: Engagement | None, now: datetime
) -> None:
    """What the post's own row says from now on; what is known does not become unknown."""
    post.visit_at = ages.next_due(post.posted_at, row.revisit_days, now)
    if read is None:
        if came and not _is_given_up(post, came, now):
            post.visit_at = min(now + AGAIN, post.visit_at or now + AGAIN)
    elif read.state != State.READ:
        post.gone, post.gone_at, post.visit_at = read.state, now, None
    else:
        for name in METRICS:
            value = getattr(read, name)
            if value is not None:
                setattr(post, name, value)


def _show_followers(posts: Iterable[Post], told: Mapping[str, Engagement]) -> None:
    changed: dict[int, Account] = {}
    for post in posts:
        read, account = told.get(post.uid), post.account
        if read is None or read.followers is None or account is None:
            continue
        if account.followers != read.followers:
            account.followers = read.followers
            changed[account.pk] = account
    update_rows(changed.values(), ["followers"])
