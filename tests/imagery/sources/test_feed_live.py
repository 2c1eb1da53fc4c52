"""Feeds from a local server: entries as posts, questions no more than needed, and known losses."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagery.sources import LIVE, feed_live
from imagery.sources.base import AccountRecord, ImageRef, Record
from imagery.sources.feed_entries import Entries, entries
from imagery.sources.live import Ask, BadOption, CannotRefill, Heard, Interrupted, Refused
from tests.live_servers import Failure, FeedServer, entry, feed

SOURCE = LIVE["feed"]


@pytest.fixture
def server(monkeypatch) -> Iterator[FeedServer]:
    monkeypatch.setattr(feed_live, "SOONEST_S", 0.0)
    monkeypatch.setattr(feed_live, "LATEST_S", 0.0)
    with feed() as running:
        yield running


def ask(server: FeedServer, **options: object) -> Ask:
    return Ask(server.options | options, server.network())


def rounds(stream: Iterator[Heard], n: int) -> list[Heard]:
    """What is heard in n rounds of questions."""
    heard: list[Heard] = []
    while sum(bool(one.cursor) for one in heard) < n:
        heard.append(next(stream))
        assert len(heard) < 1000
    return heard


def texts(heard: list[Heard]) -> list[str]:
    return [one.record.text.split("\n")[0] for one in heard if one.record]


def test_the_sample_is_read(samples):
    found = entries(
        io.BytesIO((samples / "feed.rss").read_bytes()), "https://news.example/feed", {}
    )
    first, small, timeless = found.entries
    assert found.ttl_s == 600
    assert first.record == Record(
        platform="feed",
        uid="news.example:article-7",
        posted_at=datetime(2021, 5, 4, 8, 15, tzinfo=UTC),
        account=AccountRecord("https://news.example/", "news.example", "Elm Valley news"),
        text="Water at the old mill\nThe road is closed.",
        lang="en",
        url="https://news.example/2021/mill",
        hashtags=("ElmFlood", "Roads"),
        images=(
            ImageRef("https://img.news.example/mill.jpg"),
            ImageRef("https://img.news.example/bridge.png"),
            ImageRef("https://news.example/img/road.jpg", alt="A closed road"),
        ),
        lat=48.2,
        lon=16.4,
    )
    assert small.record is not None
    assert [image.url for image in small.record.images] == ["https://img.news.example/small.jpg"]
    assert timeless.bad is not None and "published is missing" in timeless.bad.reason


def test_atom_is_read_too():
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Valley</title>
      <link href="https://news.example/"/><entry><id>tag:news.example,2021:7</id><title>Water</title>
      <link href="https://news.example/7"/><updated>2021-05-04T10:15:00+02:00</updated>
      <link rel="enclosure" type="image/jpeg" href="https://img.news.example/7.jpg"/>
      <content type="html">&lt;p&gt;Closed&lt;/p&gt;</content></entry></feed>"""
    (one,) = entries(io.BytesIO(body), "https://news.example/atom", {}).entries
    assert one.record is not None
    assert (one.record.uid, one.record.text) == ("tag:news.example,2021:7", "Water\nClosed")
    assert one.record.posted_at == datetime(2021, 5, 4, 8, 15, tzinfo=UTC)
    assert one.record.images == (ImageRef("https://img.news.example/7.jpg"),)


def test_news_alone_is_told_and_unchanged_feeds_are_not_sent_again(server):
    now = datetime.now(UTC)
    server.publish(entry(1, now - timedelta(minutes=9)), entry(2, now - timedelta(minutes=8)))
    stream = SOURCE.stream(ask(server), "")
    heard = rounds(stream, 2)
    assert heard[0].resumed is False
    assert texts(heard) == ["Water at mill 1", "Water at mill 2"]
    server.publish(entry(3, now))
    heard = rounds(stream, 2)
    stream.close()
    assert texts(heard) == ["Water at mill 3"]
    assert "if-none-match" not in server.asked[0][1]
    assert all("if-none-match" in headers for _, headers in server.asked[1:])


