"""Whether this process could serve a page now: the database, the broker, the files."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config import queues
from imagery import blobs

log = logging.getLogger(__name__)

HELD_S = 2  # strangers may ask: what was found is told again for so long
LEAST_BYTES = 64 * 2**20


class NotReady(Exception):
    """Why not, for those who run the machine."""


def database() -> None:
    """Raises NotReady."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        waiting = _waiting_migrations()
    except DatabaseError as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    if waiting:
        raise NotReady(f"migrations are not applied: {', '.join(waiting[:5])}")


def waiting_migrations() -> list[str]:
    """Names of migrations that the code has and the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


_migrated: set[str] = set()  # names of databases, once they were seen to be up to date


def _waiting_migrations() -> list[str]:
    name = str(connection.settings_dict["NAME"])
    if name in _migrated:
        return []
    waiting = waiting_migrations()
    if not waiting:
        _migrated.add(name)
    return waiting


def broker() -> None:
    """Raises NotReady."""
    try:
        queues.ping()
    except queues.Unreachable as error:
        raise NotReady(str(error)) from error


def storage() -> None:
    """Raises NotReady."""
    try:
        if not isinstance(default_storage, FileSystemStorage):
            default_storage.exists(blobs.blob_name("0" * 64))
            return
        folder = Path(default_storage.location)
        folder.mkdir(parents=True, exist_ok=True)
        # Named like what killed writers leave, which is swept.
        trial = f"{blobs.DRAFT}ready-{uuid.uuid4().hex}"
        default_storage.save(trial, ContentFile(b"ready"))
        default_storage.delete(trial)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    if free < LEAST_BYTES:
        raise NotReady(f"{free // 2**20} MiB are left on the disk of {folder}")


PARTS: dict[str, Callable[[], None]] = {"database": database, "broker": broker, "storage": storage}
_lock = Lock()
_held: tuple[float, list[str]] = (0.0, [])


def failing() -> list[str]:
    """Names of what is out of reach, as found within the last HELD_S; why is in the log."""
    global _held
    with _lock:
        until, found = _held
        if monotonic() < until:
            return found
        found = []
        for name, look in PARTS.items():
            try:
                look()
            except NotReady as error:
                log.error("not ready: the %s: %s", name, error)
                found.append(name)
        _held = monotonic() + HELD_S, found
        return found


def look_again() -> None:
    """Forget what was found."""
    global _held
    _held = (0.0, [])
