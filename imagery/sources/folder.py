"""A folder or ZIP archive of pictures: with a CSV beside them, with files of posts, or alone."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from imagery.core.formats import sniff as picture_format

from .afterimage_csv import COLUMNS, platform_in, post_of, row_id
from .base import BadRow, ImageRef, Record, Source, UnreadableFile
from .fields import AHEAD, EARLIEST, Unusable, inner_path, moment, parse_moment, shown, uid
from .shelves import BROKEN_ZIP, Entry, in_folder, in_zip
from .streams import content_of, read_head, rejoined
from .tables import Layout, TableSource

_POST_ENDINGS = (".ndjson", ".jsonl", ".json", ".csv", ".tsv", ".txt", ".gz", ".xz", ".bz2")
_EXIF_TIMES = (0x9003, 0x9004)  # DateTimeOriginal, DateTimeDigitized
_EXIF_ZONES = {0x9003: 0x9011, 0x9004: 0x9012}
_HEADER = 256 * 1024  # a JPEG has its EXIF here
_BROKEN_PICTURE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)


class Folder:
    """Registered for ZIP archives; folders come by `read_folder`."""

    name = "folder"
    label = "Folder or ZIP of pictures"

    def __init__(self, post_sources: Sequence[Source]) -> None:
        self.post_sources = post_sources

    def sniff(self, head: bytes, filename: str) -> bool:
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def read(self, stream: BinaryIO, filename: str, now: datetime) -> Iterator[Record | BadRow]:
        """As every source; `stream` must be seekable. Paths are those inside the archive."""
        try:
            size = stream.seek(0, io.SEEK_END)
            archive = zipfile.ZipFile(stream)
        except BROKEN_ZIP as problem:
            raise UnreadableFile(f"{filename} is not a whole ZIP archive: {problem}") from problem
        if "[Content_Types].xml" in archive.NameToInfo:
            raise UnreadableFile(f"{filename} is an Office document; save the table as CSV first.")
        with archive:
            yield from self._read(in_zip(archive, size), filename, now)

    def read_folder(self, folder: Path, name: str, now: datetime) -> Iterator[Record | BadRow]:
        """Records of a folder's pictures and files of posts; paths are relative to it."""
        yield from self._read(in_folder(folder), name, now)

    def _read(
        self, found: Iterable[Entry | BadRow], name: str, now: datetime
    ) -> Iterator[Record | BadRow]:
        shelf = Shelf(name)
        post_files: list[Entry] = []
        n_rows = 0
        for entry in found:
            if isinstance(entry, BadRow):
                n_rows += 1
                yield entry
            elif entry.path.lower().endswith(_POST_ENDINGS):
                post_files.append(entry)
            else:
                shelf.add(entry)
        for entry in post_files:
            for row in self._read_posts(entry, shelf, now):
                n_rows += 1
                yield row
        if shelf.stands_alone:
            for row in shelf.remaining(now + AHEAD):
                n_rows += 1
                yield row
        if not n_rows:
            raise UnreadableFile(f"{name} holds no pictures and no files of posts.")

    def _read_posts(self, entry: Entry, shelf: Shelf, now: datetime) -> Iterator[Record | BadRow]:
        """The posts of a file on the shelf, nothing where it is no file of posts."""
        try:
            content = content_of(entry.open())
        except BROKEN_ZIP as problem:  # UnreadableFile among them
            yield BadRow(0, f"{entry.path} cannot be read: {problem}")
            return
        with content:
            try:
                head = read_head(content)
                candidates = (FolderCsv(shelf), *self.post_sources)
                source = next((one for one in candidates if one.sniff(head, entry.path)), None)
                if source is None:
                    return
                shelf.stands_alone = shelf.stands_alone and isinstance(source, FolderCsv)
                for row in source.read(rejoined(head, content), entry.path, now):
                    yield _at_home(row, entry.path, shelf)
            except UnreadableFile as problem:
                yield BadRow(0, f"{entry.path} cannot be read further: {problem}")


def _at_home(row: Record | BadRow, path: str, shelf: Shelf) -> Record | BadRow:
    """A row as of its folder: files by their whole path, bad rows with their file's name."""
    if isinstance(row, BadRow):
        return replace(row, reason=f"{path}: {row.reason}")
    if not any(image.file for image in row.images):
        return row
    images = []
    for image in row.images:
        entry = shelf.find(image.file, path)
        if entry is not None or image.url:
            images.append(ImageRef(image.url, entry.path if entry else "", image.alt))
    return replace(row, images=tuple(images))


