"""requests over checked addresses. A module of its own: the web pages need not load requests."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse, HTTPResponse

from imagery.core.addresses import FetchError, Target
from imagery.core.answers import errors_in_words
from imagery.core.transport import Connection, IdleConnections, Patience, set_patience

from . import network as limits

if TYPE_CHECKING:
    from .network import Network

_CHUNK = 64 * 1024


def session(network: Network) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = 5
    made.headers["User-Agent"] = network.user_agent
    made.adapters.clear()
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Checked(network))
    return made


class _Checked(BaseAdapter):
    """Sends each request to a checked address and reads its answer whole."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self._idle = IdleConnections(time.monotonic)
        self._build = HTTPAdapter().build_response

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """As `BaseAdapter.send`; the limits are the network's. Raises FetchError."""
        target = self._network.target(request.url or "")
        wait = limits.patience(limits.ANSWER_S, time.monotonic() + limits.ANSWER_S)
        addresses = self._network.addresses(target)
        with errors_in_words(target.host):
            kept = self._idle.take(target, addresses) if request.method == "GET" else None
            if kept is not None:
                try:
                    return self._exchanged(kept, target, request, wait)
                except (ConnectionError, HTTPException, HTTPError):
                    pass  # the server closed it while it lay idle
            connection = self._network.opened(target, addresses, wait)
            return self._exchanged(connection, target, request, wait)

    def close(self) -> None:
        self._idle.close()

    def _exchanged(
        self,
        connection: Connection,
        target: Target,
        request: requests.PreparedRequest,
        wait: Patience,
    ) -> requests.Response:
        """One request and its answer; the connection is kept where it can serve again."""
        headers = {str(name): _text(value) for name, value in request.headers.items()}
        whole = None
        try:
            set_patience(connection, wait)
            connection.timeout = wait()
            connection.request(
                request.method or "GET",
                target.path,
                body=cast(bytes | str | None, request.body),
                headers=headers | {"Accept-Encoding": "gzip"},
                preload_content=False,
            )
            answer = connection.getresponse()
            whole = _whole(answer, _body(answer))
        finally:
            if whole is not None and not connection.is_closed:
                self._idle.park(target, connection)
            else:
                connection.close()
        return self._build(request, whole)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _body(answer: BaseHTTPResponse) -> bytes:
    body = bytearray()
    while part := answer.read1(_CHUNK, decode_content=True):
        body += part
        if len(body) > limits.MAX_ANSWER:
            raise FetchError(f"the answer is larger than {limits.MAX_ANSWER:,} bytes", "too_large")
    return bytes(body)


def _whole(answer: BaseHTTPResponse, body: bytes) -> HTTPResponse:
    """The answer with its body at hand, no longer packed."""
    headers = answer.headers.copy()
    for name in ("content-encoding", "transfer-encoding", "content-length"):
        headers.discard(name)
    return HTTPResponse(
        body=io.BytesIO(body),
        headers=headers,
        status=answer.status,
        reason=answer.reason,
        preload_content=False,
    )
