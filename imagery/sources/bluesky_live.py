"""Bluesky as it happens: Jetstream over WebSocket, and the public API for posts again.

Jetstream: one JSON event a frame, in the order of `time_us`, which is also its cursor; it goes
back a day or more. github.com/bluesky-social/jetstream, "Consuming Jetstream".
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from imagery.core.addresses import FetchError

from .asking import Asking
from .base import BadRow
from .bluesky import POST, Bluesky
from .fields import branch, count, cut, twigs
from .hearing import TICK_S, mapped, meanwhile, told
from .live import (
    Ask,
    BadOption,
    CannotRefill,
    Engagement,
    Heard,
    Interrupted,
    Option,
    Wanted,
)
from .network import MAX_FRAME

REWOUND_US = 5_000_000
SILENCE_S = 60.0  # the whole of Bluesky is never silent for so long
FEW_S = 20.0  # a handful of accounts is up to date once silent for so long
AHEAD = timedelta(minutes=1)
LATE = timedelta(seconds=20)  # the whole of Bluesky, asked from a time that is known, begins sooner
MAX_DIDS = 100  # more would not fit into an address
DICTIONARY = "IMAGERY_JETSTREAM_DICTIONARY"
_POST_URI = re.compile(r"at://did:[A-Za-z0-9._:%-]{1,300}/app\.bsky\.feed\.post/[\w.~:-]{1,200}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMAT = Bluesky()


class BlueskyLive:
    name = "bluesky"
    label = "Bluesky (Jetstream)"
    about = "Everything posted on Bluesky within seconds; a day of it can be caught up with."
    wants_token = False
    readable_at_once = 25
    options: tuple[Option, ...] = (
        Option(
            "server",
            "Jetstream",
            default="wss://jetstream2.us-east.bsky.network/subscribe",
            help="The address of a Jetstream server; Bluesky runs jetstream1 and jetstream2, "
            "each at us-east and us-west.",
        ),
        Option(
            "api",
            "API",
            default="https://public.api.bsky.app",
            help="Where posts are read again.",
        ),
    )

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        server = _address(options, self.options[0], ("wss://", "ws://"))
        return {
            "server": server,
            "api": _address(options, self.options[1], ("https://", "http://")),
        }

    def addresses(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name in ("server", "api"):
            yield name, str(options[name])

    def stream(self, ask: Ask, cursor: str) -> Iterator[Heard]:
        since_us = max(0, int(cursor) - REWOUND_US) if _is_time(cursor) else None
        resumed = False if since_us is None else True if _dids(ask) else None
        for heard in _listen(ask, since_us, Heard(resumed=resumed)):
            if resumed is None and since_us is not None and heard.at is not None:
                resumed = heard.at - _at(since_us) <= LATE
                heard = replace(heard, resumed=resumed)
            yield heard

    def refill(
        self, ask: Ask, begins_at: datetime, ends_at: datetime, cursor: str
    ) -> Iterator[Heard]:
        """cursor: time_us; after a comma, the time from which on the server told anything."""
        reached, _, told_from = cursor.partition(",")
        resumed, chosen = _is_time(reached), bool(_dids(ask))
        since_us = int(reached) if resumed else _us(begins_at) - REWOUND_US
        from_us = int(told_from) if _is_time(told_from) else None
        heard_at = time.monotonic()
        for heard in _listen(ask, since_us):
            if heard.at is not None:
                if not resumed and not chosen and heard.at - begins_at > LATE:
                    from_us = _us(min(heard.at, ends_at))
                resumed, heard_at = True, time.monotonic()
                if heard.at >= ends_at:
                    break
            elif chosen and time.monotonic() - heard_at > FEW_S:
                break
            if heard.cursor and from_us is not None:
                heard = replace(heard, cursor=f"{heard.cursor},{from_us}")
            yield heard
        if from_us is not None:
            memory = _at(from_us)
            if memory >= ends_at:
                raise CannotRefill("All of it is lost: the server's memory begins later.")
            raise CannotRefill(
                f"Lost up to {memory:%Y-%m-%d %H:%M:%S} UTC: the server's memory begins there."
            )

    def read_again(self, ask: Ask, posts: Sequence[Wanted]) -> Iterator[Engagement]:
        asked = {post.uid: post for post in posts if _POST_URI.fullmatch(post.uid)}
        if not asked:
            return
        api = Asking(ask.network, str(ask.options["api"]))
        answer = api.json("/xrpc/app.bsky.feed.getPosts", [("uris", uid) for uid in asked])
        if not isinstance(branch(answer).get("posts"), list):
            raise Interrupted("The answer is not what Bluesky's API gives.")
        found = {post.get("uri"): post for post in twigs(answer, "posts")}
        followers = _followers(api, [post.account for uid, post in asked.items() if uid in found])
        for uid, post in asked.items():
            if uid not in found:
                yield Engagement(uid, "deleted")
                continue
            yield Engagement(
                uid,
                likes=count(found[uid].get("likeCount")),
                reposts=count(found[uid].get("repostCount")),
                comments=count(found[uid].get("replyCount")),
                followers=followers.get(post.account),
            )


def _followers(api: Asking, accounts: Sequence[str]) -> dict[str, int | None]:
    dids = dict.fromkeys(did for did in accounts if did.startswith("did:"))
    if not dids:
        return {}
    answer = api.json("/xrpc/app.bsky.actor.getProfiles", [("actors", did) for did in dids])
    return {
        str(profile.get("did")): count(profile.get("followersCount"))
        for profile in twigs(answer, "profiles")
    }


# The wire ------------------------------------------------------------------------------------


def _listen(ask: Ask, since_us: int | None, connected: Heard | None = None) -> Iterator[Heard]:
    """connected: said once the connection is there."""
    from websockets.exceptions import ConnectionClosed

    unpack = _unpacker()
    asked: list[tuple[str, str | int]] = [("wantedCollections", POST)]
    asked += [("wantedDids", did) for did in _dids(ask)]
    asked.append(("maxMessageSizeBytes", MAX_FRAME // 2))
    if since_us is not None:
        asked.append(("cursor", since_us))
    if unpack is not None:
        asked.append(("compress", "true"))
    url = str(ask.options["server"])
    url += ("&" if "?" in url else "?") + urlencode(asked)
    try:
        wire = yield from meanwhile(lambda: ask.network.websocket(url), lambda wire: wire.close())
    except FetchError as problem:
        raise told(problem) from problem
    latest_us, heard_at = since_us or 0, time.monotonic()
    with contextlib.closing(wire):
        yield connected or Heard()
        while True:
            try:
                frame = wire.recv(timeout=TICK_S)
            except TimeoutError:
                if time.monotonic() - heard_at > SILENCE_S and not _dids(ask):
                    raise Interrupted(f"Nothing was heard for {SILENCE_S:.0f} s.") from None
                yield Heard()
                continue
            except ConnectionClosed as problem:
                raise Interrupted(f"The connection was closed: {problem}."[:300]) from problem
            heard_at = time.monotonic()
            heard = _heard(frame, latest_us, unpack)
            if heard.cursor:
                latest_us = int(heard.cursor)
            yield heard


Unpack = Callable[[bytes], bytes]


def _heard(frame: str | bytes, latest_us: int, unpack: Unpack | None = None) -> Heard:
    """What one frame says. latest_us: the greatest time before it; the cursor never goes back."""
    try:
        plain = unpack(frame) if unpack is not None and isinstance(frame, bytes) else frame
        event = orjson.loads(plain)
    except ValueError as problem:
        reason = f"A frame is not readable: {problem}."
        return Heard(bad=BadRow(1, reason[:300], cut(frame)))
    raw = plain if isinstance(plain, str) else plain[:8000]
    if not isinstance(event, dict):
        return Heard(bad=BadRow(1, "A frame is not an object.", cut(raw)))
    time_us = event.get("time_us")
    at = _seen_at(time_us)
    cursor = str(max(latest_us, _us(at))) if at is not None else ""
    commit = branch(event, "commit")
    if event.get("kind") != "commit" or commit.get("collection") != POST:
        return Heard(cursor, at)
    if commit.get("operation") == "delete":
        gone = f"at://{event.get('did')}/{POST}/{commit.get('rkey')}"
        return Heard(cursor, at, gone=gone if _POST_URI.fullmatch(gone) else "")
    found = mapped(_FORMAT, event, raw)
    if isinstance(found, BadRow):
        return Heard(cursor, at, bad=found)
    return Heard(cursor, at, record=found)


def _seen_at(time_us: object) -> datetime | None:
    """The network's time; None where it is none, or one that our cursor must not run ahead to."""
    if type(time_us) is not int or not 10**15 < time_us < 10**17:
        return None
    at = _at(time_us)
    return at if at <= datetime.now(UTC) + AHEAD else None


