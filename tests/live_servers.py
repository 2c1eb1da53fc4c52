"""Servers on 127.0.0.1 that speak the live sources' real protocols, with faults when asked.

    with jetstream() as server:                       # Bluesky: WebSocket, and its API beside it
        server.publish(*[skeet(i) for i in range(3)]) # sent to whoever listens, kept for cursors
        ask = Ask(server.options, server.network())
        heard = LIVE["bluesky"].stream(ask, "")

    with mastodon() as server:                        # REST and streaming (WebSocket)
        server.publish(toot(1), toot(2))

    with feed() as server:                            # RSS with ETag
        server.publish(entry(1))

What is published stays: Jetstream replays it from a cursor, Mastodon's timelines page through it.
Faults: `server.cut_after` (connection n is cut in the middle of the frame after so many),
`server.refuse` (statuses of the next WebSocket handshakes), `server.say(raw)` (a frame as it is,
garbage included, sent and not kept), `server.drop()` (every connection at once), and of the REST
side `server.failures` (a queue of `Failure`s: the next answers). `server.asked` lists what came.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from imagery.sources.network import Network

POST = "app.bsky.feed.post"
Query = dict[str, list[str]]
Reply = tuple[int, dict[str, str], bytes]
_PART_OF_A_FRAME = b"\x81\x7e\x07\xd0" + b'{"did":"did:plc:cut'


@dataclass
class Failure:
    """An answer in place of the next one. delay_s: silence before it, or before the true one."""

    status: int = 0  # 0: the true answer after all
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"error": "scripted"}'
    delay_s: float = 0.0


class RestServer:
    """JSON over HTTP; subclasses answer. asked: (path with query, headers) in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.failures: deque[Failure] = deque()
        self.headers: dict[str, str] = {}
        rest = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                rest.asked.append((self.path, headers))
                failure = rest.failures.popleft() if rest.failures else Failure()
                time.sleep(failure.delay_s)
                if failure.status:
                    status, told, body = failure.status, failure.headers, failure.body
                else:
                    parts = urlsplit(self.path)
                    status, told, body = rest.answer(parts.path, parse_qs(parts.query), headers)
                self.send_response(status)
                given = {"Content-Type": "application/json", **rest.headers, **told}
                for name, value in given.items():
                    self.send_header(name, value)
                if "Content-Length" not in given:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                pass  # clients under test break off when they have seen enough

        self._http = Server(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"http://{self.place}"

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Reply:
        raise NotImplementedError

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def network(self) -> Network:
        return Network("tests", allow_private=frozenset([self.place]))


class SocketServer:
    """A WebSocket server; subclasses say what a new connection is told (`welcome`, `received`)."""

    def __init__(self) -> None:
        self.handshakes: list[tuple[str, dict[str, str]]] = []
        self.refuse: deque[int] = deque()
        self.cut_after: deque[int | None] = deque()  # of the next connections, in turn
        self._open: list[ServerConnection] = []
        self._lock = threading.Lock()
        self._server = serve(
            self._serve, "127.0.0.1", 0, process_request=self._judge, compression=None
        )
        self.place = f"127.0.0.1:{self._server.socket.getsockname()[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def judge(self, path: str, headers: dict[str, str]) -> int:
        """The status of a handshake; 101 goes on."""
        return 101

    def welcome(self, wire: ServerConnection) -> None:
        """Under the lock: nothing is published meanwhile."""

    def received(self, wire: ServerConnection, frame: str | bytes) -> None:
        pass

    def wants(self, wire: ServerConnection, frame: Any) -> bool:
        return True

    def say(self, *frames: str | bytes | dict[str, Any]) -> None:
        """Sends to everybody who listens."""
        with self._lock:
            for frame in frames:
                for wire in list(self._open):
                    if self.wants(wire, frame):
                        self.send(wire, frame)

    def send(self, wire: ServerConnection, frame: str | bytes | dict[str, Any]) -> None:
        left = wire.left  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionClosed, OSError):
            if left == 0:
                wire.socket.sendall(_PART_OF_A_FRAME)
                wire.socket.shutdown(socket.SHUT_RDWR)
            elif left is None or left > 0:
                wire.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        if left is not None:
            wire.left = left - 1  # type: ignore[attr-defined]

    def drop(self) -> None:
        """Cuts every connection without a word."""
        with self._lock:
            for wire in self._open:
                with contextlib.suppress(OSError):
                    wire.socket.shutdown(socket.SHUT_RDWR)

    @property
    def n_listening(self) -> int:
        return len(self._open)

    def wait_for_listeners(self, n: int = 1, seconds: float = 5.0) -> None:
        until = time.monotonic() + seconds
        while self.n_listening < n:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.n_listening} listen, not {n}")
            time.sleep(0.01)

    def stop(self) -> None:
        self.drop()
        self._server.shutdown()

    def _judge(self, wire: ServerConnection, request: Any) -> Any:
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        self.handshakes.append((request.path, headers))
        status = self.refuse.popleft() if self.refuse else self.judge(request.path, headers)
        if status != 101:
            return wire.respond(HTTPStatus(status), '{"error": "scripted"}')
        return None

    def _serve(self, wire: ServerConnection) -> None:
        with self._lock:
            wire.left = self.cut_after.popleft() if self.cut_after else None  # type: ignore[attr-defined]
            wire.streams = set()  # type: ignore[attr-defined]
            self.welcome(wire)
            self._open.append(wire)
        try:
            for frame in wire:
                with self._lock:
                    self.received(wire, frame)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._open.remove(wire)


