"""How live sources reach servers whose names people typed: by checked addresses alone.

Every name is resolved once, each of its addresses is checked (imagery.core.addresses), and the
connection goes to a checked one, with TLS verified against the name. Proxies and netrc of the
environment play no part. What goes wrong is a FetchError, whichever way it went out.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from imagery.core.addresses import FetchError, Resolver, Target, check_url
from imagery.core.answers import errors_in_words
from imagery.core.resolving import addresses_of, resolve
from imagery.core.transport import Connection, Patience, connect, tls_context

if TYPE_CHECKING:
    import requests
    from websockets.sync.client import ClientConnection

DNS_S = 10.0
CONNECT_S = 10.0
CLOSE_S = 0.3
ANSWER_S = 30.0  # of one request, from its first byte to the last of its answer
MAX_ANSWER = 32 * 2**20
MAX_FRAME = 2 * 2**20
_WEB = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Network:
    """allow_private: "host:port" places that the address and port rules do not concern.

    ca_file: PEM roots of a private authority, else certifi's.
    """

    user_agent: str
    allow_private: frozenset[str] = frozenset()
    resolver: Resolver = resolve
    ca_file: str | None = None

    def session(self) -> requests.Session:
        """For requests, each answered whole within ANSWER_S and MAX_ANSWER bytes.

        Redirects are checked as first addresses are. Raises FetchError where nothing answers.
        """
        from .checked_session import session

        return session(self)

    def target(self, url: str) -> Target:
        """The URL taken apart (http, https, ws or wss), if it is one that may be asked.

        Plain http and ws only to places of `allow_private`: tokens travel along.
        """
        scheme, colon, rest = url.partition(":")
        target = check_url(_WEB.get(scheme, scheme) + colon + rest, self.allow_private)
        if target.scheme == "http" and target.place not in self.allow_private:
            secure = "wss" if scheme in _WEB else "https"
            raise FetchError(f"{target.host} must be reached by {secure}", "forbidden_address")
        return target

    def addresses(self, target: Target) -> list[str]:
        """The target's addresses, every one checked."""
        return addresses_of(target, self.resolver, DNS_S, self.allow_private)

    def opened(self, target: Target, addresses: list[str], patience: Patience) -> Connection:
        """A connection to the first of the checked addresses that answers."""
        with errors_in_words(target.host):
            return connect(target, addresses, self.ca_file, patience)

    def connect(self, host: str, port: int, tls: bool, timeout: float) -> socket.socket:
        """A socket to a checked address of the host; with TLS its certificate is verified."""
        authority = f"[{host}]" if ":" in host else host
        url = f"{'https' if tls else 'http'}://{authority}:{port}/"
        target = check_url(url, self.allow_private)
        opened = self.opened(target, self.addresses(target), lambda: timeout)
        return cast(socket.socket, opened.sock)

    def websocket(self, url: str, headers: Mapping[str, str] | None = None) -> ClientConnection:
        """A WebSocket (ws or wss URL), frames of at most MAX_FRAME bytes, kept alive by pings.

        Raises FetchError, with `status` where the server answered with one.
        """
        from websockets.exceptions import InvalidHandshake, InvalidStatus
        from websockets.sync.client import connect as upgraded

        target = self.target(url)
        tls = target.scheme == "https"
        sock = self.connect(target.host, target.port, tls=False, timeout=CONNECT_S)
        sock.settimeout(None)
        try:
            with errors_in_words(target.host):
                return upgraded(
                    f"{'wss' if tls else 'ws'}{target.url[len(target.scheme) :]}",
                    sock=sock,
                    ssl=tls_context(self.ca_file) if tls else None,
                    additional_headers=dict(headers or {}),
                    user_agent_header=self.user_agent,
                    proxy=None,
                    open_timeout=CONNECT_S,
                    close_timeout=CLOSE_S,
                    max_size=MAX_FRAME,
                    legacy=True,
                )
        except InvalidStatus as problem:
            raise _refusal(target, problem.response.status_code) from problem
        except (InvalidHandshake, EOFError, ValueError) as problem:
            reason = f"{target.host} does not speak WebSocket there"
            raise FetchError(reason, "protocol", True) from problem


def _refusal(target: Target, status: int) -> FetchError:
    reason = f"{target.host} answered {status} to the WebSocket"
    return FetchError(reason, "http_status", status == 429 or status >= 500, status)


def patience(limit_s: float, give_up_at: float) -> Patience:
    """Seconds that the next read may take; TimeoutError when none are left (monotonic clock)."""

    def left() -> float:
        remaining = give_up_at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return min(limit_s, remaining)

    return left
