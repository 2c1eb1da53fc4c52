"""Files that people sent, until they are read: on this machine, or where all machines see them.

They lie under UPLOADS_DIR, and their paths are kept on rows. Where files lie in a bucket, so do
they, as `uploads/<path inside>`; a machine that is to read one brings it in, and keeps an
import's copy for COPIES_S.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

COPIES_S = 2 * 24 * 3600
DRAFT = ".draft-"
_bringing = threading.Lock()
# What the path of an import's files ends with, on whatever machine they were accepted; the others'
# paths are made anew where they are needed. Names of lists and bad rows are given again.
ONCE = re.compile(r"(?P<once>[0-9a-f]{32}/(?:posts|images)|look-ups/[\w-]+)\Z")
AGAIN = re.compile(r"(?P<once>)(?:lists/\d+|bad-rows-\d+\.ndjson)\Z")


def are_shared() -> bool:
    """Whether uploads are put where other machines find them."""
    return not isinstance(default_storage, FileSystemStorage)


def share(path: Path) -> None:
    """Let other machines see a file that was written whole under UPLOADS_DIR. Raises OSError.

    Where they are shared, the bucket alone has it from then on.
    """
    found = _inside(path)
    if found is None or not are_shared():
        return
    with path.open("rb") as file:
        default_storage.save(_name(found), File(file))
    path.unlink()


def here(path: Path) -> Path:
    """The file on this machine, brought in where it is not; a path of anything else as it is.

    A file that is nowhere is left for whoever opens it. Raises OSError where the bucket does not
    answer.
    """
    found = _inside(path)
    if found is None or not are_shared():
        return path
    own = settings.UPLOADS_DIR / found.group()
    with _bringing:
        if not (found["once"] and own.exists()):
            _bring(_name(found), own)
    return own


def _bring(name: str, own: Path) -> None:
    own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=own.parent, prefix=DRAFT)
    try:
        with os.fdopen(handle, "wb") as kept, default_storage.open(name) as file:
            shutil.copyfileobj(file, kept, 2**20)
        Path(draft).replace(own)
    except FileNotFoundError:
        pass
    finally:
        Path(draft).unlink(missing_ok=True)


def drop(path: Path) -> None:
    """Delete an upload, wherever it lies; never a file that is none."""
    found = _inside(path)
    if found is None:
        return
    (settings.UPLOADS_DIR / found.group()).unlink(missing_ok=True)
    if are_shared():
        default_storage.delete(_name(found))


def sweep() -> int:
    """Delete this machine's copies of shared uploads that lie here for long. Returns how many."""
    if not are_shared() or not settings.UPLOADS_DIR.is_dir():
        return 0
    n, before = 0, time.time() - COPIES_S
    for path in settings.UPLOADS_DIR.rglob("*"):
        is_copy = _inside(path) is not None or path.name.startswith(DRAFT)
        if is_copy and path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            n += 1
    return n


def _inside(path: Path) -> re.Match[str] | None:
    found = ONCE.search(path.as_posix())
    if found is None and path.is_relative_to(settings.UPLOADS_DIR):
        found = AGAIN.search(path.as_posix())
    return found


def _name(found: re.Match[str]) -> str:
    """In the bucket."""
    return f"uploads/{found.group()}"