@dataclass
class Shelf:
    """The pictures beside the posts, and which of them belong to a post already."""

    name: str  # of the folder or archive
    pictures: dict[str, Entry] = field(default_factory=dict)
    by_name: dict[str, Entry | None] = field(default_factory=dict)  # None: several of that name
    used: set[str] = field(default_factory=set)
    stands_alone: bool = True  # no other file than our tables tells of posts

    def add(self, entry: Entry) -> None:
        self.pictures[entry.path] = entry
        name = entry.path.rpartition("/")[2]
        self.by_name[name] = None if name in self.by_name else entry

    def find(self, file: str, posts_path: str) -> Entry | None:
        """The picture a post means: by its path, its path from the post's file, or its name."""
        file = inner_path(file)
        beside = f"{posts_path.rpartition('/')[0]}/{file}".lstrip("/")
        entry = self.pictures.get(file) or self.pictures.get(beside)
        entry = entry or self.by_name.get(file.rpartition("/")[2])
        if entry is not None:
            self.used.add(entry.path)
        return entry

    def post_id(self, entry: Entry) -> str:
        """Of a post that is one picture: cameras give the same names on every card."""
        return uid(f"{self.name}/{entry.path}", "path")

    def remaining(self, latest: datetime) -> Iterator[Record | BadRow]:
        """A post for each picture that no post has named."""
        for number, entry in enumerate(self.pictures.values(), 1):
            if entry.path in self.used:
                continue
            try:
                start = header_of(entry)
                if picture_format(start) is None:
                    if entry.named_as_picture:
                        raise Unusable(f"{shown(entry.path)} is named as a picture but holds none")
                    continue
                posted_at = taken_at(entry, start, latest)
                images = (ImageRef(file=entry.path),)
                yield Record("folder", self.post_id(entry), posted_at, images=images)
            except Unusable as problem:
                yield BadRow(number, f"{problem}.", entry.path)


class FolderCsv(TableSource):
    """The table beside the pictures: a `file` column, and any other of our CSV's columns."""

    name = "folder-csv"
    label = "the CSV beside the pictures"
    columns = COLUMNS

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def complete(self, layout: Layout) -> bool:
        return "file" in layout and len(layout) > 1

    def record(self, cells: Mapping[str, str], latest: datetime) -> Record | None:
        entry = self.shelf.find(cells["file"].partition("|")[0], "")
        if cells["posted_at"]:
            posted_at = moment(cells["posted_at"], latest)
        elif entry is not None:
            posted_at = taken_at(entry, header_of(entry), latest)
        else:
            raise Unusable(f"file {shown(cells['file'])} is not there, and posted_at is missing")
        given = row_id(cells)
        known_by = self.shelf.post_id(entry) if entry and not given else uid(given)
        return post_of(cells, known_by, posted_at, platform_in(cells) or "folder")


def header_of(entry: Entry) -> bytes:
    """The first 256 KiB of a file. Raises Unusable where it cannot be opened."""
    try:
        with entry.open() as file:
            return file.read(_HEADER)
    except BROKEN_ZIP as problem:
        raise Unusable(f"{shown(entry.path)} cannot be read: {problem}") from problem


def taken_at(entry: Entry, start: bytes, latest: datetime) -> datetime:
    """When a picture was taken as its EXIF says, else when its file was last changed; UTC.

    Raises Unusable where neither is a time from 1995 to `latest`.
    """
    for at in (_exif_time(start), entry.changed_at):
        if at is not None and EARLIEST <= at <= latest:
            return at
    raise Unusable(
        f"{shown(entry.path)} has no EXIF time, and its file's date {entry.changed_at:%Y-%m-%d} "
        "is none either; name it in a CSV with posted_at"
        if entry.changed_at
        else f"{shown(entry.path)} has no time; name it in a CSV with posted_at"
    )


def _exif_time(start: bytes) -> datetime | None:
    try:
        with Image.open(io.BytesIO(start), formats=("JPEG", "TIFF", "PNG", "WEBP")) as picture:
            exif = picture.getexif().get_ifd(0x8769)
            for tag in _EXIF_TIMES:
                told, zone = exif.get(tag), exif.get(_EXIF_ZONES[tag], "")
                if isinstance(told, str) and len(told) >= 19:
                    clock = told[:10].replace(":", "-") + "T" + told[11:19]
                    zoned = parse_moment(f"{clock}{zone}" if isinstance(zone, str) else clock)
                    if at := zoned or parse_moment(clock):
                        return at
    except _BROKEN_PICTURE:
        return None
    return None
