"""Files into a backup's pool and out of it: each by the SHA-256 of its bytes, once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

from imagery import blobs

READ = 2**20
STORED, UPLOADED = "files/", "uploads/"  # what a path begins with, by where the file lay


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path, and what it held. A time of change of 0 is unknown."""

    path: str
    sha256: str
    n_bytes: int
    changed_ns: int

    def line(self) -> str:
        return f"{self.sha256}\t{self.n_bytes}\t{self.changed_ns}\t{self.path}\n"


@dataclass(frozen=True, slots=True)
class Found:
    """One file that there is now."""

    path: str
    n_bytes: int
    changed_ns: int
    open: Callable[[], Any]  # of a binary file


def place(folder: Path, sha256: str) -> Path:
    return folder / "pool" / sha256[:2] / sha256[2:4] / sha256


# What there is -------------------------------------------------------------------------------


def files() -> Iterator[Found]:
    """Every file of the installation, but for what is half written, in the order of folders."""
    if isinstance(default_storage, FileSystemStorage):
        yield from _under(Path(default_storage.location), STORED)
    else:
        yield from _hosted("")
    yield from _under(settings.UPLOADS_DIR, UPLOADED)


def _under(folder: Path, begins: str) -> Iterator[Found]:
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(at, name)
            if name.startswith(blobs.DRAFT):
                continue
            with suppress(FileNotFoundError):  # deleted since the folder was read
                state = path.stat()
                inside = begins + path.relative_to(folder).as_posix()
                yield Found(inside, state.st_size, state.st_mtime_ns, partial(open, path, "rb"))


def _hosted(folder: str) -> Iterator[Found]:
    """Files of a storage that is no folder: their names tell their content."""
    folders, names = default_storage.listdir(folder)
    for name in sorted(filter(None, names)):
        inside = f"{folder}{name}"
        yield Found(STORED + inside, 0, 0, partial(default_storage.open, inside))
    for name in sorted(folders):
        yield from _hosted(f"{folder}{name}/")


# Into the pool -------------------------------------------------------------------------------


def take(folder: Path, found: Iterable[Found], known: dict[str, Entry]) -> Iterator[Entry | None]:
    """Each file's entry, copied to the pool where it is not there; None where it went meanwhile.

    known: entries of the last backup by path; what did not change since is not read again.
    """
    for one in found:
        held = known.get(one.path)
        unchanged = held is not None and (
            one.changed_ns == 0 or (held.n_bytes, held.changed_ns) == (one.n_bytes, one.changed_ns)
        )
        if held is not None and unchanged and _is_whole(place(folder, held.sha256), held.n_bytes):
            yield held
            continue
        try:
            yield _copy(folder, one)
        except FileNotFoundError:
            yield None


def _is_whole(path: Path, n_bytes: int) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_size == n_bytes
    return False


def _copy(folder: Path, one: Found) -> Entry:
    """Raises FileNotFoundError where the file is gone, OSError where the pool takes nothing."""
    draft = folder / "pool" / f"{blobs.DRAFT}{os.getpid()}"
    draft.parent.mkdir(parents=True, exist_ok=True)
    digest, n = hashlib.sha256(), 0
    with one.open() as source, draft.open("wb") as target:
        while part := source.read(READ):
            digest.update(part)
            n += target.write(part)
    final = place(folder, digest.hexdigest())
    if _is_whole(final, n):
        draft.unlink()
    else:
        final.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(final)
    return Entry(one.path, digest.hexdigest(), n, one.changed_ns)


def prune(folder: Path, kept: set[str]) -> int:
    """Delete from the pool what the backup does not name. Returns how many files."""
    n = 0
    for path in (folder / "pool").rglob("*"):
        if path.is_file() and path.name not in kept:
            path.unlink()
            n += 1
    return n


# Lists ---------------------------------------------------------------------------------------


def read_list(path: Path) -> Iterator[Entry]:
    """Raises ValueError for a line that is none."""
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.rstrip("\n").split("\t", 3)
            if len(fields) != 4 or len(fields[0]) != 64 or not _is_inside(fields[3]):
                raise ValueError(f"{path.name}, line {number}: no entry of a file")
            yield Entry(fields[3], fields[0], int(fields[1]), int(fields[2]))


def _is_inside(path: str) -> bool:
    return path.startswith((STORED, UPLOADED)) and ".." not in path.split("/")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Out of the pool -----------------------------------------------------------------------------


def put_back(folder: Path, entry: Entry) -> None:
    """Write the file where it lay. Raises OSError."""
    with place(folder, entry.sha256).open("rb") as source:
        if entry.path.startswith(STORED):
            default_storage.save(entry.path.removeprefix(STORED), File(source))
            return
        target = settings.UPLOADS_DIR / entry.path.removeprefix(UPLOADED)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = target.with_name(f"{blobs.DRAFT}{target.name}")
        with draft.open("wb") as file:
            while part := source.read(READ):
                file.write(part)
        draft.chmod(0o600)
        draft.replace(target)


def digest_back(entry: Entry) -> str:
    """SHA-256 of the file as it lies there now. Raises OSError."""
    if entry.path.startswith(UPLOADED):
        return digest_of(settings.UPLOADS_DIR / entry.path.removeprefix(UPLOADED))
    digest = hashlib.sha256()
    with default_storage.open(entry.path.removeprefix(STORED)) as file:
        while part := file.read(READ):
            digest.update(part)
    return digest.hexdigest()


def remove(path: str) -> None:
    if path.startswith(UPLOADED):
        (settings.UPLOADS_DIR / path.removeprefix(UPLOADED)).unlink(missing_ok=True)
    else:
        default_storage.delete(path.removeprefix(STORED))
