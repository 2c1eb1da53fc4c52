"""JSON as it comes: one object a line, one array, one object, or objects in a row.

All are read as a stream of objects with their line (or, where lines say nothing, their number).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO

import ijson
import orjson
from ijson.common import ObjectBuilder

from .base import BadRow, Record, UnreadableFile
from .fields import AHEAD, InexactId, Unusable, cut, shown
from .streams import MAX_LINE, lines, read_head, rejoined

MAX_ITEM = 64 * 1024 * 1024  # bytes of one object of an array or document
_PEEKED = 20  # objects a format is told apart by
_PEEKED_EVENTS = 50_000

Row = tuple[int, Any, bytes]


class JsonSource:
    """A format whose files hold JSON objects. Subclasses say how to know and how to map them."""

    name: str
    label: str

    def knows(self, document: dict[str, Any]) -> bool:
        """Whether an object, perhaps cut short, is of this format."""
        raise NotImplementedError

    def posts(self, document: dict[str, Any]) -> Iterable[Any]:
        """The posts an object holds: itself, or a page's."""
        return (document,)

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        """The post; None for what is no post. Raises Unusable for what cannot be read."""
        raise NotImplementedError

    def sniff(self, head: bytes, filename: str) -> bool:
        return any(self.knows(document) for document in peek(head))

    def read(self, stream: BinaryIO, filename: str, now: datetime) -> Iterator[Record | BadRow]:
        latest = now + AHEAD
        for number, document, raw in json_rows(stream):
            if type(document) is not dict:
                yield _not_an_object(number, document, raw)
                continue
            try:
                for post in self.posts(document):
                    outcome = self._outcome(post, latest, number, raw)
                    if outcome is not None:
                        yield outcome
            except InexactId:
                yield from self._exactly(number, raw, latest)

    def _outcome(
        self, post: Any, latest: datetime, number: int, raw: bytes
    ) -> Record | BadRow | None:
        if type(post) is not dict:
            return _not_an_object(number, post, raw)
        try:
            return self.record(post, latest)
        except InexactId as problem:
            if raw:
                raise
            return BadRow(number, f"{problem}.", _dumped(post))
        except Unusable as problem:
            return BadRow(number, f"{problem}.", cut(raw) if raw else _dumped(post))

    def _exactly(self, number: int, raw: bytes, latest: datetime) -> Iterator[Record | BadRow]:
        """The row once more, its integers of more than 64 bits kept whole."""
        document = _slowly(raw)
        for post in self.posts(document) if isinstance(document, dict) else ():
            outcome = self._outcome(post, latest, number, b"")
            if outcome is not None:
                yield outcome


def _not_an_object(number: int, found: Any, raw: bytes) -> BadRow:
    if isinstance(found, BadRow):
        return found
    kind = {list: "a list", str: "a text", type(None): "null"}.get(type(found), "a bare value")
    return BadRow(number, f"The row is {kind}, not an object.", cut(raw) if raw else shown(found))


def _dumped(post: Any) -> str:
    try:
        return cut(orjson.dumps(post, default=str, option=orjson.OPT_NON_STR_KEYS))
    except orjson.JSONEncodeError:
        return ""


def json_rows(stream: BinaryIO) -> Iterator[Row]:
    """(line or item number, parsed value or BadRow, the row's bytes where it is a line).

    Raises UnreadableFile where not even the first object can be read.
    """
    head = read_head(stream)
    shape = _shape(head)
    if shape == "lines":
        yield from _from_lines(rejoined(head, stream))
    else:
        yield from _from_document(rejoined(head, stream, clean=True), shape)


def _from_lines(stream: BinaryIO) -> Iterator[Row]:
    loads, failure = orjson.loads, orjson.JSONDecodeError
    number = 0
    for line, whole in lines(stream):
        number += 1
        if not whole:
            size = MAX_LINE // 2**20
            yield number, BadRow(number, f"The line is longer than {size} MiB.", cut(line)), line
            continue
        try:
            yield number, loads(line), line
        except failure:
            if line.isspace() or not line.strip(b"\0 \r\n\t"):
                continue
            found = _slowly(line)
            if isinstance(found, BadRow):
                found = BadRow(number, found.reason, cut(line))
            yield number, found, line


def _slowly(line: bytes) -> Any:
    """What orjson refuses: bad UTF-8, NUL bytes, NaN, lone surrogates, integers past 64 bits."""
    try:
        return json.loads(line.decode("utf-8", "replace").replace("\0", ""))
    except RecursionError:
        return BadRow(0, "The row is nested too deeply.")
    except ValueError as problem:
        return BadRow(0, f"The row is not JSON: {problem}.")


class _Allowance:
    """Refuses to read more than MAX_ITEM bytes for one object."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner
        self.spent = 0

    def read(self, size: int = -1) -> bytes:
        block = self._inner.read(size)
        self.spent += len(block)
        if self.spent > MAX_ITEM:
            raise UnreadableFile(
                f"One object takes more than {MAX_ITEM // 2**20} MiB; "
                "export the posts as one JSON object a line instead."
            )
        return block


def _from_document(stream: BinaryIO, shape: str) -> Iterator[Row]:
    allowance = _Allowance(stream)
    path = "item" if shape == "array" else ""
    number = 0
    try:
        for found in ijson.items(allowance, path, multiple_values=True):
            number += 1
            allowance.spent = 0
            yield number, found, b""
    except (ijson.JSONError, ValueError, OverflowError) as problem:
        if not number:
            raise UnreadableFile(f"The file is not whole JSON: {_told(problem)}.") from problem
        number += 1
        reason = f"The JSON breaks here, what follows is not read: {_told(problem)}."
        yield number, BadRow(number, reason), b""


def _told(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200].rstrip(".")


def _shape(head: bytes) -> str:
    """ "lines", "array" or "document" (one object over several lines, or several such)."""
    start = head.lstrip(b"\0 \t\r\n\xef\xbb\xbf")
    first, end, rest = start.partition(b"\n")
    if start[:1] == b"[":
        return "lines" if rest[:1] == b"{" and _parses(first) else "array"
    if start[:1] != b"{" or not end or _parses(first):
        return "lines"
    return "lines" if len(first.strip()) > 1 and rest[:1] == b"{" else "document"


def _parses(line: bytes) -> bool:
    return not isinstance(_slowly(line), BadRow)


@lru_cache(maxsize=2)
def peek(head: bytes) -> tuple[dict[str, Any], ...]:
    """The first objects of a file's head; the last may be cut short. () where it is not JSON."""
    shape = _shape(head)
    found: list[Any] = []
    if shape == "lines":
        for line in islice(head.split(b"\n"), _PEEKED):
            value = _slowly(line) if line.strip()[:1] == b"{" else None
            found.append(value)
    if not any(isinstance(value, dict) for value in found):
        part = _cut_short(head)
        found = part[:_PEEKED] if isinstance(part, list) else [part]
    return tuple(value for value in found if isinstance(value, dict))


def _cut_short(head: bytes) -> Any:
    """The value a truncated JSON text holds as far as it goes."""
    builder = ObjectBuilder()
    text = io.BytesIO(head.decode("utf-8", "ignore").replace("\0", "").encode())
    try:
        events = ijson.basic_parse(text, multiple_values=True, buf_size=4096)
        for event, value in islice(events, _PEEKED_EVENTS):
            builder.event(event, value)
    except (ijson.JSONError, ValueError, OverflowError, LookupError):
        pass
    return getattr(builder, "value", None)