# Bluesky -------------------------------------------------------------------------------------


class BlueskyApi(RestServer):
    """posts: by uri, as app.bsky.feed.getPosts tells them. followers: by DID."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.followers: dict[str, int] = {}

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Reply:
        told: dict[str, Any]
        if path.endswith("app.bsky.feed.getPosts"):
            asked = query.get("uris", [])
            told = {"posts": [self.posts[uri] for uri in asked if uri in self.posts]}
        elif path.endswith("app.bsky.actor.getProfiles"):
            asked = query.get("actors", [])
            known = [did for did in asked if did in self.followers]
            told = {
                "profiles": [{"did": did, "followersCount": self.followers[did]} for did in known]
            }
        else:
            return 404, {}, b"{}"
        if len(asked) > 25:
            return 400, {}, b'{"error": "InvalidRequest", "message": "too many"}'
        return 200, {}, json.dumps(told).encode()

    def tell(self, event: dict[str, Any], **counts: int) -> None:
        """Makes a published post known to getPosts, with its likeCount and so on."""
        uri = f"at://{event['did']}/{POST}/{event['commit']['rkey']}"
        self.posts[uri] = {"uri": uri, "author": {"did": event["did"]}, **counts}


class Jetstream(SocketServer):
    """log: what was published, in time's order. oldest_us: the memory's beginning.

    obeys: False leaves the cursor out of account.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log: list[dict[str, Any]] = []
        self.oldest_us = 0
        self.api = BlueskyApi()

    @property
    def options(self) -> dict[str, str]:
        return {"server": f"ws://{self.place}/subscribe", "api": self.api.url}

    def network(self) -> Network:
        return Network("tests", allow_private=frozenset([self.place, self.api.place]))

    def publish(self, *events: dict[str, Any]) -> None:
        with self._lock:
            self.log += events
        self.say(*events)

    def judge(self, path: str, headers: dict[str, str]) -> int:
        return 101 if urlsplit(path).path == "/subscribe" else 404

    def welcome(self, wire: ServerConnection) -> None:
        asked = parse_qs(urlsplit(wire.request.path).query)  # type: ignore[union-attr]
        wire.asked = asked  # type: ignore[attr-defined]
        if "cursor" not in asked:
            return
        since = max(int(asked["cursor"][0]), self.oldest_us)
        for event in self.log:
            if event["time_us"] >= since and self.wants(wire, event):
                self.send(wire, event)

    def wants(self, wire: ServerConnection, frame: Any) -> bool:
        if not isinstance(frame, dict) or frame.get("kind") != "commit":
            return True
        asked = wire.asked  # type: ignore[attr-defined]
        kinds, dids = asked.get("wantedCollections"), asked.get("wantedDids")
        return (not kinds or frame["commit"]["collection"] in kinds) and (
            not dids or frame["did"] in dids
        )


