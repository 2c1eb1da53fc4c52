import hashlib
import os
import stat
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from imagery import blobs


def test_a_file_is_named_by_its_content_and_stored_once():
    data = b"some picture"
    sha256 = blobs.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert blobs.put(data) == sha256
    assert blobs.get(sha256) == data


def test_files_are_for_their_owner_alone():
    path = Path(default_storage.path(blobs.blob_name(blobs.put(b"private"))))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_says_so():
    with pytest.raises(FileNotFoundError):
        blobs.get("0" * 64)


def test_a_write_that_breaks_leaves_nothing_behind():
    class Broken(ContentFile):
        def chunks(self, chunk_size=None):
            yield b"half"
            raise OSError("disk full")

    name = blobs.blob_name("f" * 64)
    with pytest.raises(OSError, match="disk full"):
        default_storage.save(name, Broken(b""))
    folder = Path(default_storage.path(name)).parent
    assert list(folder.iterdir()) == []


def test_what_killed_writers_left_is_swept_away_and_nothing_else():
    kept = blobs.put(b"a whole file")
    folder = Path(default_storage.path(blobs.blob_name(kept))).parent
    old, new = folder / f"{blobs.DRAFT}old", folder / f"{blobs.DRAFT}new"
    yesterday = time.time() - 2 * 24 * 3600
    for path in (old, new):
        path.write_bytes(b"half")
    for path in (old, folder / kept):
        os.utime(path, (yesterday, yesterday))
    assert blobs.sweep_drafts() == 1
    assert not old.exists() and new.exists()
    assert blobs.get(kept) == b"a whole file"
    new.unlink()
