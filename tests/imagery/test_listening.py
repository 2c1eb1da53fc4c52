"""A collection listened to: what is stored, once, and what is told of what was missed."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from imagery import batches, collecting, listening, locks, removal
from imagery.core import patience
from imagery.models import Collection, CollectionRule, Event, Gap, Minute, Post, Rule
from imagery.sources import LIVE
from imagery.sources.live import SOURCE_ID, Heard, Interrupted, Refused
from tests.live_servers import jetstream, skeet
from tests.scripted_live import Scripted, record

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
State = Collection.State


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    for name, value in {"BATCH_S": 0.03, "LOOK_S": 0.05, "QUIET_S": 0.1}.items():
        monkeypatch.setattr(listening, name, value)
    monkeypatch.setattr(patience, "FIRST_S", 0.05)
    monkeypatch.setattr(batches.pipeline, "start", lambda *_, **__: None)


@pytest.fixture
def server():
    with jetstream() as running:
        yield running


@pytest.fixture
def bluesky(event, server, settings) -> Collection:
    settings.IMAGERY_FETCH_PRIVATE = frozenset([server.place, server.api.place])
    return event.collections.create(
        name="flood", source="bluesky", options=server.options, state=State.ON
    )


@pytest.fixture
def source(monkeypatch) -> Scripted:
    made = Scripted()
    monkeypatch.setitem(LIVE, made.name, made)
    return made


@pytest.fixture
def collection(event, source) -> Collection:
    return event.collections.create(name="flood", source=source.name, state=State.ON)


class Listening:
    """`listening.run` in a thread, as a collector has it."""

    def __init__(self, collection: Collection) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(collection.pk,), daemon=True)

    def _run(self, pk: int) -> None:
        try:
            listening.run(pk, self.stop)
        finally:
            connection.close()

    def __enter__(self) -> "Listening":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.ended()

    def ended(self) -> None:
        self.thread.join(10)
        assert not self.thread.is_alive()


def until(condition, seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.02)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def uids() -> list[str]:
    return sorted(uid.rpartition("/")[2] for uid in Post.objects.values_list("uid", flat=True))


def names(*numbers: int) -> list[str]:
    return [f"3l{n:06}" for n in numbers]


def test_posts_are_stored_once_whatever_comes_twice_or_in_another_order(bluesky, server):
    with Listening(bluesky):
        server.wait_for_listeners()
        posts = [skeet(n, at=at(n)) for n in range(6)]
        server.publish(*posts[:4], posts[1], posts[0], "{not json", posts[5], posts[4], posts[5])
        until(lambda: Post.objects.count() == 6)
        until(lambda: Collection.objects.get().n_bad == 1)
    assert uids() == names(*range(6))
    row = Collection.objects.get()
    assert (row.n_seen, row.n_kept, row.n_new, row.n_bad) == (10, 9, 6, 1)
    told = Minute.objects.values_list("n_seen", "n_kept", "n_new", "n_bad")
    assert [sum(column) for column in zip(*told, strict=True)] == [10, 9, 6, 1]
    assert row.seen_at is not None and row.connected_at is None and row.held_by == ""
    assert set(Post.objects.values_list("collected_by", flat=True)) == {row.pk}


def has(n: int) -> "callable":
    return lambda: Post.objects.count() == n


def heard(source: Scripted, *numbers: int, at: datetime | None = None) -> None:
    """Publish to whoever listens, and wait until it is in the rows."""
    until(lambda: source.n_listening)
    source.publish(*[record(number, at) for number in numbers])
    told = [f"post-{number}" for number in numbers]
    until(lambda: Post.objects.filter(uid__in=told).count() == len(told))


# Interrupted ---------------------------------------------------------------------------------


def test_a_connection_cut_in_mid_frame_is_taken_up_at_the_cursor(bluesky, server):
    server.cut_after += [3, 2, 0]
    with Listening(bluesky):
        server.wait_for_listeners()
        for n in range(8):
            server.publish(skeet(n, at=at(n)))
            time.sleep(0.02)
        until(has(8))
    assert uids() == names(*range(8))
    row = Collection.objects.get()
    assert len(server.handshakes) >= 4
    assert (row.n_new, row.gaps.count()) == (8, 0)
    assert "closed" in row.error
    assert row.error_at is not None


def test_what_the_servers_memory_lost_is_a_gap_refilled_in_part(bluesky, server):
    with Listening(bluesky):
        server.wait_for_listeners()
        server.publish(skeet(0, at=at(-1000)))
        until(has(1))
    server.publish(*[skeet(n, at=at(100 * n - 900)) for n in range(1, 9)])
    server.publish(skeet(9, at=timezone.now() + timedelta(seconds=50)))
    server.oldest_us = server.log[4]["time_us"]
    Collection.objects.update(listened_at=at(-950), heard_at=at(-950))
    with Listening(bluesky):
        until(lambda: Gap.objects.exclude(state=Gap.State.OPEN).exists())
    gap = Gap.objects.get()
    assert gap.state == Gap.State.PARTLY
    assert "Lost up to" in gap.outcome
    assert uids()[:6] == names(0, 4, 5, 6, 7, 8)


def test_a_source_that_cannot_go_back_leaves_a_gap_that_is_refilled_beside(collection, source):
    source.resumes = False
    with Listening(collection):
        heard(source, 0, 1)
        source.cut(Interrupted("The line was cut", 0.5))
        until(lambda: not source.n_listening)
        source.publish(record(2), record(3))
        until(lambda: Gap.objects.filter(state=Gap.State.FILLED).exists())
        heard(source, 4)
    gap = Gap.objects.get()
    assert (gap.reason, gap.n_new, Post.objects.count()) == ("The line was cut", 2, 5)
    row = Collection.objects.get()
    assert row.n_new == sum(Minute.objects.values_list("n_new", flat=True)) + gap.n_new == 5


def test_a_gap_of_which_nothing_is_told_is_lost_with_the_reason(collection, source):
    source.resumes, source.keeps_from = False, None
    with Listening(collection):
        heard(source, 0)
        source.cut(Interrupted("cut"))
        until(lambda: Gap.objects.filter(state=Gap.State.LOST).exists())
    assert Gap.objects.get().outcome == "It tells nothing of the past"


def test_a_refill_that_is_interrupted_goes_on_where_it_was(collection, source):
    Collection.objects.update(listened_at=at(0), heard_at=at(0))
    source.resumes = False
    source.publish(*[record(n, at(n + 1)) for n in range(6)])
    source.refill_refusals = {1: Interrupted("Wait"), 3: Interrupted("Wait")}
    with Listening(collection):
        until(lambda: Gap.objects.filter(state=Gap.State.FILLED).exists())
    gap = Gap.objects.get()
    assert [cursor for _, _, cursor in source.refills] == ["", "1", "3"]
    assert (gap.reason, gap.n_tries, gap.n_new, Post.objects.count()) == (
        "No collector was at work", 2, 6, 6,
    )  # fmt: skip


def test_what_is_missing_is_told_while_it_goes_on(collection, source):
    source.resumes = False
    with Listening(collection):
        heard(source, 0)
        source.refusals = [Refused("The token is not valid")] * 50
        source.cut(Interrupted("The server restarts"))
        until(lambda: Gap.objects.filter(ends_at=None).exists())
        until(lambda: Collection.objects.get().error == "The token is not valid")
        now = collecting.status(Collection.objects.get())
    assert not now.connected
    assert now.error == "The token is not valid"
    assert now.next_try is not None
    assert 290 < (now.next_try - timezone.now()).total_seconds() <= 300
    assert now.gaps == {"open": 1}
    assert Gap.objects.get().reason == "The server restarts"


def test_a_server_that_asks_to_wait_is_not_asked_before(collection, source):
    source.refusals = [Interrupted("Too many requests", 0.6)]
    with Listening(collection):
        until(lambda: source.n_listening)
        row = Collection.objects.get()
    assert row.error == "Too many requests"
    assert (row.connected_at or row.heard_at or timezone.now()) is not None
    assert row.retry_at - row.error_at == timedelta(seconds=0.6)


def test_an_error_of_a_source_is_told_and_tried_again(collection, source, caplog):
    source.refusals = [ZeroDivisionError("division by zero")]
    with Listening(collection):
        heard(source, 0)
    assert Collection.objects.get().error == "ZeroDivisionError: division by zero"


# Switched ------------------------------------------------------------------------------------


def test_a_paused_collection_goes_on_at_its_cursor(collection, source, owner):
    with Listening(collection) as held:
        heard(source, 0)
        collecting.pause(collection, owner)
        held.ended()
    assert Collection.objects.get().held_by == ""
    source.publish(record(1), record(2))
    assert Gap.objects.get().reason == "Paused by owner"
    collecting.start(collection, owner)
    with Listening(collection):
        until(has(3))
    assert not Gap.objects.exists()


def test_a_pause_that_the_source_cannot_bridge_is_lost_and_says_who(collection, source, owner):
    source.resumes, source.keeps_from = False, None
    with Listening(collection) as held:
        heard(source, 0)
        collecting.pause(collection, owner)
        held.ended()
    collecting.start(collection, owner)
    with Listening(collection):
        until(lambda: Gap.objects.filter(state=Gap.State.LOST).exists())
    assert Gap.objects.get().reason == "Paused by owner"


def test_a_stopped_collection_begins_anew(collection, source, owner):
    with Listening(collection) as held:
        heard(source, 0)
        collecting.stop(collection, owner)
        held.ended()
    source.publish(record(1))
    collecting.start(collection, owner)
    with Listening(collection):
        heard(source, 2)
    assert sorted(Post.objects.values_list("uid", flat=True)) == ["post-0", "post-2"]
    assert not Gap.objects.exists()


def test_it_stops_at_its_time_with_what_was_published_before(collection, source, owner):
    with Listening(collection):
        heard(source, 0)
    over = timezone.now() - timedelta(seconds=1)
    source.publish(record(1, over - timedelta(seconds=1)), record(2, over))
    Collection.objects.update(stops_at=over)
    with Listening(collection) as held:
        held.ended()
    row = Collection.objects.get()
    assert row.state == State.STOPPED
    assert sorted(Post.objects.values_list("uid", flat=True)) == ["post-0", "post-1"]
    with pytest.raises(collecting.CannotStart, match="later time"):
        collecting.start(row, owner)


def test_what_was_to_begin_before_anything_listened_is_refilled(collection, source):
    Collection.objects.update(starts_at=at(0))
    source.publish(record(0, at(-5)), record(1, at(5)))
    with Listening(collection):
        until(lambda: Gap.objects.filter(state=Gap.State.FILLED).exists())
    assert [post.uid for post in Post.objects.all()] == ["post-1"]


def test_changed_rules_and_options_are_taken_up_while_it_runs(collection, source, event):
    with Listening(collection):
        heard(source, 0)
        CollectionRule.objects.create(collection=collection, kind="keyword", value="fire")
        until(lambda: source.asks[-1][0].book.keywords == {"fire"})
        until(lambda: source.n_listening)
        source.publish(record(1), record(2, text="A fire"))
        until(has(2))
        Collection.objects.update(options={"server": "another"}, token="secret")
        until(lambda: source.asks[-1][0].token == "secret")
        until(lambda: source.n_listening)
        Rule.objects.create(event=event, kind="keyword", value="flood")
        source.publish(record(3, text="A fire"), record(4, text="A fire in the flood"))
        until(has(3))
    assert sorted(Post.objects.values_list("uid", flat=True)) == ["post-0", "post-2", "post-4"]
    row = Collection.objects.get()
    assert (row.n_seen, row.n_kept, row.n_new) == (5, 3, 3)


def test_a_cursor_of_other_options_is_no_place_to_go_on_from(collection):
    collection.cursor = ""  # as where options were changed a moment ago
    for options, cursor in (({"server": "before"}, ""), (collection.options, "9")):
        write = batches.onto_stream([Heard(cursor="9")], options, None, True, "")
        write(collection, batches.Counts())
        assert Collection.objects.get().cursor == cursor


def test_nothing_is_left_of_an_event_deleted_while_it_runs(collection, source, event):
    with Listening(collection) as held:
        heard(source, 0)
        removal.delete(event)
        held.ended()
    assert not Event.objects.exists()
    assert not Post.objects.exists()


# Two of them ---------------------------------------------------------------------------------


def test_one_collector_holds_a_collection(collection, source):
    with Listening(collection):
        until(lambda: source.n_listening)
        with pytest.raises(locks.Busy), locks.collector(collection.pk):
            pass


def test_one_that_slept_through_its_lease_writes_nothing(collection, source):
    with Listening(collection) as first:
        heard(source, 0)
        Collection.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        with Listening(collection):
            until(lambda: len(source.asks) == 2)
            source.publish(record(1), record(2))
            first.ended()
            until(has(3))
            heard(source, 3)
    row = Collection.objects.get()
    assert (Post.objects.count(), row.n_new, row.n_seen) == (4, 4, 4)


def test_the_lease_of_a_dead_process_or_a_set_clock_is_free(collection):
    Collection.objects.update(
        held_by=f"{locks._place()}/999999999/x", held_until=timezone.now() + timedelta(seconds=15)
    )
    with locks.collector(collection.pk):
        pass
    Collection.objects.update(held_by="other/1/x", held_until=timezone.now() + timedelta(hours=1))
    with locks.collector(collection.pk):
        pass
    Collection.objects.update(held_by="o/1/x", held_until=timezone.now() + timedelta(seconds=15))
    with pytest.raises(locks.Busy), locks.collector(collection.pk):
        pass


# Rows ----------------------------------------------------------------------------------------


def test_deleted_posts_are_marked_once_by_uid_or_source_id(collection, source):
    with Listening(collection):
        heard(source, 0, 1, 2)
        source.publish(gone=["post-0", f"{SOURCE_ID}id-1", "post-unknown", f"{SOURCE_ID}id-9"])
        until(lambda: Post.objects.filter(gone="deleted").count() == 2)
        first = Post.objects.get(uid="post-0").gone_at
        source.publish(gone=["post-0"])
        heard(source, 3)
    post = Post.objects.get(uid="post-0")
    assert (post.gone_at, post.visit_at) == (first, None)
    assert Post.objects.get(uid="post-2").visit_at is not None


def test_a_thing_that_no_row_can_hold_stops_nothing(collection, source):
    with Listening(collection):
        until(lambda: source.n_listening)
        source.publish(record(0), record(1, likes=2**70), record(2))
        until(has(2))
    row = Collection.objects.get()
    assert (row.n_seen, row.n_kept, row.n_new, row.n_bad) == (3, 2, 2, 1)


def test_a_database_out_of_reach_loses_and_doubles_nothing(collection, source, monkeypatch):
    real, failing = batches.Keeper._store, []

    def store(self, *args):
        if failing:
            raise OperationalError(failing.pop())
        return real(self, *args)

    monkeypatch.setattr(batches.Keeper, "_store", store)
    with Listening(collection):
        heard(source, 0)
        failing += ["database is locked", "the connection is closed"]
        source.publish(record(1), record(2))
        until(has(3))
    row = Collection.objects.get()
    assert (row.n_seen, row.n_new, Gap.objects.count()) == (3, 3, 0)


def test_a_clock_set_back_or_forward_loses_nothing(collection, source, monkeypatch):
    real, off = timezone.now, [timedelta(0)]
    monkeypatch.setattr(timezone, "now", lambda: real() + off[0])
    source.resumes = False
    with Listening(collection):
        for number, hours in enumerate((0, 2, -3)):
            off[0] = timedelta(hours=hours)
            heard(source, number)
        source.cut(Interrupted("cut"))
        until(lambda: not source.n_listening)
        off[0] = timedelta(0)
        source.publish(record(5))
        until(has(4))
        until(lambda: Gap.objects.filter(state=Gap.State.FILLED).exists())
    row = Collection.objects.get()
    assert row.n_new == Post.objects.count() == 4
    assert sum(Minute.objects.values_list("n_new", flat=True)) == 3


def test_new_posts_begin_a_pass_in_the_same_transaction(collection, source, monkeypatch):
    begun = []

    def start(event_id, **more):
        begun.append((event_id, more, Post.objects.count(), connection.in_atomic_block))

    monkeypatch.setattr(batches.pipeline, "start", start)
    with Listening(collection):
        heard(source, 0)
        source.publish(record(0))
        time.sleep(0.2)
    assert begun == [(collection.event_id, {"quick": True}, 1, True)]


def test_status_tells_rates_lag_and_readings(collection, source):
    with Listening(collection):
        heard(source, 0, 1, at=timezone.now() - timedelta(seconds=7))
        now = collecting.status(Collection.objects.get())
    assert now.held
    assert now.connected
    assert (now.seen_per_minute, now.new_per_minute) == (0.4, 0.4)
    assert 7 <= now.lag_s < 12
    assert (now.n_due, now.error, now.behind_s) == (0, "", 0)
    assert now.next_due is not None
    assert not collecting.status(Collection.objects.get()).connected
