"""The database: does it answer, is it what the code wants, is its clock ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from imagery import readiness
from imagery.backups import rows
from imagery.doctor import Finding, bad, doubt, good

LEAST_POSTGRESQL = 140_000
LEAST_BUFFERS = 256 * 2**20
CLOCK_S = 2.0


def look() -> Iterator[Finding]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield good("database", _name())
    except DatabaseError as error:
        said = str(error).strip().splitlines()
        yield bad(
            "database",
            f"{_name()}: {said[0] if said else type(error).__name__}",
            "start it, or mend DATABASE_URL",
        )
        return
    yield migrations()
    if connection.vendor == "postgresql":
        yield version()
        yield from postgresql()
        yield clock()
    else:
        yield from sqlite()


def _name() -> str:
    held = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"SQLite, {held['NAME']}"
    return f"PostgreSQL, {held['NAME']} at {held['HOST'] or 'this machine'}"


def migrations() -> Finding:
    try:
        waiting = readiness.waiting_migrations()
    except DatabaseError as error:
        return bad("tables", str(error), "see to the database first")
    if waiting:
        return bad("tables", f"{len(waiting)} migrations are not applied", "run: manage.py migrate")
    return good("tables", "as the code wants them")


def version() -> Finding:
    number = connection.pg_version  # type: ignore[attr-defined]
    if number < LEAST_POSTGRESQL:
        return bad("PostgreSQL", rows.server(), "14 or later is wanted")
    try:
        program = rows.program("pg_dump")
    except rows.Failed:
        return doubt(
            "PostgreSQL", f"{rows.server()}; pg_dump is not here", "install it for backups"
        )
    return good("PostgreSQL", f"{rows.server()}, backups by {program}")


def postgresql() -> Iterator[Finding]:
    """Settings that cost rows or speed."""
    names = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum", "shared_buffers",
             "max_connections")  # fmt: skip
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", [name])
            found[name] = cursor.fetchone()[0]
        cursor.execute("SHOW server_encoding")
        encoding = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type='client backend'")
        n_used = cursor.fetchone()[0]
    off = [name for name in ("fsync", "full_page_writes", "autovacuum") if found[name] == "off"]
    if off:
        yield bad("durability", f"{', '.join(off)} off: a crash may cost rows", "switch it on")
    else:
        yield good("durability", "fsync, full pages and autovacuum are on")
    if encoding != "UTF8":
        yield bad("encoding", encoding, "make the database anew with UTF8")
    buffers = int(found["shared_buffers"]) * 8192
    if buffers < LEAST_BUFFERS:
        yield doubt(
            "memory",
            f"shared_buffers is {buffers // 2**20} MiB",
            "a quarter of the memory is usual",
        )
    else:
        yield good("memory", f"shared_buffers is {buffers // 2**20} MiB")
    most = int(found["max_connections"])
    if n_used > 0.8 * most:
        yield doubt("connections", f"{n_used} of {most} are used", "raise max_connections")
    else:
        yield good("connections", f"{n_used} of {most} are used")


def clock() -> Finding:
    """How far our clock is from the database's, where leases and heartbeats are kept."""
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    middle = before + (timezone.now() - before) / 2
    return told_clock((theirs - middle).total_seconds())


def told_clock(apart_s: float) -> Finding:
    if abs(apart_s) > CLOCK_S:
        return bad(
            "clock",
            f"{abs(apart_s):.1f} s {'behind' if apart_s > 0 else 'ahead of'} the database's",
            "keep the time by NTP: leases and heartbeats need one clock",
        )
    return good("clock", f"within {CLOCK_S:.0f} s of the database's")


def sqlite() -> Iterator[Finding]:
    path = Path(str(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    if mode != "wal":
        yield bad("journal", f"{mode}, not WAL", "SQLite's file must lie on a disk of this machine")
    else:
        yield good("journal", "WAL")
    if not settings.EMBEDDED:
        yield bad(
            "services", "a broker's server beside SQLite", "set DATABASE_URL to a PostgreSQL server"
        )
    if path.exists():
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        ahead = (changed - timezone.now()).total_seconds()
        if ahead > CLOCK_S:
            yield told_clock(ahead)
        else:
            yield good("clock", "not behind the database's file")
