"""Files that people sent, until they are read: on this machine, or where all machines see them.

They lie under UPLOADS_DIR, and their paths are kept on rows. Where files lie in a bucket, each is
put there too as `uploads/<its path inside>`; a machine that is to read one and has it not brings
it in first, and keeps that copy for COPIES_S.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

COPIES_S = 2 * 24 * 3600
DRAFT = ".draft-"
# What an upload's path ends with, on whatever machine it was accepted.
INSIDE = re.compile(
    r"(?:[0-9a-f]{32}/(?:posts|images)|look-ups/\w+|lists/\d+|bad-rows-\d+\.ndjson)\Z"
)


def are_shared() -> bool:
    """Whether uploads are put where other machines find them."""
    return not isinstance(default_storage, FileSystemStorage)


def share(path: Path) -> None:
    """Let other machines see a file that was written whole under UPLOADS_DIR. Raises OSError."""
    name = _name(path)
    if name is None or not are_shared():
        return
    with path.open("rb") as file:
        default_storage.save(name, File(file))


def here(path: Path) -> Path:
    """The file on this machine, brought in where it is not; a path of anything else as it is.

    A file that is nowhere is left for whoever opens it. Raises OSError where the bucket does not
    answer.
    """
    name = _name(path)
    if name is None or not are_shared():
        return path
    own = settings.UPLOADS_DIR / name.partition("/")[2]
    if own.exists():
        return own
    own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=own.parent, prefix=DRAFT)
    try:
        with os.fdopen(handle, "wb") as kept, default_storage.open(name) as file:
            shutil.copyfileobj(file, kept, 2**20)
        Path(draft).replace(own)
    except FileNotFoundError:
        Path(draft).unlink(missing_ok=True)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return own


def drop(path: Path) -> None:
    """Delete an upload, wherever it lies; never a file that is none."""
    name = _name(path)
    if name is None:
        return
    (settings.UPLOADS_DIR / name.partition("/")[2]).unlink(missing_ok=True)
    if are_shared():
        default_storage.delete(name)


def sweep() -> int:
    """Delete this machine's copies of shared uploads that lie here for long. Returns how many."""
    if not are_shared() or not settings.UPLOADS_DIR.is_dir():
        return 0
    n, before = 0, time.time() - COPIES_S
    for path in settings.UPLOADS_DIR.rglob("*"):
        is_copy = _name(path) is not None or path.name.startswith(DRAFT)
        if is_copy and path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            n += 1
    return n


def _name(path: Path) -> str | None:
    """Its name in the bucket; None where the path is no upload's."""
    found = INSIDE.search(path.as_posix())
    return f"uploads/{found.group()}" if found else None
