"""A collection listened to, with the real protocol of Jetstream and a local server."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from imagery import collecting, listening, locks
from imagery.models import Collection, Gap, Job, Minute, Post
from tests.live_servers import Jetstream, jetstream, skeet

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)


@pytest.fixture
def server():
    with jetstream() as running:
        yield running


@pytest.fixture
def collection(event, server, settings, monkeypatch) -> Collection:
    settings.IMAGERY_FETCH_PRIVATE = frozenset([server.place, server.api.place])
    for name, value in {"BATCH_S": 0.05, "LOOK_S": 0.05, "QUIET_S": 0.2}.items():
        monkeypatch.setattr(listening, name, value)
    monkeypatch.setattr(listening.patience, "FIRST_S", 0.05)
    monkeypatch.setattr("imagery.batches.pipeline.start", lambda *_, **__: None)
    return event.collections.create(
        name="flood", source="bluesky", options=server.options, state=Collection.State.ON
    )


class Listening:
    """`listening.run` in a thread, as a collector has it."""

    def __init__(self, collection: Collection) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(collection.pk,), daemon=True)

    def _run(self, pk: int) -> None:
        from django.db import connection

        try:
            listening.run(pk, self.stop)
        finally:
            connection.close()

    def __enter__(self) -> "Listening":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
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


def test_posts_are_stored_once_whatever_comes_twice_or_in_another_order(collection, server):
    with Listening(collection):
        server.wait_for_listeners()
        posts = [skeet(n, at=at(n)) for n in range(6)]
        server.publish(*posts[:4], posts[1], posts[0], "{not json", posts[5], posts[4], posts[5])
        until(lambda: Post.objects.count() == 6)
        until(lambda: not Job.objects.exists() and Collection.objects.get().n_bad == 1)
    assert uids() == names(*range(6))
    row = Collection.objects.get()
    assert (row.n_seen, row.n_kept, row.n_new, row.n_bad) == (10, 9, 6, 1)
    told = Minute.objects.values_list("n_seen", "n_kept", "n_new", "n_bad")
    assert [sum(column) for column in zip(*told, strict=True)] == [10, 9, 6, 1]
    assert row.seen_at is not None and row.connected_at is None and row.held_by == ""
    assert set(Post.objects.values_list("collected_by", flat=True)) == {row.pk}
