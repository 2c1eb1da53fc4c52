"""Questions to JSON APIs: paced by what the server says of its limits, failures in words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from imagery.core.addresses import FetchError

from .fields import parse_moment, text
from .hearing import told
from .live import Interrupted, Refused
from .network import Network

LONGEST_WAIT_S = 3600.0
_AGAIN = frozenset([408, 425, 429, *range(500, 600)])


class Asking:
    """One server's API. base: its address, without a path."""

    def __init__(self, network: Network, base: str) -> None:
        self._session = network.session()
        self._base = base.rstrip("/")

    def json(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """The answer. Raises Interrupted, with the wait it asks for, or Refused."""
        try:
            answer = self._session.get(self._base + path, params=list(query))
        except FetchError as problem:
            raise told(problem) from problem
        if not answer.ok:
            raise refusal(answer.status_code, answer.headers, _message(answer.content))
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as problem:
            raise Interrupted("The answer is not JSON.") from problem


def refusal(status: int, headers: Mapping[str, str], message: str = "") -> Interrupted | Refused:
    """What a status other than 2xx means to the collector."""
    reason = f"The server answered {status}" + (f": {message}" if message else "") + "."
    if status in _AGAIN:
        return Interrupted(reason, asked_wait_s(headers))
    return Refused(reason)


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the server wants to be asked again: Retry-After, or when its limit resets."""
    given = headers.get("Retry-After", "")
    if given.isascii() and given.isdigit():
        return min(float(given[:9]), LONGEST_WAIT_S)
    for name in ("X-RateLimit-Reset", "RateLimit-Reset"):
        if (at := parse_moment(headers.get(name))) is not None:
            return min(max(0.0, at.timestamp() - _servers_now(headers)), LONGEST_WAIT_S)
    return None


def _servers_now(headers: Mapping[str, str]) -> float:
    """Seconds since 1970 by the server's clock, where it tells it: ours may differ."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, TypeError):
        return time.time()


def _message(body: bytes) -> str:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(found, dict):
        return ""
    return text(found.get("message") or found.get("error"), 200).rstrip(".")