def us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def skeet(
    n: int,
    text: str = "",
    at: datetime | None = None,
    operation: str = "create",
    collection: str = POST,
    did: str = "did:plc:elmbridge234567abcdefghi",
) -> dict[str, Any]:
    """A commit event; equal `n` is the same post. at: the network's time of it, now by default."""
    seen = at or datetime.now(UTC)
    commit: dict[str, Any] = {
        "rev": f"3r{n:06}",
        "operation": operation,
        "collection": collection,
        "rkey": f"3l{n:06}",
    }
    if operation != "delete":
        picture = {"$type": "blob", "ref": {"$link": f"bafkrei{n:06}"}, "mimeType": "image/jpeg"}
        commit["cid"] = f"bafyrei{n:06}"
        commit["record"] = {
            "$type": collection,
            "text": text or f"Water at mill {n} #ElmFlood",
            "createdAt": seen.isoformat().replace("+00:00", "Z"),
            "langs": ["en"],
            "embed": {
                "$type": "app.bsky.embed.images",
                "images": [{"alt": "", "image": {**picture, "size": 1000}}],
            },
        }
    return {"did": did, "time_us": us(seen), "kind": "commit", "commit": commit}


@contextlib.contextmanager
def jetstream() -> Iterator[Jetstream]:
    server = Jetstream()
    server.api.start()
    try:
        yield server
    finally:
        server.stop()
        server.api.stop()


# Mastodon ------------------------------------------------------------------------------------


class MastodonServer(RestServer):
    """statuses: by id. streaming: the WebSocket beside it. hidden: statuses that answer 403.

    batches: whether GET /api/v1/statuses is known (4.3 and later). token: wanted by streaming,
    as from 4.2 on, unless None; and by the timelines where closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.statuses: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.token: str | None = "secret"
        self.batches, self.closed = True, False
        self.streaming = Streaming(self)

    @property
    def options(self) -> dict[str, Any]:
        return {"server": self.url, "timeline": "hashtag", "hashtags": ["ElmFlood"], "how": "auto"}

    def network(self) -> Network:
        return Network("tests", allow_private=frozenset([self.place, self.streaming.place]))

    def publish(self, *statuses: dict[str, Any]) -> None:
        self._send("update", *statuses)

    def edit(self, status: dict[str, Any], content: str) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._send("status.update", {**status, "content": content, "edited_at": now})

    def delete(self, status: dict[str, Any]) -> None:
        del self.statuses[status["id"]]
        self.streaming.say({"stream": ["public"], "event": "delete", "payload": status["id"]})

    def _send(self, event: str, *statuses: dict[str, Any]) -> None:
        for status in statuses:
            self.statuses[status["id"]] = status
            told = {"stream": ["public"], "event": event, "payload": json.dumps(status)}
            self.streaming.say(told)

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Reply:
        if path.rstrip("/") == "/api/v2/instance":  # clients write it either way
            urls = {"streaming": f"ws://{self.streaming.place}"}
            return _json({"version": "4.4.0", "configuration": {"urls": urls}})
        if self.closed and headers.get("authorization") != f"Bearer {self.token}":
            return _json({"error": "This method requires an authenticated user"}, 422)
        if path.startswith("/api/v1/timelines/"):
            return _json(self._page(path.removeprefix("/api/v1/timelines/"), query))
        if path == "/api/v1/statuses" and self.batches:
            ids = query.get("id[]", [])
            return _json([self.statuses[i] for i in ids if i in self._visible])
        status_id = path.removeprefix("/api/v1/statuses/")
        if status_id in self.hidden:
            return _json({"error": "This action is not allowed"}, 403)
        if status_id in self.statuses:
            return _json(self.statuses[status_id])
        return _json({"error": "Record not found"}, 404)

    @property
    def _visible(self) -> set[str]:
        return set(self.statuses) - self.hidden

    def _page(self, timeline: str, query: Query) -> list[dict[str, Any]]:
        limit = min(40, int(query.get("limit", ["20"])[0]))
        tag = timeline.removeprefix("tag/").lower() if timeline.startswith("tag/") else ""
        ids = sorted(
            i
            for i in self._visible
            if not tag or tag in {found["name"].lower() for found in self.statuses[i]["tags"]}
        )
        ids = [i for i in ids if i < query.get("max_id", ["z"])[0]]
        if "min_id" in query:
            ids = [i for i in ids if int(i) > int(query["min_id"][0])][:limit]
        return [self.statuses[i] for i in reversed(ids[-limit:])]


def _json(document: Any, status: int = 200) -> Reply:
    return status, {}, json.dumps(document).encode()


class Streaming(SocketServer):
    def __init__(self, server: MastodonServer) -> None:
        self._of = server
        super().__init__()

    def judge(self, path: str, headers: dict[str, str]) -> int:
        if urlsplit(path).path != "/api/v1/streaming":
            return 404
        wanted = self._of.token
        return 101 if wanted is None or headers.get("authorization") == f"Bearer {wanted}" else 401

    def received(self, wire: ServerConnection, frame: str | bytes) -> None:
        asked = json.loads(frame)
        wire.streams.add((asked["stream"], asked.get("tag", "").lower()))  # type: ignore[attr-defined]

    def wait_for_streams(self, n: int = 1, seconds: float = 5.0) -> None:
        """Until somebody listens to so many streams."""
        until = time.monotonic() + seconds
        while sum(len(wire.streams) for wire in list(self._open)) < n:  # type: ignore[attr-defined]
            if time.monotonic() > until:
                raise TimeoutError("nobody listens")
            time.sleep(0.01)

    def wants(self, wire: ServerConnection, frame: Any) -> bool:
        if not isinstance(frame, dict) or frame.get("event") not in ("update", "status.update"):
            return True
        tags = {tag["name"].lower() for tag in json.loads(frame["payload"])["tags"]}
        streams = wire.streams  # type: ignore[attr-defined]
        return any(not tag or tag in tags for _, tag in streams)


def toot(
    n: int, content: str = "", at: datetime | None = None, tag: str = "ElmFlood"
) -> dict[str, Any]:
    """A status; its id is Mastodon's own form: milliseconds of its time, then `n`."""
    written = at or datetime.now(UTC)
    status_id = str((int(written.timestamp() * 1000) << 16) + n % 2**16)
    return {
        "id": status_id,
        "created_at": written.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "edited_at": None,
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"https://pond.example/users/river/statuses/{n}",
        "url": f"https://pond.example/@river/{n}",
        "replies_count": 1,
        "reblogs_count": 2,
        "favourites_count": 3,
        "content": content or f"<p>Water at mill {n} #{tag}</p>",
        "reblog": None,
        "account": {
            "id": "55",
            "username": "river",
            "acct": "river@pond.example",
            "display_name": "River Watch",
            "created_at": "2020-01-01T00:00:00.000Z",
            "url": "https://pond.example/@river",
            "uri": "https://pond.example/users/river",
            "followers_count": 512,
            "following_count": 40,
            "statuses_count": 900,
        },
        "media_attachments": [
            {
                "id": str(n),
                "type": "image",
                "url": f"https://files.pond.example/{n}.png",
                "preview_url": f"https://files.pond.example/{n}s.png",
                "remote_url": None,
                "description": "A mill",
            }
        ],
        "mentions": [],
        "tags": [{"name": tag.lower(), "url": f"https://pond.example/tags/{tag.lower()}"}],
        "emojis": [],
        "card": None,
        "poll": None,
    }


