"""Mastodon over a local server: streaming, timelines in turn, and what becomes of every fault."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery.sources import LIVE, mastodon_live
from imagery.sources.live import (
    SOURCE_ID,
    Ask,
    BadOption,
    Engagement,
    Heard,
    Interrupted,
    Refused,
    Wanted,
)
from imagery.sources.mastodon_timelines import Seen
from tests.live_servers import Failure, MastodonServer, mastodon, toot

SOURCE = LIVE["mastodon"]


@pytest.fixture(scope="module")
def running() -> Iterator[MastodonServer]:
    with mastodon() as server:
        yield server


@pytest.fixture
def server(running: MastodonServer, monkeypatch) -> MastodonServer:
    monkeypatch.setattr(mastodon_live, "POLL_S", 0.02)
    running.streaming.drop()
    running.statuses, running.hidden, running.headers = {}, set(), {}
    running.token, running.batches, running.closed = "secret", True, False
    running.failures.clear()
    running.asked.clear()
    running.streaming.refuse.clear()
    return running


def ask(server: MastodonServer, token: str = "", **options: object) -> Ask:
    return Ask(server.options | options, server.network(), token=token)


def until(stream: Iterator[Heard], n: int) -> list[Heard]:
    """What is heard until n posts were told or deleted, or could not be read."""
    heard: list[Heard] = []
    give_up_at = time.monotonic() + 30
    while len(things(heard)) < n:
        heard.append(next(stream))
        assert time.monotonic() < give_up_at, things(heard)
    return heard


def things(heard: list[Heard]) -> list[Heard]:
    return [one for one in heard if one.record or one.gone or one.bad]


def past(server: MastodonServer, n: int, seconds: float = 1.0, tag: str = "ElmFlood") -> list[str]:
    """n statuses published before now, that far apart; their ids, the oldest first."""
    now = datetime.now(UTC)
    made = [toot(i, at=now - timedelta(seconds=(n - i) * seconds), tag=tag) for i in range(n)]
    server.statuses |= {status["id"]: status for status in made}
    return [status["id"] for status in made]


def test_streaming_tells_new_edited_and_deleted_posts(server):
    stream = SOURCE.stream(ask(server, "secret"), "")
    first = next(one for one in stream if one.resumed is not None)
    assert first.resumed is False
    next(stream)
    server.streaming.wait_for_streams()
    status = toot(1)
    server.publish(status, toot(2, tag="else"))
    server.edit(status, "<p>Water is falling</p>")
    server.delete(status)
    server.streaming.say({"stream": ["hashtag"], "event": "delete", "payload": "4711"})
    new, edited, gone, unknown = things(until(stream, 4))
    stream.close()
    assert new.record is not None and edited.record is not None
    assert new.record.uid == edited.record.uid == gone.gone == status["uri"]
    assert new.record.source_id == new.cursor == status["id"]
    assert new.record.account is not None and new.record.account.followers == 512
    assert edited.record.text == "Water is falling"
    assert unknown.gone == f"{SOURCE_ID}4711"


def test_several_hashtags_share_one_connection(server):
    wanted = ask(server, "secret", hashtags=["ElmFlood", "Bridge", "Mill"])
    n_before = len(server.streaming.handshakes)
    stream = SOURCE.stream(wanted, "")
    next(one for one in stream if one.cursor)
    server.streaming.wait_for_streams(3)
    server.publish(toot(1, tag="bridge"), toot(2, tag="else"), toot(3, tag="Mill"))
    told = things(until(stream, 2))
    stream.close()
    assert [one.record.hashtags for one in told] == [("bridge",), ("mill",)]
    assert len(server.streaming.handshakes) == n_before + 1


def test_garbage_between_frames_is_told_and_passed(server):
    stream = SOURCE.stream(ask(server, "secret"), "")
    next(one for one in stream if one.cursor)
    server.streaming.wait_for_streams()
    server.streaming.say("{", "[]", '"x"', '{"event": "update", "payload": "{"}')
    server.streaming.say('{"event": "update", "payload": "{}"}', '{"event": "filters_changed"}')
    server.publish(toot(1))
    told = things(until(stream, 6))
    stream.close()
    assert [bool(one.bad) for one in told] == [True] * 5 + [False]


def test_a_connection_cut_in_the_middle_of_a_frame_is_caught_up_by_the_cursor(server):
    server.streaming.cut_after.append(1)
    stream = SOURCE.stream(ask(server, "secret"), "")
    next(one for one in stream if one.cursor)
    server.streaming.wait_for_streams()
    server.publish(toot(1), toot(2), toot(3))
    (first,) = things(until(stream, 1))
    with pytest.raises(Interrupted):
        until(stream, 1)
    stream = SOURCE.stream(ask(server, "secret"), first.cursor)
    again = until(stream, 3)
    stream.close()
    assert next(one for one in again if one.resumed is not None).resumed is True
    assert {one.record.uid[-1] for one in things(again)} == {"1", "2", "3"}


def test_without_a_token_the_timeline_is_asked_again_and_again(server):
    ids = past(server, 100)
    stream = SOURCE.stream(ask(server), ids[70])
    heard = until(stream, 89)  # and what is filed up to a minute before it
    assert next(one for one in heard if one.resumed is not None).resumed is True
    assert [one.record.source_id for one in things(heard)] == ids[11:]
    assert all(one.cursor >= ids[70] for one in heard if one.cursor)
    server.publish(new := toot(200))
    late = toot(201, at=datetime.now(UTC) - timedelta(seconds=40))
    server.statuses[late["id"]] = late
    told = things(until(stream, 2))
    stream.close()
    assert {one.record.source_id for one in told} == {new["id"], late["id"]}
    assert {one.cursor for one in told} <= {new["id"], ids[-1]}


def test_of_several_timelines_the_cursor_waits_for_the_last(server):
    past(server, 3, tag="Mill")
    first = past(server, 50, 0.1)[0]
    stream = SOURCE.stream(ask(server, hashtags=["ElmFlood", "Mill"], how="poll"), first)
    heard: list[Heard] = []
    while not (heard and heard[-1].cursor):
        heard.append(next(stream))
    stream.close()
    assert len(things(heard)) == 53
    assert not any(one.cursor for one in heard[:-1])
    assert heard[-1].cursor == max(server.statuses)


def test_what_was_published_too_long_ago_is_not_caught_up(server):
    ids = past(server, 5, seconds=3600)
    stream = SOURCE.stream(ask(server, how="poll"), ids[0])
    heard = [next(one for one in stream if one.resumed is not None)]
    server.publish(toot(9))
    heard += until(stream, 1)
    stream.close()
    assert heard[0].resumed is False
    assert [one.record.uid[-1] for one in things(heard)] == ["9"]


def test_refilling_walks_back_and_goes_on_where_it_was_broken_off(server):
    ids = past(server, 120, seconds=10)
    begins = datetime.now(UTC) - timedelta(seconds=1005)
    ends = datetime.now(UTC) - timedelta(seconds=95)
    server.failures.extend([Failure()] * 3 + [Failure(502)])
    first = []
    with pytest.raises(Interrupted):
        for one in SOURCE.refill(ask(server), begins, ends, ""):
            first.append(one)
    cursor = [one.cursor for one in first if one.cursor][-1]
    rest = list(SOURCE.refill(ask(server), begins, ends, cursor))
    told = [one.record.source_id for one in things(first + rest)]
    assert sorted(told) == ids[20:111]
    assert not {one.record.source_id for one in things(first)} & {
        one.record.source_id for one in things(rest)
    }


def test_refilling_where_ids_are_not_mastodons(server):
    for n, status_id in enumerate(past(server, 60, seconds=10)):
        status = server.statuses.pop(status_id)
        server.statuses[str(1000 + n)] = {**status, "id": str(1000 + n)}
    begins = datetime.now(UTC) - timedelta(seconds=105)
    told = things(list(SOURCE.refill(ask(server), begins, datetime.now(UTC), "")))
    assert sorted(one.record.source_id for one in told) == [str(1000 + n) for n in range(50, 60)]


def test_too_many_questions_wait_as_long_as_the_server_says(server):
    reset = datetime.now(UTC) + timedelta(seconds=120)
    headers = {"X-RateLimit-Reset": reset.isoformat().replace("+00:00", "Z")}
    past(server, 1)
    stream = SOURCE.stream(ask(server, how="poll"), "")
    next(one for one in stream if one.cursor)
    server.failures.append(Failure(429, headers))
    with pytest.raises(Interrupted) as stopped:
        until(stream, 1)
    assert stopped.value.wait_s == pytest.approx(120, abs=20)


def test_polling_goes_no_faster_than_the_limit_allows(server):
    past(server, 1)
    reset = datetime.now(UTC) + timedelta(seconds=60)
    server.headers = {
        "X-RateLimit-Limit": "300",
        "X-RateLimit-Remaining": "20",
        "X-RateLimit-Reset": reset.isoformat().replace("+00:00", "Z"),
    }
    made = mastodon_live._server(ask(server))
    made.page("public", False)
    assert made.pace_s() == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_servers_in_trouble_are_tried_again(server, status):
    server.failures.extend([Failure(status)] * 6)
    with pytest.raises(Interrupted):
        until(SOURCE.stream(ask(server, how="poll"), ""), 1)


def test_closed_timelines_and_wrong_tokens_say_what_to_do(server):
    server.closed = True
    with pytest.raises(Refused, match="access token"):
        until(SOURCE.stream(ask(server, how="poll"), ""), 1)
    with pytest.raises(Refused, match="access token"):
        until(SOURCE.stream(ask(server, "wrong", how="stream"), ""), 1)


def test_answers_of_another_kind_interrupt(server):
    for body in (b"<html>", b"", b"[", b"\xff"):
        server.failures.extend([Failure(200, body=body)] * 4)
        with pytest.raises(Interrupted):
            list(SOURCE.refill(ask(server), datetime.now(UTC), datetime.now(UTC), ""))
        server.failures.clear()


def test_posts_are_read_again_in_one_question(server):
    ids = past(server, 5)
    server.hidden.add(ids[1])
    del server.statuses[ids[2]]
    wanted = [Wanted(f"uid{n}", status_id) for n, status_id in enumerate(ids)]
    for server.batches in (True, False):
        server.asked.clear()
        found = {one.uid: one for one in SOURCE.read_again(ask(server), wanted)}
        assert found["uid0"] == Engagement("uid0", "read", 3, 2, 1, None, 512)
        assert [found[f"uid{n}"].state for n in range(5)] == [
            "read", "private", "deleted", "read", "read",
        ]  # fmt: skip
        assert len(server.asked) == (3 if server.batches else 6)


def test_a_server_that_refuses_us_makes_no_post_private_or_deleted(server):
    ids = past(server, 3)
    wanted = [Wanted(status_id, status_id) for status_id in ids]
    for failure in (Failure(401), Failure(403), Failure(404, body=b"<html>parked</html>")):
        server.failures.extend([failure] * 5)
        with pytest.raises(Refused):
            list(SOURCE.read_again(ask(server, "old"), wanted))
        server.failures.clear()


def test_silence_is_told_and_closing_disconnects_at_once(server):
    stream = SOURCE.stream(ask(server, "secret"), "")
    next(one for one in stream if one.cursor)
    server.streaming.wait_for_streams()
    begun = datetime.now(UTC)
    assert [next(stream), next(stream)] == [Heard(), Heard()]
    stream.close()
    assert datetime.now(UTC) - begun < timedelta(seconds=2)


def test_slow_answers_do_not_stop_the_listening(server):
    server.failures.append(Failure(delay_s=1.2))
    stream = SOURCE.stream(ask(server, how="poll"), "")
    heard = [next(stream) for _ in range(3)]
    stream.close()
    assert Heard() in heard


def test_options_are_checked_and_stored_the_same_way():
    stored = SOURCE.check({"server": " https://Pond.Example/ ", "hashtags": "#ElmFlood, Überflut"})
    assert stored == {
        "server": "pond.example",
        "timeline": "hashtag",
        "how": "auto",
        "hashtags": ["ElmFlood", "Überflut"],
    }
    assert SOURCE.check(stored) == stored


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "server"),
        ({"server": "a b"}, "server"),
        ({"server": "user@pond.example", "hashtags": ["x"]}, "server"),
        ({"server": "pond.example"}, "hashtags"),
        ({"server": "pond.example", "hashtags": ["a/b"]}, "hashtags"),
        ({"server": "pond.example", "timeline": "home"}, "timeline"),
    ],
)
def test_options_that_do_not_fit_are_named(options, name):
    with pytest.raises(BadOption) as error:
        SOURCE.check(options)
    assert error.value.option == name


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*toot(1), "event", "payload", "error", "stream"]), inner, max_size=6
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(WILD, st.sampled_from(["update", "status.update", "delete", "error"]), st.booleans())
def test_wild_frames_break_nothing(found, kind, packed):
    event = {"event": kind, "payload": json.dumps(found) if packed else found}
    for frame in (json.dumps(event), json.dumps(found), json.dumps(event)[:-3]):
        try:
            for one in mastodon_live._event(frame, Seen()):
                assert isinstance(one, Heard)
        except mastodon_live._NotStreamed:
            pass


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(WILD)
def test_wild_answers_break_nothing(server, found):
    server.failures.clear()
    server.failures.extend([Failure(200, body=json.dumps(found).encode())] * 6)
    span = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC)
    try:
        assert all(isinstance(one, Heard) for one in SOURCE.refill(ask(server), *span, ""))
        list(SOURCE.read_again(ask(server), [Wanted("a", "1"), Wanted("b", "2")]))
    except (Interrupted, Refused):
        pass


def test_nothing_counts_as_heard_before_the_server_answers(server):
    server.closed = True
    told: list[Heard] = []
    with pytest.raises(Refused):
        for one in SOURCE.stream(ask(server, how="poll", token=""), ""):
            told.append(one)
    assert not any(one.resumed is not None for one in told)
