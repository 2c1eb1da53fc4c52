"""What pages show of live collections: rates, gaps, last pictures, how they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.core.cache import cache
from django.db.models import Max, Min, Q, Sum
from django.urls import reverse
from django.utils import timezone

from imagery import pictures
from imagery.core import sparkline
from imagery.models import Collection, Event, Gap, Image, Minute, Post, PostLink, Process

SPANS = ("hour", "day", "all")
STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
MOST_BARS = 120
RECENT = timedelta(minutes=5)
LOOKED_THROUGH = (240, 1000, 4000)  # posts among which the last pictures are looked for, in turn
KEPT_S = 30
SPARK_WIDTH, SPARK_HEIGHT = 120.0, 24.0

# Rates --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """What came in within one interval; lag is the longest of it."""

    at: datetime
    n_seen: int
    n_kept: int
    n_bad: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    bars: list[Bar]  # none left out, oldest first
    begins_at: datetime
    ends_at: datetime
    interval_min: int

    @property
    def filled(self) -> list[Bar]:
        """Those in which anything was seen, newest first."""
        return [bar for bar in reversed(self.bars) if bar.n_seen or bar.n_bad]


def rates(collection: Collection, span: str, now: datetime | None = None) -> Rates:
    """Over the last hour, the last day, or all its life; the bar in which we are is the last."""
    now = now or timezone.now()
    begins_at = _begins(collection, span, now)
    minutes = int((now - begins_at).total_seconds()) // 60 + 1
    step = next((step for step in STEPS_MIN if minutes <= step * MOST_BARS),
                -(-minutes // MOST_BARS))  # fmt: skip
    if span == "day":
        step = 15
    first = int(begins_at.timestamp()) // 60 // step
    n = int(now.timestamp()) // 60 // step - first + 1
    sums, lags = np.zeros((n, 3), np.int64), np.zeros(n)
    rows = Minute.objects.filter(collection=collection, at__gte=_at(first * step))
    for at, seen, kept, bad, lag_s in rows.values_list(
        "at", "n_seen", "n_kept", "n_bad", "lag_s"
    ).iterator(5000):
        place = int(at.timestamp()) // 60 // step - first
        if place < n:
            sums[place] += seen, kept, bad
            lags[place] = max(lags[place], lag_s)
    bars = []
    for i in range(n):
        seen, kept, bad = sums[i].tolist()
        bars.append(Bar(_at((first + i) * step), seen, kept, bad, float(lags[i])))
    return Rates(bars, bars[0].at, _at((first + n) * step), step)


def _begins(collection: Collection, span: str, now: datetime) -> datetime:
    if span == "hour":
        return now - timedelta(minutes=59)
    if span == "day":
        return now - timedelta(days=1)
    first = Minute.objects.filter(collection=collection).aggregate(at=Min("at"))["at"]
    return min(first or now, now) if first else now - timedelta(minutes=59)


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def rates_kept(collection: Collection, span: str) -> Rates:
    """As `rates`; of all its life read at most twice a minute."""
    if span != "all":
        return rates(collection, span)
    key = f"collection-rates-{collection.pk}"
    return cache.get_or_set(key, lambda: rates(collection, span), KEPT_S)  # type: ignore[return-value]


def sparks(collections: Iterable[Collection], now: datetime | None = None) -> dict[int, str]:
    """Path of the posts kept per minute of the last hour, by id; those with none left out."""
    end = int((now or timezone.now()).timestamp()) // 60
    held: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = Minute.objects.filter(collection__in=list(collections), at__gt=_at(end - 60))
    for pk, at, kept in rows.values_list("collection_id", "at", "n_kept"):
        held[pk].append((int(at.timestamp()) // 60, kept))
    made = {}
    for pk, pairs in held.items():
        at, n = np.array(pairs, np.int64).T
        made[pk] = sparkline.steps(
            sparkline.binned(at, n, end - 59, end, 60), SPARK_WIDTH, SPARK_HEIGHT
        )
    return {pk: path for pk, path in made.items() if path}


# How they stand -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """One word for the mark, and what to say."""

    state: str  # live, waiting, trouble, paused, stopped
    word: str
    since: datetime | None = None
    until: datetime | None = None


def standing(collection: Collection, attended: bool, now: datetime | None = None) -> Standing:
    """attended: whether any collector is at work."""
    now = now or timezone.now()
    held = collection
    if held.state == Collection.State.STOPPED:
        return Standing("stopped", "Stopped")
    if held.state == Collection.State.PAUSED:
        return Standing("paused", "Paused" if held.heard_at else "Not started yet")
    if held.starts_at and held.starts_at > now:
        return Standing("waiting", "Begins", until=held.starts_at)
    handled = bool(held.held_until and held.held_until > now)
    if held.connected_at and handled:
        return Standing("live", "Collecting", since=held.connected_at)
    if held.error and held.n_tries:
        return Standing("trouble", "Not connected", until=held.retry_at)
    if not attended and not handled:
        return Standing("waiting", "Waiting for a collector")
    return Standing("waiting", "Connecting")


def clock(event: Event) -> Callable[[datetime], str]:
    """Wall-clock time in the event's zone, without an offset: charts take it as it stands."""
    zone = ZoneInfo(event.timezone)
    return lambda at: at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def attended() -> bool:
    return Process.objects.alive().filter(kind=Process.Kind.COLLECTOR).exists()


