"""CSV as people have it: any of four delimiters, any names for the columns, stray quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from .base import BadRow, Record, UnreadableFile
from .fields import AHEAD, MAX_IMAGES, Unusable, cut, web_url
from .streams import MAX_LINE, lines

MAX_FIELD = 1024 * 1024  # a stray quote swallows at most this much before it is noticed
_DELIMITERS = ",;\t|"
_SIZED_URL = re.compile(r"url_[a-z]")  # Flickr's url_s, url_m …
_EXCEL_HINT = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_BETWEEN_URLS = re.compile(r"[\s,;|]+(?=https?://)", re.IGNORECASE)

Columns = Mapping[str, Sequence[str]]
Layout = dict[str, list[int]]


def column_name(header: str) -> str:
    """A header cell as columns are compared: "Tweet ID", "tweet_id" and "TweetID" are one."""
    told = header.strip().lower()
    if _SIZED_URL.fullmatch(told):
        return "sizedurl"
    return "".join(sign for sign in told if sign.isalnum())


class TableSource:
    """A format whose files are tables with a header. Subclasses name columns and map cells."""

    name: str
    label: str
    columns: Columns  # field → the names its column may have, the best first

    def complete(self, layout: Layout) -> bool:
        """Whether the fields found make this format."""
        raise NotImplementedError

    def record(self, cells: Mapping[str, str], latest: datetime) -> Record | None:
        """The post. cells: field → its cell, "" where empty or absent. Raises Unusable."""
        raise NotImplementedError

    def sniff(self, head: bytes, filename: str) -> bool:
        header = _header(head)
        if header is None:
            return False
        return any(self.complete(layout) for _, layout in _layouts(header, self.columns))

    def read(self, stream: BinaryIO, filename: str, now: datetime) -> Iterator[Record | BadRow]:
        latest = now + AHEAD
        feed = _Feed(stream)
        layout, delimiter, n_columns = self._layout(feed)
        for number, row in _rows(feed, delimiter):
            if isinstance(row, BadRow):
                yield row
                continue
            if len(row) > n_columns and any(row[n_columns:]):
                reason = f"The row has {len(row)} cells, the header {n_columns}."
                yield BadRow(number, reason, _joined(row, delimiter))
                continue
            cells = _Cells(row, layout)
            try:
                record = self.record(cells, latest)
            except Unusable as problem:
                yield BadRow(number, f"{problem}.", _joined(row, delimiter))
                continue
            if record is not None:
                yield record

    def _layout(self, feed: _Feed) -> tuple[Layout, str, int]:
        for line in feed:
            if not line.strip() or _EXCEL_HINT.fullmatch(line):
                continue
            found = [
                (layout, delimiter, len(_split(line, delimiter)))
                for delimiter, layout in _layouts(line, self.columns)
                if self.complete(layout)
            ]
            if found:
                return max(found, key=lambda one: len(one[0]))
            seen = cut(line.strip())[:200]
            raise UnreadableFile(f"The header lacks columns that {self.label} needs: {seen}")
        raise UnreadableFile("The table has no header.")


class _Cells(dict[str, str]):
    """A row by field: the first filled cell among a field's columns."""

    def __init__(self, row: list[str], layout: Layout) -> None:
        super().__init__()
        width = len(row)
        for field, places in layout.items():
            for place in places:
                if place < width and (cell := row[place].strip()):
                    self[field] = cell
                    break

    def __missing__(self, field: str) -> str:
        return ""


class _Feed(Iterator[str]):
    """Lines of text, numbered from 1, that can be put back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines(stream)
        self._again: list[str] = []
        self.number = 0
        self.taken: list[str] = []
        self._size = 0

    def __next__(self) -> str:
        if self._again:
            line, whole = self._again.pop(), True
        else:
            raw, whole = next(self._lines)
            line = raw.decode("utf-8", "replace").replace("\0", "")
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        if not whole or self._size > MAX_LINE:
            raise csv.Error(f"it is longer than {MAX_LINE // 2**20} MiB")
        return line

    def start_row(self) -> int:
        """The number of the line that comes next."""
        self.taken.clear()
        self._size = 0
        return self.number + 1

    def put_back_all_but_first(self) -> str:
        """Undo what a broken row swallowed. Returns its first line."""
        first, *others = self.taken
        self._again.extend(reversed(others))
        self.number -= len(others)
        return first


def _rows(feed: _Feed, delimiter: str) -> Iterator[tuple[int, list[str] | BadRow]]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        number = feed.start_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            first = feed.put_back_all_but_first()
            yield number, BadRow(number, f"The row cannot be read: {_told(problem)}.", cut(first))
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if any(row):
            yield number, row


def _told(problem: csv.Error) -> str:
    told = str(problem)
    if "unexpected end of data" in told or "field larger" in told:
        return "a quote is opened and never closed"
    if "expected after" in told:
        return "a quote stands inside a quoted cell; write it twice"
    return told


def _joined(row: list[str], delimiter: str) -> str:
    return cut(delimiter.join(row))


def _header(head: bytes) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        return None
    for raw in head.split(b"\n"):
        line = raw.decode("utf-8", "replace").replace("\0", "")
        if not line.strip() or _EXCEL_HINT.fullmatch(line):
            continue
        return None if line.lstrip()[:1] in "{[<" or len(line) > 20_000 else line
    return None


def _layouts(header: str, columns: Columns) -> Iterator[tuple[str, Layout]]:
    for delimiter in _DELIMITERS:
        names = [column_name(cell) for cell in _split(header, delimiter)]
        layout = {
            field: places
            for field, aliases in columns.items()
            if (places := [names.index(alias) for alias in aliases if alias in names])
        }
        yield delimiter, layout


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header.strip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []


def web_urls(cell: str) -> list[str]:
    """The addresses of a cell, separated by spaces, '|', ',' or ';'; others are left out."""
    parts = _BETWEEN_URLS.split(cell)[: MAX_IMAGES * 2]
    found = (web_url(part.strip(" ,;|\t\r\n")) for part in parts)
    return list(dict.fromkeys(url for url in found if url))[:MAX_IMAGES]


def words(cell: str) -> list[str]:
    """The tags of a cell: separated by commas, '|' or ';' where there are any, else by spaces."""
    return re.split(r"[,;|]", cell) if re.search(r"[,;|]", cell) else cell.split()
