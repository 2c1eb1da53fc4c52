"""Mastodon as it happens: its streaming where the server allows it, else its timelines in turn.

Streaming is a WebSocket that any number of hashtags share (docs.joinmastodon.org/methods/
streaming). The cursor is a status's id on that server; from it `min_id` goes on without a gap.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from imagery.core.addresses import FetchError

from .base import BadRow
from .fields import cut
from .hearing import TICK_S, meanwhile, pause, told
from .live import (
    SOURCE_ID,
    Ask,
    BadOption,
    Engagement,
    Heard,
    Interrupted,
    Option,
    Refused,
    Wanted,
)
from .mastodon_api import PAGE, Server, base_of
from .mastodon_reading import read_again
from .mastodon_timelines import (
    STATUS_ID,
    Seen,
    Timeline,
    backwards,
    heard_of,
    newest,
    oldest_after,
    onwards,
    rewound,
)

POLL_S = 5.0
STREAMS_BY_NOW_S = 1800.0
CATCH_UP = timedelta(minutes=30)  # what is older is a gap, refilled beside the stream
_TAG = re.compile(r"[\w·]{1,100}")


class MastodonLive:
    name = "mastodon"
    label = "Mastodon"
    about = "What one server shows: hashtags, its own people, or all that it knows of."
    wants_token = True
    readable_at_once = 20
    options: tuple[Option, ...] = (
        Option("server", "Server", help="Its host name, such as mastodon.example."),
        Option(
            "timeline",
            "Timeline",
            "choice",
            "hashtag",
            (
                ("hashtag", "Posts with hashtags"),
                ("public", "All public posts it knows of"),
                ("local", "Public posts of its own accounts"),
            ),
        ),
        Option("hashtags", "Hashtags", "list", (), help="Of which one is enough; without #."),
        Option(
            "how",
            "How",
            "choice",
            "auto",
            (
                ("auto", "By streaming where the server allows it"),
                ("stream", "By streaming alone"),
                ("poll", "By asking again and again"),
            ),
            help="Most servers stream only to those who give an access token.",
        ),
    )

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        base = base_of(str(options.get("server") or ""))
        if not base:
            raise BadOption("server", "Server is a host name, such as mastodon.example")
        stored: dict[str, Any] = {"server": base.removeprefix("https://")}
        for option in self.options:
            if option.kind == "choice":
                stored[option.name] = str(options.get(option.name) or option.default)
                if stored[option.name] not in dict(option.choices):
                    raise BadOption(
                        option.name,
                        f"{option.label} is one of {', '.join(dict(option.choices))}",
                    )
        stored["hashtags"] = _hashtags(options.get("hashtags"))
        if stored["timeline"] == "hashtag" and not stored["hashtags"]:
            raise BadOption("hashtags", "Hashtags are missing: name one or more")
        return stored

    def addresses(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield "server", base_of(str(options["server"]))

    def stream(self, ask: Ask, cursor: str) -> Iterator[Heard]:
        server, seen = _server(ask), Seen()
        how = ask.options.get("how", "auto")
        since = cursor if STATUS_ID.fullmatch(cursor) else ""
        while True:
            if how != "poll":
                try:
                    yield from _streamed(ask, server, seen, since)
                except _NotStreamed as problem:
                    if how == "stream":
                        remedy = "Give an access token of an account there, or choose to ask again."
                        raise Refused(f"{problem} {remedy}") from problem
            yield from _polled(ask, server, seen, since)

    def refill(
        self, ask: Ask, begins_at: datetime, ends_at: datetime, cursor: str
    ) -> Iterator[Heard]:
        """Walks each timeline back. cursor: number of the timeline, and the id it came down to."""
        server = _server(ask)
        number, _, reached = cursor.partition(":")
        start = int(number) if number.isdigit() else 0
        for at, timeline in enumerate(_timelines(ask)):
            if at < start:
                continue
            bound = reached if at == start and STATUS_ID.fullmatch(reached) else ""
            yield from backwards(server, timeline, (begins_at, ends_at), bound, at)
            yield Heard(cursor=f"{at + 1}:")

    def read_again(self, ask: Ask, posts: Sequence[Wanted]) -> Iterator[Engagement]:
        server = _server(ask)
        asked = {post.source_id: post.uid for post in posts if STATUS_ID.fullmatch(post.source_id)}
        yield from read_again(server, asked)


# Streaming -----------------------------------------------------------------------------------


class _NotStreamed(Exception):
    """The server does not stream to us; its timelines may still be asked for."""


def _streamed(ask: Ask, server: Server, seen: Seen, since: str) -> Iterator[Heard]:
    from websockets.exceptions import ConnectionClosed

    url = yield from meanwhile(server.streaming)
    headers = {"Authorization": f"Bearer {ask.token}"} if ask.token else {}
    try:
        wire = yield from meanwhile(
            lambda: ask.network.websocket(url, headers), lambda wire: wire.close()
        )
    except FetchError as problem:
        failure = told(problem)
        no_stream = problem.kind in ("protocol", "http_status") and problem.status != 429
        if isinstance(failure, Refused) or no_stream:
            raise _NotStreamed(str(failure)) from problem
        raise failure from problem
    with contextlib.closing(wire):
        try:
            for timeline in _timelines(ask):
                wire.send(orjson.dumps(_subscription(timeline)), text=True)
            yield from _caught_up(ask, server, seen, since)
            while True:
                try:
                    frame = wire.recv(timeout=TICK_S)
                except TimeoutError:
                    yield Heard()
                else:
                    yield from _event(frame, seen)
        except ConnectionClosed as problem:
            raise Interrupted(f"The connection was closed: {problem}."[:300]) from problem


def _subscription(timeline: Timeline) -> dict[str, str]:
    asked = {"type": "subscribe", "stream": timeline.stream}
    return asked | ({"tag": timeline.tag} if timeline.tag else {})


def _event(frame: str | bytes, seen: Seen) -> Iterator[Heard]:
    """What one frame says. Raises _NotStreamed where it refuses a subscription."""
    try:
        event = orjson.loads(frame)
        if not isinstance(event, dict):
            raise ValueError("it is not an object")
        if "error" in event and "event" not in event:
            raise _NotStreamed(f"The server does not stream this: {str(event['error'])[:200]}.")
        payload, kind = event.get("payload"), event.get("event")
        if kind in ("update", "status.update"):
            status = orjson.loads(payload) if isinstance(payload, str) else payload
            yield from heard_of(status, seen, frame)
        elif kind == "delete":
            status_id = str(payload)
            known = seen.statuses.get(status_id)
            if STATUS_ID.fullmatch(status_id):
                yield Heard(gone=known[0] if known else SOURCE_ID + status_id)
    except ValueError as problem:
        reason = f"A frame is not readable: {problem}."
        yield Heard(bad=BadRow(1, reason[:300], cut(frame)))


# Timelines -----------------------------------------------------------------------------------


def _caught_up(ask: Ask, server: Server, seen: Seen, since: str) -> Iterator[Heard]:
    """What was published since the cursor, unless that is too long ago; says which, once."""
    timelines = _timelines(ask)
    if seen.said_resumed:
        yield from onwards(server, timelines, seen, seen.rewound())
        return
    oldest = None
    if since:
        oldest = yield from meanwhile(lambda: oldest_after(server, timelines, since))
    resumed = bool(since) and (oldest is None or datetime.now(UTC) - oldest < CATCH_UP)
    if resumed:
        seen.said_resumed = True
        yield Heard(resumed=True)
        seen.reach(since)
        yield from onwards(server, timelines, seen, rewound(since))
    else:  # what is published now is after the answer: only then is anything heard
        seen.latest = yield from meanwhile(lambda: newest(server, timelines))
        seen.first = seen.latest
        seen.said_resumed = True
        yield Heard(cursor=seen.latest, resumed=False)


def _polled(ask: Ask, server: Server, seen: Seen, since: str) -> Iterator[Heard]:
    """Asks again and again, until it is time to see whether the server streams by now."""
    timelines, n_told = _timelines(ask), 0
    until = time.monotonic() + STREAMS_BY_NOW_S
    yield from _caught_up(ask, server, seen, since)
    while time.monotonic() < until:
        yield from pause(max(POLL_S, server.pace_s() * len(timelines)))
        # Where so much is going on, looking back costs more than it brings.
        after = seen.latest if n_told >= PAGE else seen.rewound()
        n_told = 0
        for heard in onwards(server, timelines, seen, after):
            n_told += heard.record is not None
            yield heard


# What is asked -------------------------------------------------------------------------------


def _server(ask: Ask) -> Server:
    return Server(ask.network, base_of(str(ask.options["server"])), ask.token)


def _timelines(ask: Ask) -> list[Timeline]:
    kind = ask.options.get("timeline", "hashtag")
    if kind == "hashtag":
        tags = _hashtags(ask.options.get("hashtags"))
        return [Timeline(f"tag/{tag}", False, "hashtag", tag) for tag in tags]
    local = kind == "local"
    return [Timeline("public", local, "public:local" if local else "public")]


def _hashtags(given: Any) -> list[str]:
    parts = re.split(r"[\s,;]+", given) if isinstance(given, str) else list(given or ())
    tags = [str(part).strip().lstrip("#＃") for part in parts]
    for tag in filter(None, tags):
        if not _TAG.fullmatch(tag):
            raise BadOption("hashtags", f"“{tag[:60]}” is not a hashtag: letters, digits and _")
    return list(dict.fromkeys(filter(None, tags)))
