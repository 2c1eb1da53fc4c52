"""Posts read again at exact ages, by a clock that the tests set."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from imagery import locks, revisits
from imagery.core import patience
from imagery.models import Collection, Post, Reading
from imagery.sources import LIVE
from imagery.sources.live import Engagement, Interrupted, Refused
from imagery.storing import Storing
from tests.scripted_live import Scripted, record

pytestmark = pytest.mark.django_db

START = timezone.now().replace(microsecond=0)
DAY = timedelta(days=1)
State = Reading.State


class Clock:
    def __init__(self) -> None:
        self.now = START


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    return made


@pytest.fixture
def source(monkeypatch) -> Scripted:
    made = Scripted()
    monkeypatch.setitem(LIVE, made.name, made)
    return made


@pytest.fixture
def collection(event, source) -> Collection:
    return event.collections.create(name="flood", source=source.name, revisit_days=[1, 2, 7])


def stored(collection: Collection, *numbers: int, ago: timedelta = timedelta(0)) -> list[Post]:
    Storing(collection.event, collection=collection).store(
        [record(n, START - ago) for n in numbers]
    )
    return list(Post.objects.order_by("pk"))


def read() -> revisits.Tally:
    return revisits.run(threading.Event(), pace_s=0)


def told() -> list[tuple]:
    rows = Reading.objects.order_by("post__uid", "day")
    return list(rows.values_list("post__uid", "day", "state", "likes"))


def test_a_post_is_read_at_each_age_and_not_before(collection, source, clock):
    (post,) = stored(collection, 0)
    clock.now = START + DAY - timedelta(seconds=1)
    assert read() == revisits.Tally()
    for day, likes in ((1, 5), (2, 8), (7, 9)):
        source.telling["post-0"] = Engagement("post-0", likes=likes, reposts=1, followers=100 + day)
        clock.now = START + day * DAY
        assert read() == revisits.Tally(n_read=1)
        assert read() == revisits.Tally()
    assert told() == [("post-0", d, State.READ, n) for d, n in ((1, 5), (2, 8), (7, 9))]
    assert all(reading.late == timedelta(0) for reading in Reading.objects.all())
    post = Post.objects.select_related("account").get()
    assert (post.likes, post.reposts, post.views, post.visit_at) == (9, 1, None, None)
    assert post.account.followers == 107
    assert list(Reading.objects.values_list("followers", flat=True)) == [101, 102, 107]


def test_what_nobody_read_is_missed_and_the_latest_age_is_read_late(collection, source, clock):
    stored(collection, 0)
    clock.now = START + 3 * DAY
    assert read() == revisits.Tally(n_read=1, n_missed=1)
    assert told() == [("post-0", 1, State.MISSED, None), ("post-0", 2, State.READ, 1)]
    assert Reading.objects.get(day=2).late == DAY
    assert Post.objects.get().visit_at == START + 7 * DAY


def test_ages_from_before_a_post_was_stored_are_not_missed(collection, source, clock):
    stored(collection, 0, ago=30 * DAY)
    stored(collection, 1, ago=1.5 * DAY)
    clock.now = START + DAY
    read()
    assert told() == [("post-1", 2, State.READ, 1)]
    assert Post.objects.get(uid="post-0").visit_at is None


@pytest.mark.parametrize("state", ["deleted", "private"])
def test_what_is_gone_is_recorded_once_and_not_read_again(collection, source, clock, state):
    stored(collection, 0)
    source.telling["post-0"] = Engagement("post-0", state)
    clock.now = START + DAY
    assert read() == revisits.Tally(n_gone=1)
    post = Post.objects.get()
    assert (post.gone, post.gone_at, post.visit_at) == (state, clock.now, None)
    assert told() == [("post-0", 1, state, None)]
    assert post.likes == 0
    clock.now = START + 8 * DAY
    assert read() == revisits.Tally()


def test_posts_go_in_batches_of_what_the_server_takes(collection, source, clock):
    stored(collection, *range(10))
    clock.now = START + DAY
    assert read().n_read == 10
    assert [len(visit) for visit in source.visits] == [4, 4, 2]


def test_a_server_that_asks_to_wait_is_not_asked_before(collection, source, clock):
    stored(collection, *range(10))
    clock.now = START + DAY
    source.telling["post-5"] = Interrupted("Too many requests", 120)
    assert read().n_read == 5
    row = Collection.objects.get()
    assert row.visits_after == clock.now + timedelta(seconds=120)
    assert row.visits_error == "Too many requests"
    del source.telling["post-5"]
    clock.now += timedelta(seconds=119)
    assert read().n_read == 0
    clock.now += timedelta(seconds=1)
    assert read().n_read == 5
    assert Reading.objects.filter(state=State.READ).count() == 10
    assert Collection.objects.get().visits_error == ""
    assert {reading.late for reading in Reading.objects.all()} == {
        timedelta(0), timedelta(seconds=120),
    }  # fmt: skip


def test_a_refusal_waits_five_minutes_and_an_error_of_a_source_one(collection, source, clock):
    stored(collection, 0)
    clock.now = START + DAY
    for trouble, wait_s in ((Refused("No"), patience.REFUSED_S), (KeyError("uid"), 60.0)):
        source.telling["post-0"] = trouble
        read()
        row = Collection.objects.get()
        assert row.visits_after == clock.now + timedelta(seconds=wait_s)
        clock.now = row.visits_after
    assert not Reading.objects.exists()
    assert "KeyError" in row.visits_error


def test_a_post_not_told_of_is_asked_for_again_and_missed_in_the_end(collection, source, clock):
    stored(collection, 0)
    source.telling["post-0"] = None
    clock.now = START + 7 * DAY
    assert read() == revisits.Tally(n_untold=1, n_missed=2)
    assert Post.objects.get().visit_at == clock.now + revisits.AGAIN
    clock.now += revisits.AGAIN
    source.telling["post-0"] = Engagement("post-0", likes=3)
    assert read().n_read == 1
    assert told()[-1] == ("post-0", 7, State.READ, 3)
    assert Reading.objects.get(day=7).late == revisits.AGAIN


def test_an_age_never_told_of_is_given_up(collection, source, clock):
    stored(collection, 0)
    source.telling["post-0"] = None
    clock.now = START + 7 * DAY + revisits.GIVEN_UP + timedelta(seconds=1)
    assert read().n_missed == 3
    assert Post.objects.get().visit_at is None


def test_one_reads_for_a_collection_at_a_time(collection, source, clock):
    stored(collection, 0)
    clock.now = START + DAY
    with locks.collector(collection.pk, "visits_held"):
        assert read() == revisits.Tally()
    with locks.collector(collection.pk):  # who collects is another matter
        assert read().n_read == 1


def test_a_post_found_gone_meanwhile_is_left_as_it_is(collection, source, clock, monkeypatch):
    stored(collection, 0)
    clock.now = START + DAY
    real = source.read_again

    def read_again(ask, posts):
        Post.objects.update(gone="deleted", gone_at=START, visit_at=None)
        return real(ask, posts)

    monkeypatch.setattr(source, "read_again", read_again)
    assert read() == revisits.Tally()
    assert Post.objects.get().gone_at == START
    assert not Reading.objects.exists()


def test_other_ages_apply_to_posts_that_are_there(collection, source, clock):
    stored(collection, 0, 1)
    collection.revisit_days = [3]
    collection.save()
    assert revisits.reschedule(collection) == 2
    assert set(Post.objects.values_list("visit_at", flat=True)) == {START + 3 * DAY}
    assert revisits.reschedule(collection) == 0


def test_what_cannot_be_read_again_is_not_due(collection, source, clock):
    stored(collection, 0)
    source.readable_at_once = 0
    clock.now = START + DAY
    assert revisits.due().exists()
    read()
    assert not revisits.due().exists()
    assert source.visits == []


def test_posts_of_a_deleted_collection_are_forgotten(collection, source, clock):
    stored(collection, 0)
    collection.delete()
    clock.now = START + DAY
    assert read() == revisits.Tally()
    assert Post.objects.get().visit_at is None