@contextlib.contextmanager
def mastodon() -> Iterator[MastodonServer]:
    server = MastodonServer()
    server.start()
    try:
        yield server
    finally:
        server.streaming.stop()
        server.stop()


# Feeds ---------------------------------------------------------------------------------------


class FeedServer(RestServer):
    """items: RSS items, the newest first; `keeps` of them are told. body: told instead."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[str] = []
        self.keeps, self.ttl = 10, 1
        self.body: bytes | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"feeds": [f"{self.url}/feed.rss"]}

    def publish(self, *items: str) -> None:
        self.items = [*reversed(items), *self.items]

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Reply:
        body = self.body if self.body is not None else self._document().encode()
        tag = f'"{zlib.crc32(body)}"'
        if headers.get("if-none-match") == tag:
            return 304, {"ETag": tag}, b""
        return 200, {"Content-Type": "application/rss+xml", "ETag": tag}, body

    def _document(self) -> str:
        return (
            '<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/">'
            "<channel><title>River news</title><link>https://news.example/</link>"
            f"<ttl>{self.ttl}</ttl>{''.join(self.items[: self.keeps])}</channel></rss>"
        )


def entry(n: int, at: datetime | None = None, text: str = "") -> str:
    """An RSS item with a picture; equal `n` is the same entry."""
    return (
        f"<item><title>Water at mill {n}</title><link>https://news.example/{n}</link>"
        f'<guid isPermaLink="true">https://news.example/{n}</guid>'
        f"<pubDate>{format_datetime(at or datetime.now(UTC))}</pubDate>"
        f"<description>{text or 'The road is closed.'}</description>"
        f'<media:content url="https://img.news.example/{n}.jpg" medium="image"/></item>'
    )


@contextlib.contextmanager
def feed() -> Iterator[FeedServer]:
    server = FeedServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
