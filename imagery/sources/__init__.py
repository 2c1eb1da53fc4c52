"""Posts from files and from live sources: which there are, telling files apart, reading them.

A format is a file in this package and a line in `_POST_FORMATS`, a live source one in `LIVE`;
docs/sources.md says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from .afterimage_csv import AfterimageCsv
from .afterimage_ndjson import AfterimageNdjson
from .base import AccountRecord, BadRow, ImageRef, Record, Source, UnreadableFile
from .bluesky import Bluesky
from .bluesky_live import BlueskyLive
from .feed_live import FeedLive
from .folder import Folder
from .fourcat import FourCat
from .instaloader import Instaloader
from .live import Live
from .mastodon import Mastodon
from .mastodon_live import MastodonLive
from .seen import describe
from .streams import SourceStream, open_source, read_head
from .twitter_v1 import TwitterV1
from .twitter_v2 import TwitterV2
from .zeeschuimer import Zeeschuimer

__all__ = [
    "FORMATS",
    "LIVE",
    "AccountRecord",
    "BadRow",
    "ImageRef",
    "Record",
    "Source",
    "UnreadableFile",
    "detect",
    "open_source",
    "read",
    "read_folder",
    "read_zip",
]

# In the order in which they are tried.
_POST_FORMATS: tuple[Source, ...] = (
    Zeeschuimer(),
    Bluesky(),
    Instaloader(),
    TwitterV2(),
    TwitterV1(),
    Mastodon(),
    AfterimageNdjson(),
    FourCat(),
    AfterimageCsv(),
)
_FOLDER = Folder(_POST_FORMATS)
FORMATS: dict[str, Source] = {source.name: source for source in (_FOLDER, *_POST_FORMATS)}
LIVE: dict[str, Live] = {live.name: live for live in (MastodonLive(), BlueskyLive(), FeedLive())}
_PROGRESS_ROWS = 1000


def detect(head: bytes, filename: str) -> str:
    """The name of the format that a file's first 64 KiB (decompressed) show.

    Raises UnreadableFile, saying what was seen and what is accepted.
    """
    if not head.strip(b"\0 \t\r\n"):
        raise UnreadableFile(f"{filename} is empty.")
    for name, source in FORMATS.items():
        if source.sniff(head, filename):
            return name
    accepted = ", ".join(source.label for source in FORMATS.values())
    raise UnreadableFile(f"{filename} {describe(head)}. Accepted: {accepted}.")


def read(
    path: Path,
    format: str = "auto",
    *,
    now: datetime | None = None,
    on_bytes: Callable[[int], None] | None = None,
    filename: str = "",
) -> Iterator[Record | BadRow]:
    """The posts of a file, folder or ZIP archive, streamed, and the rows that cannot be read.

    now: aware; the real clock where not given. on_bytes: told every 1,000 rows, and at the end,
    how many bytes of the file (compressed where it is) are behind; folders tell nothing.
    filename: what its owner calls the file, where the path's own name says nothing.
    Raises UnreadableFile, before the first row, where nothing can be made of the file.
    """
    now, filename = now or datetime.now(UTC), filename or path.name
    if format not in ("auto", *FORMATS):
        raise UnreadableFile(f"Unknown format {format!r}; choose one of auto, {', '.join(FORMATS)}")
    if path.is_dir():
        yield from read_folder(path, now, filename)
        return
    if format == "auto":
        with open_source(path) as content:
            format = detect(read_head(content), filename)
    stream = _opened(path) if format == _FOLDER.name else open_source(path)
    with stream:
        rows = FORMATS[format].read(stream, filename, now)
        yield from _to_the_end(rows, stream, on_bytes)


def _to_the_end(
    rows: Iterator[Record | BadRow], stream: BinaryIO, on_bytes: Callable[[int], None] | None
) -> Iterator[Record | BadRow]:
    """Rows with progress told; a file that breaks after its first rows ends in a bad row."""
    n_rows = last = 0
    try:
        for row in rows:
            n_rows += 1
            last = row.line if isinstance(row, BadRow) else last
            yield row
            if on_bytes is not None and n_rows % _PROGRESS_ROWS == 0:
                on_bytes(_behind(stream))
    except UnreadableFile as problem:
        if not n_rows:
            raise
        yield BadRow(max(n_rows, last) + 1, f"What follows is not read. {problem}")
    if on_bytes is not None:
        on_bytes(_behind(stream))


def _behind(stream: BinaryIO) -> int:
    return stream.consumed if isinstance(stream, SourceStream) else stream.tell()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as problem:
        raise UnreadableFile(f"{path.name} cannot be opened: {problem.strerror}") from problem


def read_folder(
    path: Path, now: datetime | None = None, name: str = ""
) -> Iterator[Record | BadRow]:
    """A post for each picture under a folder, or the posts of the files beside them.

    name: what its owner calls the folder, where its own name says nothing.
    """
    yield from _FOLDER.read_folder(path, name or path.name, now or datetime.now(UTC))


def read_zip(path: Path, now: datetime | None = None) -> Iterator[Record | BadRow]:
    """As `read_folder`, of a ZIP archive, which is not unpacked."""
    yield from read(path, _FOLDER.name, now=now)
