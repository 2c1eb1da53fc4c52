"""`collect`, `collector` and `revisit`, with a source that does what the test says."""

import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from imagery import batches, collector, listening, supervisor
from imagery.management.commands import collect as command
from imagery.models import Collection, Event, Post, Process, Reading
from imagery.sources import LIVE
from tests.scripted_live import Scripted, record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    for name, value in {"BATCH_S": 0.03, "LOOK_S": 0.05, "QUIET_S": 0.1}.items():
        monkeypatch.setattr(listening, name, value)
    monkeypatch.setattr(collector, "LOOK_S", 0.05)
    monkeypatch.setattr(command, "EVERY_S", 0.1)
    monkeypatch.setattr(supervisor, "prepare", lambda: None)
    monkeypatch.setattr(batches.pipeline, "start", lambda *_, **__: None)


@pytest.fixture
def source(monkeypatch) -> Scripted:
    made = Scripted()
    monkeypatch.setitem(LIVE, made.name, made)
    return made


@pytest.fixture
def collection(event, source) -> Collection:
    return event.collections.create(name="flood", source=source.name, state="on")


def publish_when_heard(source: Scripted, *numbers: int) -> threading.Thread:
    def run() -> None:
        while not source.n_listening:
            time.sleep(0.01)
        source.publish(*[record(n) for n in numbers])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_collect_tells_how_it_goes_and_ends_cleanly(collection, source, capsys):
    publish_when_heard(source, 0, 1)
    call_command("collect", "storm", seconds=1.5)
    lines = capsys.readouterr().out.splitlines()
    assert any("flood: connected" in line and "2 kept, 2 new" in line for line in lines)
    row = Collection.objects.get()
    assert (row.held_by, row.connected_at, row.state) == ("", None, "on")
    assert not Process.objects.exists()


def test_collect_names_what_there_is(event, collection):
    with pytest.raises(CommandError, match="no event 'nothing'; there are: storm"):
        call_command("collect", "nothing")
    with pytest.raises(CommandError, match="no collection 'fire'; there are: flood"):
        call_command("collect", "storm", collection="fire")
    Collection.objects.update(state="paused")
    with pytest.raises(CommandError, match="flood is paused: switch it on"):
        call_command("collect", "storm")


def test_a_collector_takes_all_that_are_on_reads_what_is_due_and_ends_when_idle(
    event, collection, source, monkeypatch
):
    other = event.collections.create(name="other", source=source.name, state="on")
    event.collections.create(name="later", source=source.name, state="on",
                             starts_at=timezone.now() + timedelta(hours=1))  # fmt: skip
    old = timezone.now() - timedelta(days=1, minutes=1)
    post = Post.objects.create(
        event=event, platform="scripted", uid="post-9", posted_at=old, stored_at=old,
        visit_at=old + timedelta(days=1), collected_by=other,
    )  # fmt: skip
    stop = threading.Event()
    held = collector.Collector(stop)
    thread = threading.Thread(target=_and_close, args=(held.run, 0.3))
    thread.start()
    _until(lambda: source.n_listening == 2 and Reading.objects.filter(post=post).exists())
    assert collector.needed()
    Collection.objects.filter(state="on", starts_at=None).update(state="paused")
    thread.join(10)
    assert not thread.is_alive()
    assert not collector.needed()
    assert source.n_listening == 0


def test_two_collectors_share_and_take_over(event, collection, source):
    for name in ("a", "b", "c"):
        event.collections.create(name=name, source=source.name, state="on")
    stops = [threading.Event(), threading.Event()]
    made = [collector.Collector(stop) for stop in stops]
    threads = [threading.Thread(target=_and_close, args=(held.run,)) for held in made]
    for thread in threads:
        thread.start()
    _until(lambda: source.n_listening == 4)
    source.publish(record(0), record(1))
    _until(lambda: Post.objects.count() == 2)
    stops[0].set()
    threads[0].join(10)
    _until(lambda: source.n_listening == 4)
    source.publish(record(2))
    _until(lambda: Post.objects.count() == 3)
    stops[1].set()
    threads[1].join(10)
    assert sum(Collection.objects.values_list("n_new", flat=True)) == 3


def test_revisit_tells_what_is_due_and_reads_it(event, collection, source, capsys, monkeypatch):
    monkeypatch.setattr("imagery.revisits.PACE_S", 0)
    old = timezone.now() - timedelta(days=2, minutes=1)
    Post.objects.create(
        event=event, platform="scripted", uid="post-0", posted_at=old, stored_at=old,
        visit_at=old + timedelta(days=1), collected_by=collection,
    )  # fmt: skip
    call_command("revisit", "storm")
    assert "due: 1, the first since 24 h" in capsys.readouterr().out
    call_command("revisit", "storm", due_now=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 read, 0 gone, 1 ages missed, 0 not told of"
    assert {"due: 0", "read: 1", "missed: 1"} <= set(lines)
    assert any(line.startswith("later: 1, the next in 23 h") for line in lines)


def test_an_event_may_be_deleted_while_it_is_collected_for(collection, source, capsys):
    def delete() -> None:
        while not source.n_listening:
            time.sleep(0.01)
        Event.objects.all().delete()
        connection.close()

    threading.Thread(target=delete, daemon=True).start()
    with pytest.raises(CommandError, match="deleted meanwhile"):
        call_command("collect", "storm", seconds=5)


def _and_close(run, *args) -> None:
    try:
        run(*args)
    finally:
        connection.close()


def _until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.02)
