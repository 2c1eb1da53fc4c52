"""What every live source offers, whatever network it speaks to.

A live source turns a connection into `Heard`s, in the order in which they came, and reads posts
again when it is asked. It knows nothing of rows, requests or queues, and decides nothing: which
posts are wanted, when to connect again and what is stored are the collector's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from imagery.core.rulebook import Rulebook

from .base import BadRow, Record
from .network import Network

SOURCE_ID = "source_id:"  # begins a `Heard.gone` that is no uid


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a person chooses for a collection from this source."""

    name: str
    label: str
    kind: Literal["text", "choice", "list", "flag"] = "text"
    default: Any = ""
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one collection wants of its source. `book` tells what servers may filter for us."""

    options: Mapping[str, Any]
    network: Network
    book: Rulebook = field(default_factory=Rulebook)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a source sent, or a second in which it sent nothing (all empty).

    cursor: where to go on from once this is stored; empty keeps the one before.
    resumed: said once of each connection, as soon as it is known, with a thing or with nothing:
    True goes on from the cursor without a gap, False begins with what is published now. A first
    thing that comes before it was said counts as False.
    """

    cursor: str = ""
    at: datetime | None = None  # aware: the source's time of it
    record: Record | None = None
    bad: BadRow | None = None
    gone: str = ""  # uid of a post that its author deleted, or SOURCE_ID and its source_id
    resumed: bool | None = None
    missing_since: datetime | None = None  # what was published from then to `at` was not told


@dataclass(frozen=True, slots=True)
class Wanted:
    """A post to be read again."""

    uid: str
    source_id: str
    account: str = ""  # uid of its author


@dataclass(frozen=True, slots=True)
class Engagement:
    """A post read again. Unknown is None, never 0."""

    uid: str
    state: Literal["read", "deleted", "private"] = "read"
    likes: int | None = None
    reposts: int | None = None
    comments: int | None = None
    views: int | None = None
    followers: int | None = None


class Live(Protocol):
    """A live source. Registered in `imagery.sources.LIVE` under `name`."""

    name: str
    label: str
    about: str  # one sentence to whoever chooses a source
    options: tuple[Option, ...]
    wants_token: bool  # whether a token is of use; none is needed to begin
    readable_at_once: int  # posts in one call of `read_again`; 0 where posts cannot be read again

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options as they are stored. Raises BadOption, naming what does not fit."""

    def addresses(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Of checked options, those that are addresses: their names and the URLs as asked."""

    def stream(self, ask: Ask, cursor: str) -> Iterator[Heard]:
        """What is published, from the cursor on where the source can, else from now.

        Yields at least once a second, so that its reader can stop; closing it disconnects.
        Raises Interrupted or Refused.
        """

    def refill(
        self, ask: Ask, begins_at: datetime, ends_at: datetime, cursor: str
    ) -> Iterator[Heard]:
        """What was published between the two, as far as the source still tells.

        cursor: of an earlier call that did not come to its end. Yields at least once a second.
        Raises Interrupted or Refused; CannotRefill after whatever could be told, if not all could.
        """

    def read_again(self, ask: Ask, posts: Sequence[Wanted]) -> Iterator[Engagement]:
        """Engagement now of at most `readable_at_once` posts; those not told of are not known.

        Raises Interrupted or Refused.
        """


class BadOption(ValueError):
    """An option does not fit; `option` is its name and the message says what would."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


class Interrupted(Exception):
    """The connection ended or the server asks to wait; it is worth trying again.

    wait_s: how long the server asks to wait.
    """

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Refused(Exception):
    """The server does not want us: a wrong token, no such timeline. Trying on is of little use."""


class CannotRefill(Exception):
    """The source does not tell of the past, or not of that much of it; the message says so."""
