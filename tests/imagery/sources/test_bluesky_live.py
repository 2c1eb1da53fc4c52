"""Bluesky over a local Jetstream: what is heard, and what becomes of every fault."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imagery.core.rulebook import Rulebook
from imagery.sources import LIVE, bluesky_live
from imagery.sources.live import (
    Ask,
    BadOption,
    CannotRefill,
    Engagement,
    Heard,
    Interrupted,
    Refused,
    Wanted,
)
from imagery.sources.network import MAX_FRAME
from tests.live_servers import Failure, Jetstream, jetstream, skeet, us

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
    running.api.posts, running.api.followers = {}, {}
    running.api.failures.clear()
    while running.n_listening:
        time.sleep(0.01)
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


def test_duplicates_reordering_and_garbage_move_the_cursor_only_forward(server):
    now = datetime.now(UTC)
    early, late = skeet(1, at=now - timedelta(seconds=9)), skeet(2, at=now - timedelta(seconds=8))
    future = skeet(3, at=now + timedelta(days=400))
    stream = SOURCE.stream(ask(server), "")
    next(stream), next(stream)
    server.wait_for_listeners()
    server.say(late, "{", early, early, "[]", b"\xff\x00", future, '{"kind": "commit"}')
    told = heard(stream, 7)
    stream.close()
    assert [bool(one.bad) for one in told[:6]] == [False, True, False, False, True, True]
    assert {one.cursor for one in told} == {str(late["time_us"]), ""}
    assert told[6].bad is not None and "future" in told[6].bad.reason


def test_deleted_and_edited_posts_are_told_and_other_kinds_passed(server):
    stream = SOURCE.stream(ask(server), "")
    next(stream), next(stream)
    server.wait_for_listeners()
    server.say(
        skeet(1, "Water is falling", operation="update"),
        skeet(1, operation="delete"),
        skeet(2, collection="app.bsky.feed.like"),
        {"did": "did:plc:x", "time_us": us(datetime.now(UTC)), "kind": "identity", "identity": {}},
    )
    edited, gone, *others = heard(stream, 3)
    stream.close()
    assert edited.record is not None and edited.record.text == "Water is falling"
    assert gone.gone == edited.record.uid
    assert all(one.cursor and not (one.record or one.gone or one.bad) for one in others)


def test_a_memory_that_does_not_reach_back_is_no_resumption(server):
    now = datetime.now(UTC)
    server.log = [skeet(n, at=now - timedelta(minutes=50 - n)) for n in range(50)]
    server.oldest_us = us(now - timedelta(minutes=20))
    stream = SOURCE.stream(ask(server), str(us(now - timedelta(minutes=40))))
    first = next(one for one in stream if one.resumed is not None)
    stream.close()
    assert first.resumed is False and first.record is not None


def test_gaps_are_refilled_and_what_is_lost_is_said(server):
    now = datetime.now(UTC)
    server.log = [skeet(n, at=now - timedelta(seconds=600 - 10 * n)) for n in range(60)]
    begins, ends = now - timedelta(seconds=400), now - timedelta(seconds=195)
    told = [one for one in SOURCE.refill(ask(server), begins, ends, "") if one.record]
    assert [int(one.record.uid[-2:]) for one in told] == list(range(20, 41))
    rest = [one for one in SOURCE.refill(ask(server), begins, ends, told[-4].cursor) if one.record]
    assert rest[-1].record == told[-1].record and len(rest) == 4
    server.oldest_us = us(now - timedelta(seconds=300))
    part = []
    with pytest.raises(
        CannotRefill, match=f"Lost up to {now - timedelta(seconds=300):%Y-%m-%d %H:%M:%S} UTC"
    ):
        for one in SOURCE.refill(ask(server), begins, ends, ""):
            part += [one] if one.record else []
    assert [int(one.record.uid[-2:]) for one in part] == list(range(30, 41))
    with pytest.raises(
        CannotRefill, match=f"Lost up to {now - timedelta(seconds=300):%Y-%m-%d %H:%M:%S} UTC"
    ):
        list(SOURCE.refill(ask(server), begins, ends, part[-1].cursor))


def test_a_gap_of_which_nothing_is_left_says_so(server):
    now = datetime.now(UTC)
    server.log = [skeet(1, at=now - timedelta(minutes=1))]
    begins, ends = now - timedelta(minutes=90), now - timedelta(minutes=80)
    with pytest.raises(CannotRefill, match="All of it is lost"):
        list(SOURCE.refill(ask(server), begins, ends, ""))


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (404, Refused), (502, Interrupted)])
def test_refused_handshakes(server, status, kind):
    server.refuse.append(status)
    with pytest.raises(kind):
        list(SOURCE.stream(ask(server), ""))


def test_frames_too_large_end_the_connection_in_words(server):
    stream = SOURCE.stream(ask(server), "")
    next(stream), next(stream)
    server.wait_for_listeners()
    server.say('"' + "x" * (MAX_FRAME + 10) + '"')
    with pytest.raises(Interrupted, match="closed"):
        list(stream)


def test_everybodys_silence_is_a_fault_but_a_few_may_rest(server, monkeypatch):
    monkeypatch.setattr(bluesky_live, "SILENCE_S", 0.2)
    with pytest.raises(Interrupted, match="Nothing was heard"):
        list(SOURCE.stream(ask(server), ""))
    few = ask(server, book=Rulebook(accounts=frozenset(["did:plc:quiet"])))
    stream = SOURCE.stream(few, "")
    assert len(list(islice(stream, 4))) == 4
    stream.close()
    assert parse_qs(urlsplit(server.handshakes[-1][0]).query)["wantedDids"] == ["did:plc:quiet"]


def test_names_that_are_no_dids_leave_the_choice_to_us(server):
    mixed = ask(server, book=Rulebook(accounts=frozenset(["did:plc:a", "river.example"])))
    stream = SOURCE.stream(mixed, "")
    next(stream), next(stream)
    server.wait_for_listeners()
    stream.close()
    assert "wantedDids" not in server.handshakes[-1][0]


def test_packed_frames_are_read_with_the_dictionary(server, tmp_path, monkeypatch):
    events = [json.dumps(skeet(n)).encode() for n in range(400)]
    dictionary = zstandard.train_dictionary(4096, events)
    path = tmp_path / "dictionary"
    path.write_bytes(dictionary.as_bytes())
    monkeypatch.setenv(bluesky_live.DICTIONARY, str(path))
    packer = zstandard.ZstdCompressor(dict_data=dictionary)
    bomb = packer.compress(b" " * (4 * MAX_FRAME))
    stream = SOURCE.stream(ask(server), "")
    next(stream), next(stream)
    server.wait_for_listeners()
    server.say(packer.compress(events[7]), bomb, b"not packed")
    good, large, other = heard(stream, 3)
    stream.close()
    assert "compress=true" in server.handshakes[-1][0]
    assert good.record is not None and good.record.uid.endswith("3l000007")
    assert large.bad and "too much" in large.bad.reason
    assert other.bad


def test_posts_are_read_again_and_missing_ones_are_deleted(server):
    events = [skeet(n, did=f"did:plc:author{n % 2}") for n in range(4)]
    for event in events[:3]:
        server.api.tell(event, likeCount=5, repostCount=0)
    server.api.followers = {"did:plc:author0": 77}
    wanted = [
        Wanted(
            f"at://{event['did']}/app.bsky.feed.post/{event['commit']['rkey']}", "", event["did"]
        )
        for event in events
    ]
    found = list(SOURCE.read_again(ask(server), [*wanted, Wanted("no uri", "")]))
    assert found[0] == Engagement(wanted[0].uid, "read", 5, 0, None, None, 77)
    assert [one.state for one in found] == ["read", "read", "read", "deleted"]
    assert found[1].followers is None
    assert len(server.api.asked) == 2


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(429, {"RateLimit-Reset": "soon"}), Interrupted),
        (Failure(503, {"Retry-After": "90"}), Interrupted),
        (Failure(200, body=b"[]"), Interrupted),
        (Failure(200, body=b"<html>"), Interrupted),
        (Failure(403), Refused),
    ],
)
def test_an_api_that_answers_otherwise_makes_no_post_deleted(server, failure, kind):
    soon = str(int(time.time()) + 90)
    headers = {name: value.replace("soon", soon) for name, value in failure.headers.items()}
    server.api.failures.append(replace(failure, headers=headers))
    with pytest.raises(kind) as stopped:
        list(SOURCE.read_again(ask(server), [Wanted("at://did:plc:x/app.bsky.feed.post/1", "")]))
    if failure.headers:
        assert stopped.value.wait_s == pytest.approx(90, abs=10)


def test_options_are_checked():
    stored = SOURCE.check({})
    assert stored["server"].startswith("wss://") and SOURCE.check(stored) == stored
    for name, value in (("server", "https://x"), ("api", "ftp://x"), ("api", "https://a b")):
        with pytest.raises(BadOption) as error:
            SOURCE.check({name: value})
        assert error.value.option == name


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*skeet(1), *skeet(1)["commit"], *skeet(1)["commit"]["record"]]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(WILD, st.sampled_from([*skeet(1), "whole"]))
def test_wild_frames_break_nothing(found, at):
    event = found if at == "whole" else skeet(1) | {at: found}
    for frame in (json.dumps(event), json.dumps(event).encode()[:-4]):
        assert isinstance(bluesky_live._heard(frame, 5), Heard)


def test_half_a_minute_forgotten_is_no_resumption(server):
    now = datetime.now(UTC)
    server.log = [skeet(n, at=now - timedelta(seconds=60 - n)) for n in range(60)]
    server.oldest_us = us(now - timedelta(seconds=20))
    stream = SOURCE.stream(ask(server), str(us(now - timedelta(seconds=50))))
    first = next(one for one in stream if one.resumed is not None)
    stream.close()
    assert first.resumed is False
    with pytest.raises(
        CannotRefill, match=f"Lost up to {now - timedelta(seconds=20):%Y-%m-%d %H:%M:%S} UTC"
    ):
        list(
            SOURCE.refill(ask(server), now - timedelta(seconds=50), now - timedelta(seconds=10), "")
        )


def test_nothing_counts_as_heard_before_the_connection_is_there(server):
    server.refuse.append(503)
    for cursor in ("", str(us(datetime.now(UTC)))):
        told: list[Heard] = []
        with pytest.raises(Interrupted):
            for one in SOURCE.stream(ask(server), cursor):
                told.append(one)
        server.refuse.append(503)
        assert all(one.resumed is None for one in told)
