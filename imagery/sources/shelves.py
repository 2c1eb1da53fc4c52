"""Files side by side, in a folder or in a ZIP archive, as entries that are safe to open."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from .base import BadRow, UnreadableFile
from .fields import inner_path, shown, text

MAX_PICTURE = 256 * 1024 * 1024
MAX_RATIO = 200  # unpacked : packed, of a picture; photographs hardly shrink at all
MAX_RATIO_OF_POSTS = 500
_UNSUSPECTED = 4 * 1024 * 1024  # small files may shrink as they like
_WHOLE_ARCHIVE = 1024 * 1024 * 1024
_NAMES = "jpg jpeg jpe jfif png webp gif bmp tif tiff heic heif"
PICTURE_ENDINGS = frozenset(f".{name}" for name in _NAMES.split())
# Whatever a broken or hostile archive makes zipfile raise.
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its '/'-separated path inside, size in bytes, last change, and how to open it."""

    path: str
    size: int
    changed_at: datetime | None  # aware, UTC; an archive's clock has no zone and counts as UTC
    open: Callable[[], BinaryIO]

    @property
    def named_as_picture(self) -> bool:
        return os.path.splitext(self.path)[1].lower() in PICTURE_ENDINGS  # noqa: PTH122


def in_folder(folder: Path) -> Iterator[Entry | BadRow]:
    """The files under a folder in order of their paths; links and hidden files are left out."""
    number = 0
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in sorted(names):
            file = Path(root, name)
            if _hidden(name) or file.is_symlink():
                continue
            number += 1
            try:
                found = file.stat()
            except OSError as problem:
                yield BadRow(number, f"{shown(name)} cannot be read: {problem.strerror}.")
                continue
            inner = inner_path(file.relative_to(folder).as_posix())
            if not inner or not stat.S_ISREG(found.st_mode):
                yield BadRow(number, f"{shown(name)} is no file with a name that can be kept.")
                continue
            changed = None
            with suppress(ValueError, OverflowError, OSError):
                changed = datetime.fromtimestamp(found.st_mtime, UTC)
            yield Entry(inner, found.st_size, changed, partial(_open_file, file))


def _open_file(file: Path) -> BinaryIO:
    return file.open("rb")


def _hidden(name: str) -> bool:
    return (name.startswith(".") and name != "..") or name in (
        "__MACOSX",
        "Thumbs.db",
        "desktop.ini",
    )


def in_zip(archive: zipfile.ZipFile, size: int) -> Iterator[Entry | BadRow]:
    """The files of an archive of `size` bytes in order of their paths; refused ones as bad rows.

    Refused: names that lead outside, encrypted files, links, what unpacks to suspiciously much.
    Raises UnreadableFile where the archive as a whole unpacks to suspiciously much.
    """
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > _WHOLE_ARCHIVE and unpacked > size * MAX_RATIO_OF_POSTS:
        raise UnreadableFile(
            f"The archive of {size:,} bytes would unpack to {unpacked:,}; that is no photo archive."
        )
    latest = {member.filename: member for member in members}  # of one name twice, the later
    for number, member in enumerate(sorted(latest.values(), key=lambda one: one.filename), 1):
        parts = member.filename.replace("\\", "/").split("/")
        if member.is_dir() or any(_hidden(part) for part in parts):
            continue
        reason = _refusal(member)
        if reason:
            yield BadRow(number, f"{shown(member.filename)} {reason}.", text(member.filename))
            continue
        changed = None
        with suppress(ValueError):
            changed = datetime(*member.date_time, tzinfo=UTC)
        opened = cast(Callable[[], BinaryIO], partial(archive.open, member))
        yield Entry(inner_path(member.filename), member.file_size, changed, opened)


def _refusal(member: zipfile.ZipInfo) -> str:
    if not inner_path(member.filename):
        return "is a path that leads outside the archive"
    if member.flag_bits & 0x1:
        return "is encrypted; pack the archive without a password"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link, not a file"
    picture = os.path.splitext(member.filename)[1].lower() in PICTURE_ENDINGS  # noqa: PTH122
    if picture and member.file_size > MAX_PICTURE:
        return f"is larger than {MAX_PICTURE // 2**20} MiB"
    ratio = MAX_RATIO if picture else MAX_RATIO_OF_POSTS
    if member.file_size > _UNSUSPECTED and member.file_size > ratio * member.compress_size:
        return f"unpacks to more than {ratio} times its size, as only a decompression bomb does"
    return ""
