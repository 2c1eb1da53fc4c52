"""Lists of known hashes, as PDQ's tools and exchanges write them: `hash,quality,name` lines.

Columns are found by their header where there is one, else by what stands in them. Lines may be
a hash alone, be parted by commas, semicolons or tabs, end as on any system, and be UTF-8 or
UTF-16. "#" begins a comment.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LEAST_QUALITY = 50  # PDQ's own rule: what has less is not compared
MOST_LINE = 4096  # characters
DIGITS = 64
UNRATED = 100
_HEX = frozenset("0123456789abcdefABCDEF")
_COLUMNS = {
    "hash": ("hash", "pdq", "pdq_hash", "pdqhash", "indicator", "signal", "value", "hash_value"),
    "quality": ("quality", "pdq_quality", "hash_quality"),
    "name": ("name", "filename", "file", "label", "description", "tags", "id"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """line: from 1. pdq: 64 lower-case digits. quality: None where the list gives none."""

    line: int
    pdq: str
    quality: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Bad:
    line: int
    reason: str


def read(file: BinaryIO) -> Iterator[Row | Bad]:
    """Every line that is not empty or a comment, good or bad. Memory stays flat."""
    columns: dict[str, int] | None = None
    first = True
    for number, line in _lines(file):
        if line is None:
            yield Bad(number, f"the line is longer than {MOST_LINE:,} characters")
            continue
        cells = _cells(line)
        if not any(cells) or cells[0].startswith("#"):
            continue
        if first:
            first, columns = False, _header(cells)
            if columns is not None:
                continue
        try:
            yield _row(number, cells, columns)
        except ValueError as error:
            yield Bad(number, str(error))


def _lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """(number, text); None for a line that is too long, whose rest is passed over."""
    text = io.TextIOWrapper(file, _encoding(file), "replace")
    number, whole = 0, True
    try:
        while line := text.readline(MOST_LINE):
            begins, whole = whole, line.endswith("\n") or len(line) < MOST_LINE
            if begins:
                number += 1
                yield number, line.replace("\0", "").strip() if whole else None
    finally:
        text.detach()  # the file is its owner's to close


def _encoding(file: BinaryIO) -> str:
    """UTF-16 where a mark, or a zero in the first letter, says so; else UTF-8."""
    begin = file.read(2)
    file.seek(-len(begin), io.SEEK_CUR)
    if begin in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if len(begin) == 2 and (begin[0] == 0) != (begin[1] == 0):
        return "utf-16-be" if begin[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def _cells(line: str) -> list[str]:
    mark = next((mark for mark in ",;\t" if mark in line), ",")
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [""])]
    except csv.Error:
        return [cell.strip() for cell in line.split(mark)]


def _is_hash(cell: str) -> bool:
    return len(cell) == DIGITS and _HEX.issuperset(cell)


def _header(cells: list[str]) -> dict[str, int] | None:
    """Which column is what; None where the line is no header."""
    words = [cell.lower().lstrip("#").strip() for cell in cells]
    found = {
        what: next((words.index(name) for name in names if name in words), -1)
        for what, names in _COLUMNS.items()
    }
    return found if found["hash"] >= 0 and not any(map(_is_hash, cells)) else None


def _row(number: int, cells: list[str], columns: dict[str, int] | None) -> Row:
    if columns is None:
        place = next((i for i, cell in enumerate(cells) if _is_hash(cell)), 0)
        rest = cells[place + 1 :]
        rated = bool(rest) and (rest[0].lstrip("-").isdigit() or not rest[0])
        quality = rest[0] if rated else ""
        name = next((cell for cell in rest[1 if rated else 0 :] + cells[:place] if cell), "")
    else:
        given = {what: cells[at] if 0 <= at < len(cells) else "" for what, at in columns.items()}
        place, quality, name = columns["hash"], given["quality"], given["name"]
    pdq = cells[place] if place < len(cells) else ""
    if not _is_hash(pdq):
        raise ValueError(f"{_short(pdq)} is no PDQ hash of 64 hexadecimal digits")
    return Row(number, pdq.lower(), _quality(quality), name[:200])


def _quality(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= 100):
        raise ValueError(f"the quality {_short(text)} is no whole number from 0 to 100")
    return int(text)


def _short(text: str) -> str:
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
