"""Figures of collections: rates, how they stand, last pictures; and posts read again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from imagery import collection_figures as figures
from imagery import readings
from imagery.models import Collection, Event, Minute, Post, Reading
from tests.factories import organised

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 30, 30, tzinfo=UTC)


@pytest.fixture
def held(event: Event) -> Collection:
    cache.clear()
    return Collection.objects.create(event=event, name="Sky", source="bluesky", state="on")


def minute(held: Collection, ago: int, kept: int, seen: int = 10, **fields: float) -> None:
    at = NOW.replace(second=0) - timedelta(minutes=ago)
    Minute.objects.create(collection=held, at=at, n_seen=seen, n_kept=kept, **fields)


def test_an_hour_by_minutes(held: Collection) -> None:
    for ago, kept in ((0, 1), (5, 2), (59, 4), (60, 8)):
        minute(held, ago, kept)
    found = figures.rates(held, "hour", NOW)
    assert (len(found.bars), found.interval_min) == (60, 1)
    assert [(i, bar.n_kept) for i, bar in enumerate(found.bars) if bar.n_kept] == [
        (0, 4), (54, 2), (59, 1),
    ]  # fmt: skip
    assert found.bars[-1].at == NOW.replace(second=0)
    assert [bar.n_kept for bar in found.filled] == [1, 2, 4]


def test_longer_spans_add_up_and_keep_the_worst_lag(held: Collection) -> None:
    minute(held, 1, 1, lag_s=3)
    minute(held, 2, 2, lag_s=9)
    minute(held, 60 * 24 * 9, 5, seen=7)
    day, whole = figures.rates(held, "day", NOW), figures.rates(held, "all", NOW)
    assert day.interval_min == 15
    assert [(bar.n_kept, bar.lag_s) for bar in day.filled] == [(3, 9.0)]
    assert len(whole.bars) <= figures.MOST_BARS + 1
    assert sum(bar.n_kept for bar in whole.bars) == 8
    assert sum(bar.n_seen for bar in whole.bars) == 27
    assert figures.rates(Collection(pk=0), "all", NOW).filled == []


def test_rate_is_of_the_last_five_full_minutes(held: Collection) -> None:
    for ago, kept in ((0, 100), (1, 5), (5, 10), (6, 100)):
        minute(held, ago, kept)
    assert figures.per_minute([held], NOW) == {held.pk: 3.0}
    assert list(figures.sparks([held], NOW)) == [held.pk]


@pytest.mark.parametrize(
    ("fields", "state", "word"),
    [
        ({"state": "stopped"}, "stopped", "Stopped"),
        ({"state": "paused"}, "paused", "Not started yet"),
        ({"state": "paused", "heard_at": NOW}, "paused", "Paused"),
        ({"starts_at": NOW + timedelta(hours=1)}, "waiting", "Begins"),
        ({"connected_at": NOW, "held_until": NOW + timedelta(seconds=9)}, "live", "Collecting"),
        ({"error": "401", "n_tries": 2}, "trouble", "Not connected"),
        ({"connected_at": NOW, "held_until": NOW - timedelta(seconds=9)}, "waiting",
         "Waiting for a collector"),
        ({"held_until": NOW + timedelta(seconds=9)}, "waiting", "Connecting"),
    ],
)  # fmt: skip
def test_standing(held: Collection, fields: dict, state: str, word: str) -> None:
    for name, value in fields.items():
        setattr(held, name, value)
    told = figures.standing(held, False, NOW)
    assert (told.state, told.word) == (state, word)


def test_last_pictures_come_once_and_latest_first(event: Event, held: Collection) -> None:
    event = organised(event, 3)
    assert figures.last_pictures(event, held, 9) == []
    ids = list(Post.objects.filter(has_images=True).order_by("pk").values_list("pk", flat=True))
    Post.objects.filter(pk__in=ids).update(collected_by=held)
    shots = figures.last_pictures(event, held, 9)
    assert len(shots) == len({shot.unique for shot in shots}) == 3
    last = Post.objects.filter(has_images=True, links__image__isnull=False).latest("pk")
    assert shots[0].unique == last.links.get().image.unique_id
    assert f"/i/{shots[0].unique}/" in shots[0].url
    assert len(figures.last_pictures(event, held, 2)) == 2


def test_last_pictures_stay_while_many_posts_wait(
    event: Event, held: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = organised(event, 3)
    Post.objects.filter(has_images=True).update(collected_by=held)
    n = Post.objects.filter(collected_by=held).count()
    Post.objects.bulk_create(
        Post(event=event, platform="x", uid=f"w{i}", posted_at=NOW, has_images=True,
             collected_by=held)
        for i in range(5)
    )  # fmt: skip
    monkeypatch.setattr(figures, "LOOKED_THROUGH", (5, n))
    assert len(figures.last_pictures(event, held, 9)) == 3


def test_what_an_event_collects_now(event: Event, held: Collection) -> None:
    told = figures.now_of(event)
    assert (told.n_on, told.n_connected, told.only) == (1, 0, held)
    held.state = "stopped"
    held.save()
    assert figures.now_of(event) is None


# Readings -----------------------------------------------------------------------------------


def test_progress_counts_every_kind(event: Event, held: Collection) -> None:
    organised(event, 2)
    first, second = Post.objects.order_by("pk")[:2]
    Post.objects.filter(pk=first.pk).update(collected_by=held, visit_at=NOW - timedelta(days=9))
    later = datetime.now(UTC) + timedelta(days=1)
    Post.objects.filter(pk=second.pk).update(collected_by=held, visit_at=later)
    for day, state, late_s in ((1, "read", 30), (2, "read", 4000), (3, "missed", 0),
                               (4, "deleted", 0)):  # fmt: skip
        Reading.objects.create(
            post=first, day=day, state=state, due_at=NOW, read_at=NOW + timedelta(seconds=late_s)
        )
    assert readings.progress(held) == readings.Progress(
        n_read=2, n_late=1, n_missed=1, n_deleted=1, n_private=0, n_due=1, n_waiting=1,
        next_at=later,
    )  # fmt: skip


def test_a_history_knows_unknown_from_none(event: Event) -> None:
    organised(event, 1)
    post = Post.objects.earliest("pk")
    rows = [
        Reading(post=post, day=3, due_at=NOW, read_at=NOW, likes=8, reposts=None, comments=2),
        Reading(post=post, day=1, due_at=NOW, read_at=NOW, likes=5),
        Reading(post=post, day=2, due_at=NOW, read_at=NOW, state="missed"),
    ]
    told = readings.history(rows)
    assert [row.day for row in told.rows] == [1, 2, 3]
    assert told.curve == "M0.0 12.0L120.0 0.0"
    assert readings.history([]) is None
    assert readings.history(rows[:1]).curve == ""
