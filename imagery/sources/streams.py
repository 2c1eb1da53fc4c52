"""Files as streams of clean UTF-8: decompressed, without byte-order marks, broken lines capped."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from .base import UnreadableFile

HEAD = 64 * 1024
MAX_LINE = 16 * 1024 * 1024
_BLOCK = 256 * 1024
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_MARKS = (
    (codecs.BOM_UTF8, ""),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class SourceStream(io.BufferedReader):
    """A file's content; `consumed` tells how far the file on disk has been read."""

    def __init__(self, raw: io.RawIOBase, disk: BinaryIO) -> None:
        super().__init__(raw, _BLOCK)
        self._disk = disk

    @property
    def consumed(self) -> int:
        """Bytes of the file on disk, compressed where it is, read so far."""
        return self._disk.tell()

    def close(self) -> None:
        super().close()
        self._disk.close()


class _Content(io.RawIOBase):
    """Bytes of `inner`, preceded by `prefix`, recoded to UTF-8 where `encoding` says so."""

    def __init__(self, inner: BinaryIO, prefix: bytes = b"", encoding: str = "") -> None:
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
        self._ready = self._recode(prefix) if prefix else b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            self._ready = self._more(len(buffer))
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _more(self, size: int) -> bytes:
        read = getattr(self._inner, "read1", self._inner.read)
        while True:
            try:
                block = read(size)
            except _BROKEN as problem:
                raise UnreadableFile(f"The file is damaged from here on: {problem}") from problem
            if not block:
                tail = self._decoder.decode(b"", True) if self._decoder else ""
                self._decoder = None
                return tail.encode("utf-8", "replace")
            if out := self._recode(block):
                return out

    def _recode(self, block: bytes) -> bytes:
        if self._decoder is None:
            return block
        return self._decoder.decode(block).replace("\0", "").encode("utf-8", "replace")


def open_source(path: Path) -> BinaryIO:
    """The content of a file as UTF-8 bytes: gzip, xz and bzip2 undone (told by their first
    bytes, not the name), a byte-order mark taken off, UTF-16 and UTF-32 recoded.

    Returns a `SourceStream`. Raises UnreadableFile where the file cannot be opened.
    """
    try:
        disk = path.open("rb")
    except OSError as problem:
        raise UnreadableFile(f"{path.name} cannot be opened: {problem.strerror}") from problem
    try:
        return content_of(disk)
    except UnreadableFile:
        disk.close()
        raise


def content_of(disk: BinaryIO) -> SourceStream:
    """As `open_source`, of a seekable stream: an open file, a member of an archive."""
    return SourceStream(_Content(*_unmarked(_decompressed(disk))), disk)


def _decompressed(disk: BinaryIO) -> BinaryIO:
    magic = disk.read(10)
    disk.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=disk))
    if magic.startswith(b"\xfd7zXZ\x00"):
        return cast(BinaryIO, lzma.LZMAFile(disk))
    if magic[:3] == b"BZh" and magic[4:] in (b"1AY&SY", b"\x17rE8P\x90"):
        return cast(BinaryIO, bz2.BZ2File(disk))
    return disk


def _unmarked(inner: BinaryIO) -> tuple[BinaryIO, bytes, str]:
    start = b""
    try:
        while len(start) < 4 and (more := inner.read(4 - len(start))):
            start += more
    except _BROKEN as problem:
        raise UnreadableFile(f"The file cannot be decompressed: {problem}") from problem
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return inner, start[len(mark) :], encoding
    return inner, start, ""


def read_head(stream: BinaryIO) -> bytes:
    """The first 64 KiB, or all where there is less."""
    head = b""
    while len(head) < HEAD and (more := stream.read(HEAD - len(head))):
        head += more
    return head


def rejoined(head: bytes, stream: BinaryIO, *, clean: bool = False) -> io.BufferedReader:
    """A stream whose first bytes were already read. clean: bad UTF-8 replaced, NULs dropped."""
    return io.BufferedReader(_Content(stream, head, "utf-8" if clean else ""), _BLOCK)


def lines(stream: BinaryIO, limit: int = MAX_LINE) -> Iterator[tuple[bytes, bool]]:
    """Lines with their ends, and whether each is whole.

    A line of more than `limit` bytes comes cut and False; its rest is read past, never held.
    """
    readline = stream.readline
    while line := readline(limit):
        if len(line) < limit or line.endswith(b"\n"):
            yield line, True
            continue
        rest = readline(_BLOCK)
        yield line, not rest
        while rest and not rest.endswith(b"\n"):
            rest = readline(_BLOCK)
