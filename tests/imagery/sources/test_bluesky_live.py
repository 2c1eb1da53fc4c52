"""Bluesky over a local Jetstream: what is heard, and what becomes of every fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from imagery.sources import LIVE
from imagery.sources.live import Ask, Heard, Interrupted
from tests.live_servers import Jetstream, jetstream, skeet

SOURCE = LIVE["bluesky"]


@pytest.fixture(scope="module")
def running() -> Iterator[Jetstream]:
    with jetstream() as server:
        yield server


@pytest.fixture
def server(running: Jetstream) -> Jetstream:
    running.drop()
    running.log, running.oldest_us = [], 0
    running.handshakes.clear()
    running.api.asked.clear()
    return running


def ask(server: Jetstream, **more: object) -> Ask:
    return Ask(server.options, server.network(), **more)  # type: ignore[arg-type]


def heard(stream: Iterator[Heard], n: int) -> list[Heard]:
    """The first n things that are more than silence."""
    return list(islice((one for one in stream if one.at or one.bad), n))


def test_posts_are_heard_as_files_tell_them(server):
    stream = SOURCE.stream(ask(server), "")
    assert next(stream).resumed is False
    next(stream)
    server.wait_for_listeners()
    event = skeet(1)
    server.publish(event)
    (one,) = heard(stream, 1)
    stream.close()
    assert one.record is not None
    assert one.record.uid == "at://did:plc:elmbridge234567abcdefghi/app.bsky.feed.post/3l000001"
    assert one.cursor == str(event["time_us"])
    assert [image.url for image in one.record.images] == [
        "https://cdn.bsky.app/img/feed_fullsize/plain/"
        "did:plc:elmbridge234567abcdefghi/bafkrei000001@jpeg"
    ]


def test_a_cut_in_the_middle_of_a_frame_goes_on_from_the_cursor(server):
    now = datetime.now(UTC)
    server.log = [skeet(n, at=now - timedelta(seconds=60 - n)) for n in range(20)]
    server.cut_after.append(8)
    first = []
    with pytest.raises(Interrupted):
        for one in SOURCE.stream(ask(server), str(server.log[0]["time_us"])):
            first += [one] if one.record else []
    assert [one.record.uid[-2:] for one in first] == [f"{n:02}" for n in range(8)]
    assert first[0].resumed is True
    stream = SOURCE.stream(ask(server), first[-1].cursor)
    again = heard(stream, 18)
    stream.close()
    assert [one.record.uid[-2:] for one in again] == [f"{n:02}" for n in range(2, 20)]
