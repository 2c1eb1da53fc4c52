"""Rows out of the database and into it, by the database's own means."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

# Rows that let somebody in: left out unless secrets are asked for.
SECRET_TABLES = ("django_session", "authtoken_token")
SECRET_COLUMN = ("imagery_collection", "token")


class Failed(Exception):
    """The database, or a program of its, refused; the message says what."""


def extension() -> str:
    return {"sqlite": "sqlite3", "postgresql": "dump"}[connection.vendor]


def server() -> str:
    if connection.vendor == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def tables() -> list[str]:
    """Tables of all models, the links between them included."""
    models = apps.get_models(include_auto_created=True)
    return sorted({m._meta.db_table for m in models if m._meta.managed and not m._meta.proxy})


def migrations() -> dict[str, str]:
    """The last applied migration of each app."""
    applied = MigrationRecorder(connection).applied_migrations()
    found: dict[str, str] = {}
    for app, name in applied:
        found[app] = max(name, found.get(app, ""))
    return dict(sorted(found.items()))


def counts(cursor: Any) -> dict[str, int]:
    found = {}
    for table in tables():
        cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 — our own names
        found[table] = cursor.fetchone()[0]
    return found


def digests(cursor: Any) -> set[str]:
    """SHA-256 digests of the files that images name."""
    cursor.execute("SELECT DISTINCT sha256 FROM imagery_image")
    return {row[0] for row in cursor.fetchall()}


# Out -----------------------------------------------------------------------------------------


def dump(target: Path, secrets: bool) -> tuple[dict[str, int], set[str]]:
    """Write all rows as they are at one moment, while others write; returns what `counts` and
    `digests` tell of that moment. Raises Failed."""
    if connection.vendor == "sqlite":
        return _dump_sqlite(target, secrets)
    return _dump_postgresql(target, secrets)


def _dump_sqlite(target: Path, secrets: bool) -> tuple[dict[str, int], set[str]]:
    source = connection.settings_dict["NAME"]
    try:
        with closing(sqlite3.connect(target)) as copy:
            with closing(sqlite3.connect(source, timeout=60)) as held:
                held.backup(copy)  # in one step: one moment's rows, and nobody waits for it
            copy.execute("PRAGMA journal_mode=DELETE")
            if not secrets:
                for table in SECRET_TABLES:
                    copy.execute(f"DELETE FROM {table}")  # noqa: S608 — our own names
                table, column = SECRET_COLUMN
                copy.execute(f"UPDATE {table} SET {column} = ''")  # noqa: S608
                copy.commit()
                copy.execute("VACUUM")  # else they lie in pages given up
            with closing(copy.cursor()) as cursor:
                return counts(cursor), digests(cursor)
    except sqlite3.Error as error:
        raise Failed(f"SQLite: {error}") from error


def _dump_postgresql(target: Path, secrets: bool) -> tuple[dict[str, int], set[str]]:
    """The dump and the counts are of one snapshot, which our transaction holds meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        if not secrets:
            left_out = (*SECRET_TABLES, SECRET_COLUMN[0])
            options += [f"--exclude-table-data=public.{table}" for table in left_out]
        run("pg_dump", *options, f"--file={target}")
        if not secrets:
            _copy_out(cursor, target)
        found = counts(cursor)
        if not secrets:
            found |= dict.fromkeys(SECRET_TABLES, 0)
        return found, digests(cursor)


def _without_secret(cursor: Any) -> tuple[str, str]:
    """Columns of the table that has a secret one, and what to read of it."""
    table, secret = SECRET_COLUMN
    names = [c.name for c in connection.introspection.get_table_description(cursor, table)]
    columns = ", ".join(f'"{name}"' for name in names)
    read = ", ".join("''" if name == secret else f'"{name}"' for name in names)
    return columns, f"SELECT {read} FROM {table}"  # noqa: S608 — our own names


def beside(rows: Path) -> Path:
    """The table with a secret column, without it."""
    return rows.with_suffix(".collections")


def _copy_out(cursor: Any, target: Path) -> None:
    columns, read = _without_secret(cursor)
    with beside(target).open("wb") as file:
        file.write(f"{columns}\n".encode())
        with cursor.copy(f"COPY ({read}) TO STDOUT") as copy:
            for part in copy:
                file.write(part)


# In ------------------------------------------------------------------------------------------


def is_empty() -> bool:
    """Whether no person and no event is there: a database just made, migrated or not."""
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in ("auth_user", "imagery_event"):
            if table in there:
                cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 — our own names
                if cursor.fetchone():
                    return False
    return True


def load(source: Path) -> None:
    """Put the rows in place of all there are. Raises Failed."""
    if connection.vendor == "sqlite":
        _load_sqlite(source)
    else:
        _load_postgresql(source)


def _load_sqlite(source: Path) -> None:
    target = Path(connection.settings_dict["NAME"])
    connection.close()
    draft = target.with_name(f"{target.name}.restoring")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    for beside_it in ("-wal", "-shm"):
        target.with_name(target.name + beside_it).unlink(missing_ok=True)
    draft.replace(target)


def _load_postgresql(source: Path) -> None:
    with connection.cursor() as cursor:
        _clear(cursor)
    options = ["--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={_database()}"]
    for section in ("pre-data", "data"):
        run("pg_restore", *options, f"--section={section}", str(source))
    if beside(source).exists():
        with beside(source).open("rb") as file, connection.cursor() as cursor:
            columns = file.readline().decode().strip()
            with cursor.copy(f"COPY {SECRET_COLUMN[0]} ({columns}) FROM STDIN") as copy:
                while part := file.read(2**20):
                    copy.write(part)
    run("pg_restore", *options, "--section=post-data", str(source))


def _clear(cursor: Any) -> None:
    """Drop every table and function of ours; extensions stay."""
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'DROP TABLE IF EXISTS "{table}" CASCADE')
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace "
        "LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' "
        "WHERE n.nspname = 'public' AND d.objid IS NULL AND p.proname LIKE 'imagery%%'",
        [],
    )
    for (function,) in cursor.fetchall():
        cursor.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")


# Programs ------------------------------------------------------------------------------------


def program(name: str) -> str:
    """PostgreSQL's program, of the newest version installed. Raises Failed."""
    if found := shutil.which(name):
        return found
    kept = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: float(path.parts[-3]),
    )
    if not kept:
        raise Failed(f"{name} is not installed: it comes with PostgreSQL's client programs")
    return str(kept[-1])


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def run(name: str, *options: str) -> None:
    """Run the program on the settings' database; the password goes by the environment.

    Raises Failed.
    """
    held = connection.settings_dict
    env = os.environ | {
        variable: str(held[setting])
        for variable, setting in (
            ("PGHOST", "HOST"), ("PGPORT", "PORT"), ("PGUSER", "USER"), ("PGPASSWORD", "PASSWORD"),
        )
        if held[setting]
    }  # fmt: skip
    if mode := held.get("OPTIONS", {}).get("sslmode"):
        env["PGSSLMODE"] = str(mode)
    env["PGDATABASE"] = _database()
    command = [program(name), *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Failed(f"{name}: {said[-1] if said else f'ended with {done.returncode}'}")
