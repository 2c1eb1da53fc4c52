"""What says that a process is at work: its row, kept fresh by a thread while it lives."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from imagery import locks
from imagery.models import Process

log = logging.getLogger(__name__)

BEAT_S = 10
FORGOTTEN_AFTER = timedelta(days=1)


@contextmanager
def present(kind: str, queues: Sequence[str] = (), device: str = "") -> Iterator[str]:
    """Keep this process's row while the block runs; yields its name, kind@host:pid.

    kind: of Process.Kind. One UPDATE every 10 s; the row goes at the block's end, and a killed
    process's is told as gone after a minute and forgotten after a day. A database out of reach
    ends nothing: the row is written once it is back.
    """
    if kind not in Process.Kind.values:
        raise ValueError(f"{kind!r} is no kind of process: want one of {Process.Kind.values}")
    now = timezone.now()
    host = socket.gethostname()[:100]
    row = Process(
        name=f"{kind}@{host}:{os.getpid()}", kind=kind, host=host, pid=os.getpid(),
        queues=list(queues), device=device[:40], version=settings.VERSION, started_at=now,
    )  # fmt: skip

    def beat() -> None:
        row.beat_at = timezone.now()
        if not Process.objects.filter(name=row.name).update(beat_at=row.beat_at):
            _write(row)
        if not connection.in_atomic_block:  # ten seconds are long to hold a connection for this
            connection.close()

    with _patiently("begin"):
        prune()
        _forget_killed(host)
        row.beat_at = now
        _write(row)
    try:
        with locks.beating(beat, BEAT_S):
            yield row.name
    finally:
        with _patiently("end"):
            Process.objects.filter(name=row.name).delete()


def prune() -> int:
    """Forget processes silent for a day. Returns how many."""
    return Process.objects.filter(beat_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()[0]


def _forget_killed(host: str) -> None:
    """Processes of this host that are no more. One wrongly forgotten is back with its next beat."""
    for row in Process.objects.filter(host=host):
        if not _is_alive(row.pid):
            row.delete()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _write(row: Process) -> None:
    names = ("kind", "host", "pid", "queues", "device", "version", "started_at", "beat_at")
    values = {name: getattr(row, name) for name in names}
    Process.objects.update_or_create(name=row.name, defaults=values)


@contextmanager
def _patiently(what: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        log.warning("the row of this process's %s was not written: %s", what, error)
