"""Files by content: names are made of digests, never of what a user sent.

Storage is Django's "default" alias, so an S3-compatible store can stand in by settings.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

DRAFT = ".draft-"


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes beside, then renames: a killed writer leaves no half file under a final name."""

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
            if self.file_permissions_mode is not None:
                Path(draft).chmod(self.file_permissions_mode)
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # content decides the name: an equal name is an equal file


def sweep_drafts(older_than_s: float = 24 * 3600) -> int:
    """Delete what writers that were killed left half written. Returns how many files."""
    if not isinstance(default_storage, FileSystemStorage):
        return 0  # other storages write whole or not at all
    n, before = 0, time.time() - older_than_s
    for draft in Path(default_storage.location).rglob(f"{DRAFT}*"):
        with contextlib.suppress(FileNotFoundError):
            if draft.is_file() and draft.stat().st_mtime < before:
                draft.unlink()
                n += 1
    return n


def blob_name(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def thumb_name(sha256: str, side: int) -> str:
    return f"thumbs/{side}/{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"


def features_name(sha256: str, version: str) -> str:
    return f"features/{version}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put(data: bytes) -> str:
    """Store bytes under their SHA-256 (hex), which is returned; twice is once."""
    sha256 = hashlib.sha256(data).hexdigest()
    name = blob_name(sha256)
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(data))
    return sha256


def get(sha256: str) -> bytes:
    """Raises FileNotFoundError."""
    with default_storage.open(blob_name(sha256)) as file:
        return file.read()


def put_thumb(sha256: str, side: int, data: bytes) -> None:
    default_storage.save(thumb_name(sha256, side), ContentFile(data))


def get_thumb(sha256: str, side: int) -> bytes:
    """Raises FileNotFoundError."""
    with default_storage.open(thumb_name(sha256, side)) as file:
        return file.read()


def put_features(sha256: str, version: str, data: bytes) -> None:
    default_storage.save(features_name(sha256, version), ContentFile(data))


def get_features(sha256: str, version: str) -> bytes:
    """Raises FileNotFoundError."""
    with default_storage.open(features_name(sha256, version)) as file:
        return file.read()
