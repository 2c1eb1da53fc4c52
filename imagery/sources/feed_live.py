"""RSS and Atom feeds with pictures, asked again as often as they say.

Feeds tell their latest entries alone: what left a feed between two questions is lost, and known
to be where none of the entries was there before. RSS 2.0; RFC 4287; Media RSS 1.5.
"""

from __future__ import annotations

import io
import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from imagery.core.addresses import FetchError

from .asking import refusal
from .base import BadRow
from .feed_entries import Entry, entries
from .fields import parse_moment
from .hearing import meanwhile, pause, told
from .live import (
    Ask,
    BadOption,
    CannotRefill,
    Engagement,
    Heard,
    Interrupted,
    Option,
    Refused,
    Wanted,
)

USUAL_S, SOONEST_S, LATEST_S = 300.0, 60.0, 3600.0
REMEMBERED = 5000  # entries of one feed
MAX_FEEDS = 200
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(slots=True)
class Feed:
    """One feed as far as it is known. due: monotonic seconds. newest: of the entries so far.

    pace_s: how long it asks to be left alone, as it said last; a 304 says nothing of it.
    answered: whether it ever did.
    """

    url: str
    due: float = 0.0
    conditions: dict[str, str] = field(default_factory=dict)
    known: OrderedDict[str, datetime | None] = field(default_factory=OrderedDict)
    newest: datetime | None = None
    pace_s: float = USUAL_S
    answered: bool = False
    problem: Interrupted | Refused | None = None

    def is_news(self, entry: Entry) -> bool:
        news = self.known.pop(entry.uid, _NEVER) != entry.changed_at
        self.known[entry.uid] = entry.changed_at
        if len(self.known) > REMEMBERED:
            self.known.popitem(last=False)
        return news


_NEVER = datetime.min.replace(tzinfo=UTC)


class FeedLive:
    name = "feed"
    label = "RSS and Atom feeds"
    about = "Entries of news sites, blogs and channels, asked for every few minutes."
    wants_token = False
    readable_at_once = 0
    options: tuple[Option, ...] = (
        Option("feeds", "Feeds", "list", (), help="Addresses of RSS or Atom feeds, one a line."),
    )

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        urls = _urls(options.get("feeds"))
        if not urls:
            raise BadOption("feeds", "Feeds are missing: name the address of one or more")
        if len(urls) > MAX_FEEDS:
            raise BadOption("feeds", f"Feeds: at most {MAX_FEEDS}, not {len(urls):,}")
        for url in urls:
            if urlsplit(url).scheme not in ("http", "https"):
                raise BadOption("feeds", f"“{url[:90]}” is not a web address")
        return {"feeds": urls}

    def addresses(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for url in options["feeds"]:
            yield "feeds", url

    def stream(self, ask: Ask, cursor: str) -> Iterator[Heard]:
        """cursor: the time until which all feeds were read."""
        since = parse_moment(cursor) if cursor else None
        feeds = [Feed(url, newest=since) for url in _urls(ask.options.get("feeds"))]
        session = ask.network.session()
        waiting: list[Heard] | None = []  # until any of them answers, nothing is heard
        while True:
            begun = datetime.now(UTC)
            for feed in sorted(feeds, key=lambda feed: feed.due):
                if feed.due > time.monotonic():
                    continue
                for heard in _read(feed, session):
                    if waiting is None:
                        yield heard
                    elif feed.answered:
                        yield Heard(resumed=since is not None)
                        yield from [*waiting, heard]
                        waiting = None
                    elif heard.bad is None:
                        yield heard
                    else:
                        waiting.append(heard)
            problems = [feed.problem for feed in feeds if feed.problem is not None]
            if len(problems) == len(feeds):
                raise min(problems, key=lambda problem: isinstance(problem, Refused))
            yield Heard(cursor="" if problems else begun.isoformat())
            yield from pause(max(0.5, min(feed.due for feed in feeds) - time.monotonic()))

    def refill(
        self, ask: Ask, begins_at: datetime, ends_at: datetime, cursor: str
    ) -> Iterator[Heard]:
        raise CannotRefill("Feeds tell their latest entries alone.")
        yield Heard()

    def read_again(self, ask: Ask, posts: Sequence[Wanted]) -> Iterator[Engagement]:
        yield from ()


def _read(feed: Feed, session: Any) -> Iterator[Heard]:
    """Asks one feed; a problem of one is told, and stops no other."""
    feed.problem, wait_s = None, None
    try:
        answer = yield from meanwhile(
            lambda: session.get(feed.url, headers={"Accept": _ACCEPT, **feed.conditions})
        )
        if answer.status_code != 304:
            if not answer.ok:
                raise refusal(answer.status_code, answer.headers)
            yield from _told(feed, answer)
        feed.answered = True
        yield Heard()
    except FetchError as problem:
        feed.problem = told(problem)
    except (Interrupted, Refused) as problem:
        feed.problem = problem
        wait_s = getattr(problem, "wait_s", None)
    if feed.problem is not None:
        yield Heard(bad=BadRow(1, f"{feed.url[:200]}: {feed.problem}"))
    feed.due = time.monotonic() + min(max(wait_s or feed.pace_s, SOONEST_S), LATEST_S)


def _told(feed: Feed, answer: Any) -> Iterator[Heard]:
    """The feed's news, the oldest first."""
    found = yield from meanwhile(
        lambda: entries(io.BytesIO(answer.content), answer.url, answer.headers)
    )
    if found.reason:
        raise Interrupted(found.reason)
    feed.answered, feed.pace_s = True, found.ttl_s or USUAL_S
    feed.conditions = {
        asks: answer.headers[tells][:500]
        for asks, tells in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
        if tells in answer.headers
    }
    times = [entry.record.posted_at for entry in found.entries if entry.record is not None]
    strangers = not any(entry.uid in feed.known for entry in found.entries)
    if strangers and feed.newest is not None and times and min(times) > feed.newest:
        yield Heard(at=min(times), missing_since=feed.newest)
    for entry in sorted(found.entries, key=_when):
        if feed.is_news(entry):
            yield Heard(at=entry.changed_at, record=entry.record, bad=entry.bad)
    feed.newest = max([*times, *filter(None, [feed.newest])], default=None)


def _when(entry: Entry) -> datetime:
    return entry.record.posted_at if entry.record is not None else _NEVER


def _urls(given: Any) -> list[str]:
    parts = re.split(r"\s+", given) if isinstance(given, str) else list(given or ())
    return list(dict.fromkeys(filter(None, (str(part).strip() for part in parts))))
