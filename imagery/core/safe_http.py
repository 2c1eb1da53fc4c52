"""The one way out: every request of the product to an address somebody else wrote.

Names are resolved once per request, every address of the name is checked, and the
connection goes to a checked address (see addresses, transport). Redirects start over with
the same checks. Proxies and netrc of the environment play no part.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from imagery.core.addresses import (
    FetchError,
    Kind,
    Resolver,
    Target,
    check_url,
    forbidden,
    shown,
)
from imagery.core.answers import (
    errors_in_words,
    redirect_location,
    redirected,
    status_error,
    whole_number,
)
from imagery.core.host_turns import HostTurns
from imagery.core.resolving import addresses_of, resolve
from imagery.core.transport import (
    Connection,
    IdleConnections,
    Patience,
    connect,
    set_patience,
)

__all__ = ["FetchError", "Fetcher", "Kind", "Limits", "Response", "check_url", "forbidden"]

CHUNK_BYTES = 64 * 1024
DRAIN_S = 1.0
REDIRECTS = frozenset([301, 302, 303, 307, 308])
ENCODINGS = frozenset(["", "identity", "gzip", "x-gzip", "deflate"])
KEPT_HEADERS = ("etag", "last-modified")


@dataclass(frozen=True)
class Limits:
    """total_s bounds a whole get(): waiting for a turn, every attempt, back-off, redirects.

    max_bytes counts the body after decoding. allow_private: "host:port" places, as written
    in URLs, that the address and port rules do not concern (self-hosted media, tests).
    """

    max_bytes: int = 25 * 1024 * 1024
    dns_s: float = 10.0
    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 60.0
    max_redirects: int = 5
    per_host: int = 4
    min_interval_s: float = 0.0
    attempts: int = 3
    backoff_s: float = 1.0
    allow_private: frozenset[str] = frozenset()


@dataclass
class Response:
    """What came back. url is where the last redirect led; redirects are the stops before it.

    content_type: lower case, without parameters, as the server claims it: not to be trusted.
    headers: etag and last-modified, where given. downgraded: https led to plain http.
    """

    url: str
    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    elapsed_s: float = 0.0
    redirects: tuple[str, ...] = ()
    downgraded: bool = False


class Fetcher:
    """Fetches over http and https within limits; one instance serves many threads.

    clock: monotonic seconds. ca_file: PEM roots for a private authority, else certifi's.
    """

    def __init__(
        self,
        limits: Limits,
        user_agent: str,
        resolver: Resolver = resolve,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
        ca_file: str | None = None,
    ) -> None:
        self.limits = limits
        self.user_agent = user_agent
        self._resolver = resolver
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._ca_file = ca_file
        self._idle = IdleConnections(clock)
        self._turns = HostTurns(limits.per_host, limits.min_interval_s, clock, sleep)

    def get(self, url: str, accept: str = "image/*") -> Response:
        """The body behind the URL; FetchError, with a sentence for people, where there is none.

        Returns or raises within limits.total_s.
        """
        started = self._clock()
        give_up_at = started + self.limits.total_s
        attempt = 1
        while True:
            try:
                response = self._follow(url, accept, give_up_at)
            except FetchError as error:
                pause = self._pause_s(attempt, error)
                out_of_time = self._clock() + pause >= give_up_at
                if not error.retryable or attempt >= self.limits.attempts or out_of_time:
                    raise
                self._sleep(pause)
                attempt += 1
            else:
                response.elapsed_s = self._clock() - started
                return response

    def close(self) -> None:
        """Closes the connections kept open; the fetcher stays usable."""
        self._idle.close()

    def _pause_s(self, attempt: int, error: FetchError) -> float:
        backoff: float = self.limits.backoff_s * 2 ** (attempt - 1) * self._rng.uniform(0.5, 1.5)
        return max(backoff, error.retry_after_s or 0.0)

    def _follow(self, url: str, accept: str, give_up_at: float) -> Response:
        target = check_url(url, self.limits.allow_private)
        stops: list[Target] = []
        while True:
            try:
                answer = self._exchange(target, accept, give_up_at)
            except FetchError as error:
                if not stops:
                    raise
                raise redirected(target.url, error) from error
            if isinstance(answer, Response):
                answer.redirects = tuple(stop.url for stop in stops)
                secure = any(stop.scheme == "https" for stop in stops)
                answer.downgraded = secure and target.scheme == "http"
                return answer
            stops.append(target)
            target = self._next_stop(stops, answer)

    def _next_stop(self, stops: list[Target], location: str) -> Target:
        try:
            target = check_url(urljoin(stops[-1].url, location), self.limits.allow_private)
        except ValueError:
            raise FetchError(
                f"the server redirects to “{shown(location)}”, which is not a web address",
                "redirects",
            ) from None
        except FetchError as error:
            raise redirected(location, error) from error
        if target in stops:
            raise FetchError(f"the redirects go in a circle at {shown(target.url)}", "redirects")
        if len(stops) > self.limits.max_redirects:
            raise FetchError(f"more than {self.limits.max_redirects} redirects", "redirects")
        return target

    def _exchange(self, target: Target, accept: str, give_up_at: float) -> Response | str:
        """One request: the answer, or the Location it redirects to."""
        with self._turns.turn(target.host, give_up_at):
            addresses = self._addresses(target, give_up_at)
            with errors_in_words(target.host):
                connection, answer = self._ask(target, addresses, accept, give_up_at)
                keep = False
                try:
                    result = self._read(target, answer)
                    keep = isinstance(result, Response) or self._drained(connection, answer)
                except FetchError as error:
                    if error.retry_after_s:
                        self._turns.hold(target.host, error.retry_after_s)
                    keep = error.kind == "http_status" and self._drained(connection, answer)
                    raise
                finally:
                    if keep and not connection.is_closed:
                        self._idle.park(target, connection)
                    else:
                        answer.close()
                        connection.close()
                return result

    def _drained(self, connection: Connection, answer: BaseHTTPResponse) -> bool:
        """Reads past a short body nobody wants, so that the connection can serve again."""
        if connection.is_closed:
            return False
        left = CHUNK_BYTES
        try:
            set_patience(connection, self._patience(DRAIN_S, self._clock() + DRAIN_S))
            while left > 0 and (part := answer.read1(left, decode_content=False)):
                left -= len(part)
        except (OSError, HTTPException, HTTPError):
            return False
        return left > 0

    def _addresses(self, target: Target, give_up_at: float) -> list[str]:
        """The target's checked addresses, resolved within the time limits."""
        limit_s = min(self.limits.dns_s, give_up_at - self._clock())
        return addresses_of(target, self._resolver, limit_s, self.limits.allow_private)

    def _ask(
        self, target: Target, addresses: list[str], accept: str, give_up_at: float
    ) -> tuple[Connection, BaseHTTPResponse]:
        kept = self._idle.take(target, addresses)
        if kept is not None:
            try:
                return kept, self._send(kept, target, accept, give_up_at)
            except (ConnectionError, HTTPException):
                # The server closed it while it lay idle: no attempt of ours has failed yet.
                kept.close()
        connection = connect(
            target, addresses, self._ca_file, self._patience(self.limits.connect_s, give_up_at)
        )
        return connection, self._send(connection, target, accept, give_up_at)

    def _send(
        self, connection: Connection, target: Target, accept: str, give_up_at: float
    ) -> BaseHTTPResponse:
        patience = self._patience(self.limits.read_s, give_up_at)
        try:
            set_patience(connection, patience)
            connection.timeout = patience()
            connection.request(
                "GET",
                target.path,
                headers={
                    "User-Agent": self.user_agent,
                    "Accept": accept,
                    "Accept-Encoding": "identity",
                },
                preload_content=False,
            )
            return connection.getresponse()
        except (OSError, HTTPException, HTTPError):
            connection.close()
            raise

    def _patience(self, limit_s: float, give_up_at: float) -> Patience:
        def patience() -> float:
            remaining = give_up_at - self._clock()
            if remaining <= 0:
                raise TimeoutError
            return min(limit_s, remaining)

        return patience

    def _read(self, target: Target, answer: BaseHTTPResponse) -> Response | str:
        if answer.status in REDIRECTS:
            return redirect_location(answer)
        if not 200 <= answer.status < 300 or answer.status == HTTPStatus.PARTIAL_CONTENT:
            raise status_error(answer)
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise FetchError(f"the server packs its answer as “{shown(encoding)}”", "encoding")
        body = self._body(answer)
        if not body:
            raise FetchError("the server sent an empty answer", "empty", status=answer.status)
        content_type = answer.headers.get("content-type", "").partition(";")[0]
        return Response(
            url=target.url,
            status=answer.status,
            content_type=content_type.strip().lower()[:100],
            body=body,
            headers={k: answer.headers[k][:500] for k in KEPT_HEADERS if k in answer.headers},
        )

    def _body(self, answer: BaseHTTPResponse) -> bytes:
        limit = self.limits.max_bytes
        too_large = FetchError(f"larger than {limit / 2**20:.3g} MB: not fetched", "too_large")
        if (whole_number(answer.headers.get("content-length")) or 0) > limit:
            raise too_large
        body = bytearray()
        while part := answer.read1(CHUNK_BYTES, decode_content=True):
            body += part
            if len(body) > limit:
                raise too_large
        return bytes(body)