def per_minute(collections: Iterable[Collection], now: datetime | None = None) -> dict[int, float]:
    """Posts kept a minute over the last five full ones, by id."""
    end = (now or timezone.now()).replace(second=0, microsecond=0)
    rows = Minute.objects.filter(collection__in=list(collections), at__gte=end - RECENT, at__lt=end)
    found = rows.values("collection_id").annotate(n=Sum("n_kept"))
    return {row["collection_id"]: row["n"] / 5 for row in found}


def lags(collections: Iterable[Collection], now: datetime | None = None) -> dict[int, float]:
    """Seconds from the source's time to our rows, at worst within the last minutes, by id."""
    since = (now or timezone.now()) - RECENT
    rows = Minute.objects.filter(collection__in=list(collections), at__gte=since, lag_s__gt=0)
    found = rows.values("collection_id").annotate(lag=Max("lag_s"))
    return {row["collection_id"]: row["lag"] for row in found}


@dataclass(frozen=True, slots=True)
class Now:
    """What an event collects at this moment."""

    n_on: int
    n_connected: int
    per_minute: float
    only: Collection | None  # the one that is on, where there is one


def now_of(event: Event) -> Now | None:
    """None where nothing is on."""
    on = list(event.collections.on())
    if not on:
        return None
    rate = sum(per_minute(on).values())
    now = timezone.now()
    connected = sum(
        bool(held.connected_at and held.held_until and held.held_until > now) for held in on
    )
    return Now(len(on), connected, rate, on[0] if len(on) == 1 else None)


# Gaps ---------------------------------------------------------------------------------------


def gap_seconds(gap: Gap, now: datetime | None = None) -> float:
    return ((gap.ends_at or now or timezone.now()) - gap.begins_at).total_seconds()


def gaps_in(collection: Collection, begins_at: datetime, ends_at: datetime) -> list[Gap]:
    """Those of which a part lies between the two, oldest first."""
    open_ended = Q(ends_at=None) | Q(ends_at__gt=begins_at)
    rows = collection.gaps.filter(open_ended, begins_at__lt=ends_at)
    return list(rows.order_by("begins_at")[:500])


# Pictures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shot:
    """A file just collected; `unique` once it was told apart from others."""

    image: int
    unique: int
    url: str
    thumb: str
    width: int
    height: int
    posted_at: datetime
    account: str

    @property
    def ratio(self) -> float:
        return pictures.shown_ratio(self.width, self.height)

    @property
    def alt(self) -> str:
        return f"Picture posted by {self.account or 'an unknown account'}"


def last_pictures(event: Event, collection: Collection, most: int) -> list[Shot]:
    """Files looked at of its latest posts, the latest first, each once.

    Where many posts still wait to be looked at, those before them are gone through too.
    """
    latest = Post.objects.filter(collected_by=collection, has_images=True).order_by("-pk")
    found: dict[int, Shot] = {}
    begin = 0
    for many in LOOKED_THROUGH:
        ids = list(latest.values_list("pk", flat=True)[begin : begin + many])
        begin += many
        _add_pictures(event, ids, most, found)
        if len(found) == most or len(ids) < many:
            break
    return list(found.values())


def _add_pictures(event: Event, ids: list[int], most: int, found: dict[int, Shot]) -> None:
    ties = (
        PostLink.objects.filter(post__in=ids, link__image__phash__gt="")
        .select_related("link__image", "post__account")
        .defer("link__image__signature", "link__image__top_classes", "post__text")
        .order_by("-post_id", "position")
    )
    for tie in ties:
        image = tie.link.image
        if image is None or (image.unique_id or -image.pk) in found:
            continue
        found[image.unique_id or -image.pk] = _shot(event, tie.post, image)
        if len(found) == most:
            break


def _shot(event: Event, post: Post, image: Image) -> Shot:
    if image.unique_id:
        url = reverse("imagery:image", args=[event.slug, image.unique_id])
    else:
        url = pictures.file_url(event, image.sha256)
    return Shot(
        image=image.pk,
        unique=image.unique_id or 0,
        url=url,
        thumb=pictures.thumb_url(event, image.sha256),
        width=image.width,
        height=image.height,
        posted_at=post.posted_at,
        account=str(post.account) if post.account else "",
    )
