"""One Mastodon server's API, by Mastodon.py over checked addresses; failures as live sources say.

docs.joinmastodon.org/methods/timelines, /statuses, /instance.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from imagery.core.addresses import FetchError, shown

from .asking import LONGEST_WAIT_S
from .hearing import told
from .live import Interrupted, Refused
from .network import Network

if TYPE_CHECKING:
    from mastodon import Mastodon

_NO_WORDS = "Endpoint not found."  # Mastodon.py's, of a 404 without JSON
PAGE = 40  # the most that a page of a timeline holds
_ADDRESS = re.compile(r"(?:https?://)?([^\s/?#@]{1,255})/?", re.IGNORECASE)
_WRONG_SHAPE = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


def base_of(server: str) -> str:
    """The server's address from what a person typed: https unless plain http was. "" for none."""
    found = _ADDRESS.fullmatch(server.strip())
    if found is None:
        return ""
    plain = server.strip().lower().startswith("http://")
    return f"{'http' if plain else 'https'}://{found[1].lower()}"


class Server:
    """base: see base_of. token: "" asks as anybody may."""

    def __init__(self, network: Network, base: str, token: str = "") -> None:
        from mastodon import Mastodon

        self.base = base
        self._api: Mastodon = Mastodon(
            api_base_url=base,
            access_token=token or None,
            session=network.session(),
            user_agent=network.user_agent,
            ratelimit_method="throw",
            version_check_mode="none",
        )

    def page(self, timeline: str, local: bool, **bounds: str | int) -> list[Any]:
        """Statuses, the newest first. bounds: max_id, min_id, limit."""
        wanted = {"limit": PAGE, **bounds}
        found = self._asked(lambda: self._api.timeline(timeline, local=local, **wanted))
        return found if isinstance(found, list) else []

    def statuses(self, ids: Sequence[str]) -> list[Any]:
        """Those of the statuses that we may see, in one question."""
        found = self._asked(lambda: self._api.statuses(list(ids)))
        return found if isinstance(found, list) else []

    def status(self, source_id: str) -> Any:
        return self._asked(lambda: self._api.status(source_id))

    def streaming(self) -> str:
        """Where the server streams (wss URL): another host than its own at times."""
        try:
            instance = self._asked(self._api.instance_v2)
        except Refused:  # servers before 4.0, and other software
            instance = {}
        node: Any = instance
        for key in ("configuration", "urls", "streaming"):
            node = node.get(key) if isinstance(node, dict) else None
        base = node if isinstance(node, str) and node.startswith(("wss://", "ws://")) else ""
        return (base or "ws" + self.base.removeprefix("http")).rstrip("/") + "/api/v1/streaming"

    def pace_s(self) -> float:
        """Seconds between two questions, so that the limit lasts until it is renewed."""
        reset, left = self._api.ratelimit_reset, self._api.ratelimit_remaining
        if reset is None or left is None:
            return 0.0
        return min(max(0.0, reset - time.time()) / max(1, left), LONGEST_WAIT_S)

    def _asked(self, call: Callable[[], Any]) -> Any:
        """What Mastodon.py answers, as JSON has it. Raises Interrupted or Refused."""
        from mastodon import errors

        try:
            return _as_json(call())
        except errors.MastodonRatelimitError as problem:
            reset = self._api.ratelimit_reset
            wait_s = None if reset is None else min(max(0.0, reset - time.time()), LONGEST_WAIT_S)
            reason = "The server answered 429: it was asked too often."
            raise Interrupted(reason, wait_s) from problem
        except errors.MastodonNetworkError as problem:
            if isinstance(problem.__context__, FetchError):
                raise told(problem.__context__) from problem
            raise Interrupted(shown(str(problem), 300)) from problem
        except errors.MastodonAPIError as problem:
            raise _failure(problem.args) from problem
        except (errors.MastodonError, *_WRONG_SHAPE) as problem:
            raise Interrupted("The answer is not what Mastodon's API gives.") from problem


class StatusRefused(Refused):
    """The server answered a status that says no; `status` is which.

    by_api: in the API's own words, not as a web server answers what it does not know.
    """

    def __init__(self, message: str, status: int, by_api: bool) -> None:
        super().__init__(message)
        self.status, self.by_api = status, by_api


def _failure(args: tuple[Any, ...]) -> Interrupted | Refused:
    """Mastodon.py's errors carry (text, status, its phrase, the server's own words)."""
    status = args[1] if len(args) > 1 and isinstance(args[1], int) else 0
    words = args[3] if len(args) > 3 and isinstance(args[3], str) else ""
    reason = f"The server answered {status or 'oddly'}" + (
        f": {shown(words, 200)}" if words else ""
    )
    if 400 <= status < 500 and status not in (408, 425, 429):
        by_api = bool(words) and words != _NO_WORDS
        return StatusRefused(f"{reason}{_REMEDIES.get(status, '')}", status, by_api)
    return Interrupted(reason)


_REMEDIES = {
    401: " Give an access token of an account there, or another one.",
    403: " This timeline is not open to us; give an access token of an account there.",
    404: " Check the server's name, and that the timeline is open there.",
    422: " Give an access token: this server tells its timelines to accounts alone.",
}


def _as_json(node: Any) -> Any:
    """Mastodon.py's own kinds of text, list and object as plain ones; times stay times."""
    if isinstance(node, dict):
        return {str(key): _as_json(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_json(value) for value in node]
    if isinstance(node, str) and type(node) is not str:
        return str.__str__(node)
    return node