def test_entries_that_left_between_two_questions_are_a_gap(server):
    server.keeps = 2
    now = datetime.now(UTC).replace(microsecond=0)
    server.publish(*[entry(n, now - timedelta(minutes=60 - n)) for n in range(3)])
    stream = SOURCE.stream(ask(server), "")
    rounds(stream, 1)
    server.publish(entry(3, now - timedelta(minutes=9)))
    assert not any(one.missing_since for one in rounds(stream, 1))
    server.publish(*[entry(n, now - timedelta(minutes=9 - n)) for n in range(5, 9)])
    (gap,) = [one for one in rounds(stream, 1) if one.missing_since]
    stream.close()
    assert (gap.missing_since, gap.at) == (now - timedelta(minutes=9), now - timedelta(minutes=2))


def test_after_a_pause_a_gap_is_known_by_the_cursor(server):
    now = datetime.now(UTC)
    server.publish(*[entry(n, now - timedelta(minutes=60 - n)) for n in range(3)])
    for minutes, lost in ((59, False), (90, True)):
        stream = SOURCE.stream(ask(server), (now - timedelta(minutes=minutes)).isoformat())
        heard = rounds(stream, 1)
        stream.close()
        assert heard[0].resumed is True
        assert any(one.missing_since for one in heard) is lost


def test_one_broken_feed_stops_no_other(server):
    server.publish(entry(1))
    urls = ["http://127.0.0.1:9/feed", server.options["feeds"][0]]
    stream = SOURCE.stream(ask(server, feeds=urls), "")
    heard = []
    while not texts(heard):
        heard.append(next(stream))
    stream.close()
    assert any(one.bad and "127.0.0.1:9" in one.bad.reason for one in heard)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(404), Refused),
        (Failure(429, {"Retry-After": "70"}), Interrupted),
        (Failure(503), Interrupted),
        (Failure(200, body=b"<html><body>Hello</body></html>"), Interrupted),
        (Failure(200, body=b"/etc/passwd"), Interrupted),
        (Failure(200, body=b"\x00\xff"), Interrupted),
    ],
)
def test_a_collection_without_any_readable_feed_says_so(server, failure, kind):
    server.failures.append(failure)
    with pytest.raises(kind) as stopped:
        list(SOURCE.stream(ask(server), ""))
    if "Retry-After" in failure.headers:
        assert stopped.value.wait_s == 70


def test_the_past_is_not_told_and_posts_are_not_read_again(server):
    with pytest.raises(CannotRefill):
        list(SOURCE.refill(ask(server), datetime.now(UTC), datetime.now(UTC), ""))
    assert SOURCE.readable_at_once == 0


def test_options_are_checked():
    stored = SOURCE.check(
        {"feeds": " https://a.example/f\nhttps://b.example/g https://a.example/f"}
    )
    assert stored == {"feeds": ["https://a.example/f", "https://b.example/g"]}
    for wrong in ("", "ftp://x.example/", ["https://a.example/", "file:///etc/passwd"]):
        with pytest.raises(BadOption):
            SOURCE.check({"feeds": wrong})


_WORDS = "title link guid pubDate description media:content enclosure category georss:point"
_ITEM = st.tuples(st.sampled_from(_WORDS.split()), st.text(max_size=30)).map(
    lambda told: f"<{told[0]} url='{told[1]}'>{told[1]}</{told[0]}>"
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ITEM, max_size=6).map("".join) | st.text(), st.booleans())
def test_wild_feeds_break_nothing(inner, whole):
    text = f"<rss version='2.0'><channel><item>{inner}</item></channel></rss>" if whole else inner
    body = text.encode("utf-8", "surrogatepass")
    assert isinstance(entries(io.BytesIO(body), "https://news.example/", {}), Entries)


def test_nothing_counts_as_heard_before_a_feed_answers(server):
    server.failures.append(Failure(503))
    for cursor in ("", datetime.now(UTC).isoformat()):
        told = []
        with pytest.raises(Interrupted):
            for one in SOURCE.stream(ask(server), cursor):
                told.append(one)
        server.failures.append(Failure(503))
        assert not any(one.resumed is not None or one.bad for one in told)


def test_an_unchanged_feed_is_asked_at_the_pace_it_told(server):
    feed = feed_live.Feed(server.options["feeds"][0])
    session = ask(server).network.session()
    server.ttl = 2
    for _ in range(2):
        list(feed_live._read(feed, session))
    assert server.asked[1][1]["if-none-match"]
    assert feed.pace_s == 120
