from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from config.broker import Transport, people_first
from config.celery import app


@pytest.fixture
def channel(tmp_path: Path):
    options = {
        "data_folder_in": str(tmp_path),
        "data_folder_out": str(tmp_path),
        "control_folder": str(tmp_path / "control"),
    }
    with Connection(transport=Transport, transport_options=options) as connection:
        yield connection.channel()


def test_messages_come_whole(channel, tmp_path):
    channel._put("celery", {"n": 1})
    channel._put("celery", {"n": "zwei ü"})
    assert len(list(tmp_path.glob("*.celery.msg"))) == 2
    assert channel._size("celery") == 2
    got = [channel._get("celery")["n"] for _ in range(2)]
    assert sorted(got, key=str) == [1, "zwei ü"]


def test_a_message_being_written_is_seen_by_nobody(channel, tmp_path, monkeypatch):
    seen = []
    real = Path.write_bytes

    def slowly(path: Path, data: bytes) -> int:
        real(path, data[:5])
        seen.append((len(list(tmp_path.iterdir())), channel._size("celery")))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", slowly)
    channel._put("celery", {"n": 1})
    assert seen == [(1, 0)]
    assert channel._get("celery") == {"n": 1}


def test_a_folder_that_takes_nothing_is_said(channel, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(ChannelError, match="full"):
        channel._put("celery", {"n": 1})


def test_the_folder_broker_is_this_one():
    connection = app.connection_for_write("filesystem://")
    assert isinstance(connection.transport, Transport)


def test_what_people_wait_for_is_taken_first_and_the_rest_in_turn(channel):
    for name in ("fetch", "look", "fetch", "look"):
        channel._put(name, {"n": name})
    channel._active_queues = ["fetch", "look", "asked"]
    channel._reset_cycle()
    taken: list[str] = []

    def take() -> None:
        channel._poll(channel._cycle, lambda message, queue: taken.append(queue))

    take()
    for _ in range(2):
        channel._put("asked", {"n": "asked"})
    for _ in range(5):
        take()
    assert taken == ["fetch", "asked", "asked", "look", "fetch", "look"]
    with pytest.raises(Empty):
        take()


def test_redis_is_asked_in_the_same_order():
    order = people_first()
    order.update(["fetch", "asked", "look"])
    assert order.consume(3) == ["asked", "fetch", "look"]
    order.rotate("fetch")
    assert order.consume(3) == ["asked", "look", "fetch"]
    order.rotate("asked")
    assert order.consume(3)[0] == "asked"