def _unpacker() -> Unpack | None:
    """Zstandard with Jetstream's dictionary, where the environment names its file."""
    path = os.environ.get(DICTIONARY)
    if not path:
        return None
    import zstandard

    reader = zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(Path(path).read_bytes())
    )

    def unpack(frame: bytes) -> bytes:
        try:
            if zstandard.frame_content_size(frame) > MAX_FRAME:
                raise ValueError("it unpacks to too much")
            return reader.decompress(frame, max_output_size=MAX_FRAME)
        except zstandard.ZstdError as problem:
            raise ValueError(str(problem)) from problem

    return unpack


# What is asked -------------------------------------------------------------------------------


def _dids(ask: Ask) -> list[str]:
    """The accounts that the server may choose by: where the rules are accounts alone, by DID."""
    book = ask.book
    if book.keywords or book.phrases or book.hashtags or book.boxes:
        return []
    known = sorted(name for name in book.accounts if name.startswith("did:"))
    return known if len(known) == len(book.accounts) <= MAX_DIDS else []


def _address(options: Mapping[str, Any], option: Option, begins: tuple[str, ...]) -> str:
    given = str(options.get(option.name) or option.default).strip()
    if not given.startswith(begins) or len(given) > 300 or any(c.isspace() for c in given):
        raise BadOption(option.name, f"{option.label} is an address that begins with {begins[0]}")
    return given.rstrip("/")


def _is_time(cursor: str) -> bool:
    return cursor.isascii() and cursor.isdigit() and len(cursor) < 18


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _at(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)
