"""Files → records → rows (imagery.storing), with what could not be read kept beside."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from imagery import import_names, rules, sources, text_index, uploads
from imagery.models import Event, Import
from imagery.sources.base import BadRow, Record, UnreadableFile
from imagery.storing import Storing

BATCH = 4000
INDEXED = 20_000  # posts whose words are indexed at once, while others are still being read
COUNTED = (
    "n_read", "n_new", "n_updated", "n_unchanged", "n_left_out", "n_bad", "n_bytes_read",
    "bad_rows", "state", "reason", "updated_at", "finished_at",
)  # fmt: skip


# Files ---------------------------------------------------------------------------------------


def accept_upload(
    event: Event,
    user: Any,
    file: UploadedFile,
    format: str = "auto",
    images_file: UploadedFile | None = None,
) -> Import:
    """Keep an uploaded file (and a ZIP of its pictures) and queue it. Names stay labels.

    Raises OSError, as on a full disk; nothing of the upload is left then.
    """
    folder = settings.UPLOADS_DIR / uuid.uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    try:
        # Files first: a row may be taken up by a worker as soon as it is there.
        path = _keep(file, folder / "posts")
        images = _keep(images_file, folder / "images") if images_file else None
        filename = import_names.name_for(event, file.name, path, images)
        for kept in filter(None, (path, images)):
            uploads.share(kept)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Import.objects.create(
        event=event,
        user=user,
        filename=filename,
        path=str(path),
        images_path=str(images or ""),
        format=format,
        n_bytes=file.size or 0,
    )


def accept_path(
    event: Event, path: Path, format: str = "auto", images: Path | None = None, user: Any = None
) -> Import:
    """Queue a file or folder that lies on this machine."""
    path, images = path.resolve(), images.resolve() if images else None
    size = path.stat().st_size if path.is_file() else 0
    return Import.objects.create(
        event=event,
        user=user,
        filename=import_names.name_for(event, path.name, path, images),
        path=str(path),
        images_path=str(images or ""),
        format=format,
        n_bytes=size,
    )


def drop_files(row: Import) -> None:
    """Delete what was uploaded for an import, and its kept bad rows; never a user's own file."""
    folder = Path(row.path).parent
    for path in filter(None, (row.path, row.images_path)):
        uploads.drop(Path(path))
    if row.path and folder.parent == settings.UPLOADS_DIR:
        shutil.rmtree(folder, ignore_errors=True)
    uploads.drop(bad_rows_path(row))


def _keep(file: UploadedFile, target: Path) -> Path:
    with target.open("wb") as kept:
        for chunk in file.chunks(2**20):
            kept.write(chunk)
    return target


# Rows ----------------------------------------------------------------------------------------


def run(
    row: Import,
    progress: Callable[[Import], None] | None = None,
    then: Callable[[Import], object] | None = None,
) -> Import:
    """Read the import's file into rows; safe to repeat. A bad row stops nothing.

    A file that cannot be read at all leaves the import failed, with the reason on it. `then` is
    called in the transaction that says it is done: what is to follow is not lost between them.
    """
    now = timezone.now()
    Import.objects.filter(pk=row.pk).update(
        state=Import.State.RUNNING, started_at=now, updated_at=now, reason=""
    )
    row.refresh_from_db()
    for name in ("n_read", "n_new", "n_updated", "n_unchanged", "n_left_out", "n_bad"):
        setattr(row, name, 0)
    try:
        _read_all(row, progress)
    except (UnreadableFile, OSError) as error:
        row.state, row.reason = Import.State.FAILED, _reason(error, row)
    else:
        row.state = Import.State.DONE
        row.n_bytes_read = row.n_bytes
    text_index.catch_up()
    row.finished_at = timezone.now()
    with transaction.atomic():
        _save_counts(row)
        if then and row.state == Import.State.DONE:
            then(row)
    if progress:
        progress(row)
    return row


def _reason(error: Exception, row: Import) -> str:
    if isinstance(error, OSError):
        return f"{row.filename}: {error.strerror or error}"
    return str(error)


def bad_rows_path(row: Import) -> Path:
    """Where the rows that could not be read are kept, with line and reason, as NDJSON."""
    return settings.UPLOADS_DIR / f"bad-rows-{row.pk}.ndjson"


def _read_all(row: Import, progress: Callable[[Import], None] | None) -> None:
    book, storing = rules.rulebook(row.event), Storing(row.event, row)
    bad = bad_rows_path(row)
    bad.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def on_bytes(n: int) -> None:
        row.n_bytes_read = min(n, row.n_bytes) if row.n_bytes else n

    with bad.open("wb") as bad_file:
        batch: list[Record] = []
        for item in sources.read(
            uploads.here(Path(row.path)),
            format=row.format,
            on_bytes=on_bytes,
            filename=row.filename,
        ):
            row.n_read += 1
            if isinstance(item, BadRow):
                row.n_bad += 1
                told = {"file": row.filename, "line": item.line, "reason": item.reason}
                bad_file.write(orjson.dumps({**told, "row": item.raw}) + b"\n")
            elif rules.selects(book, item):
                batch.append(item)
            else:
                row.n_left_out += 1
            if len(batch) >= BATCH or row.n_read % (BATCH * 4) == 0:
                _store_and_tell(row, storing, batch, progress)
                batch = []
        _store_and_tell(row, storing, batch, progress)
    row.bad_rows = bad.name if row.n_bad else ""
    if row.n_bad:
        uploads.share(bad)
    else:
        uploads.drop(bad)


def _store_and_tell(
    row: Import,
    storing: Storing,
    batch: list[Record],
    progress: Callable[[Import], None] | None,
) -> None:
    if batch:
        new, updated = storing.store(batch)
        row.n_new += new
        row.n_updated += updated
        row.n_unchanged += len(batch) - new - updated
        text_index.catch_up(least=INDEXED)
    _save_counts(row)
    if progress:
        progress(row)


def _save_counts(row: Import) -> None:
    row.updated_at = timezone.now()
    row.save(update_fields=COUNTED)
