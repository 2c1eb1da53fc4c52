"""What every source yields, whatever file or network it reads.

A source turns bytes into `Record`s, one per post, and into `BadRow`s for what it cannot
read. It knows nothing of rows, requests or queues. Unknown metrics are None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """Who posted. `uid` is the platform's stable id; the handle stands in where none is given."""

    uid: str
    handle: str = ""
    name: str = ""
    followers: int | None = None
    following: int | None = None
    n_posts: int | None = None
    created_at: datetime | None = None  # aware, UTC
    verified: bool | None = None
    location: str = ""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of a post: where it is on the network, or in the files at hand, or both."""

    url: str = ""
    file: str = ""  # path inside the images folder or archive, '/'-separated
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One post, told the same way by every platform."""

    platform: str  # "twitter", "instagram", "tiktok", "mastodon", "bluesky", "folder", …
    uid: str  # unique within the platform
    posted_at: datetime  # aware, UTC
    account: AccountRecord | None = None
    text: str = ""
    lang: str = ""
    url: str = ""  # permalink
    hashtags: tuple[str, ...] = ()  # without '#', as written
    images: tuple[ImageRef, ...] = ()
    likes: int | None = None
    reposts: int | None = None
    comments: int | None = None
    views: int | None = None
    lat: float | None = None  # WGS84 degrees
    lon: float | None = None
    place: str = ""
    source_id: str = ""  # by which the server it came from knows it, where that is another id
    repost_of: str = ""  # uid of the post this one repeats
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read; kept for download, the rest goes in."""

    line: int  # 1-based line, or item number where the format has no lines
    reason: str  # a sentence a person understands, naming the offending field and value
    raw: str = field(default="", repr=False)  # the row as it stood, cut to 2,000 characters


class Source(Protocol):
    """A format. Registered in `imagery.sources.FORMATS` under `name`."""

    name: str
    label: str

    def sniff(self, head: bytes, filename: str) -> bool:
        """Whether the first 64 KiB (decompressed) look like this format. Never raises."""

    def read(self, stream: BinaryIO, filename: str, now: datetime) -> Iterator[Record | BadRow]:
        """Records and bad rows, streamed: memory stays flat whatever the file's size.

        now: aware; posts dated more than two days after it become bad rows.
        Raises UnreadableFile when nothing at all can be made of the file.
        """


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says why and what is accepted."""
