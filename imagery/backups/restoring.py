"""Putting a backup back, with nothing running."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from imagery import supervisor
from imagery.backups import manifest, pool, rows
from imagery.backups.making import EVERY, Told
from imagery.backups.manifest import Manifest, Unusable
from imagery.models import Import, Process

MOST_TOLD = 20


class Refused(Exception):
    """The backup is not put back; the message says why, and what to do."""


def restore(folder: Path, tell: Told, replace: bool = False) -> Manifest:
    """Put rows and files back as they were, then look whether they are.

    Nothing is touched before the whole backup was read. Raises Refused, Unusable, rows.Failed,
    OSError.
    """
    made = manifest.read(folder)
    _check(folder, made)
    tell(f"the backup of {made.made_at} is whole: {made.n_files} files, {made.n_bytes} bytes")
    if not replace and not rows.is_empty():
        raise Refused("this installation holds people or events: --replace gives them up")
    try:
        with supervisor.only_worker():
            _check_idle()
            _put_back(folder, made, tell)
    except supervisor.AlreadyRunning:
        raise Refused("a worker of this data folder is running: stop it first") from None
    wrong = list(_differences(folder, made))
    if wrong:
        raise Refused("what lies here now is not what was backed up: " + "; ".join(wrong))
    call_command("migrate", verbosity=0, interactive=False)
    _follow_uploads(made)
    return made


def _check(folder: Path, made: Manifest) -> None:
    wrong = []
    for said in manifest.damage(folder, made):
        wrong.append(said)
        if len(wrong) == MOST_TOLD:
            wrong.append("and maybe more")
            break
    if wrong:
        raise Unusable("the backup is damaged, nothing was restored:\n" + "\n".join(wrong))
    if made.vendor != connection.vendor:
        raise Refused(f"its rows are of {made.server}; DATABASE_URL names a {connection.vendor}")
    loader = MigrationLoader(connection, load=False)
    loader.load_disk()
    known = loader.disk_migrations or {}
    for app, name in made.migrations.items():
        if any(label == app for label, _ in known) and (app, name) not in known:
            raise Refused(f"it was made by a newer version ({made.product}): {app}.{name}")


def _check_idle() -> None:
    """Raises Refused where something else uses the rows."""
    if "imagery_process" not in connection.introspection.table_names():
        return
    alive = list(Process.objects.alive().values_list("name", flat=True)[:5])
    if alive:
        raise Refused(f"still at work: {', '.join(alive)}. Stop them, or wait a minute")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            others = cursor.fetchone()[0]
        if others:
            raise Refused(f"{others} other connections use the database: stop the services first")
    else:
        users = list(_who_has_open(Path(connection.settings_dict["NAME"])))
        if users:
            raise Refused(f"process {users[0]} uses the database: stop the services first")


def _who_has_open(path: Path) -> Iterator[int]:
    """Other processes of this machine that have the file open (Linux)."""
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            if any(link.readlink() == path for link in (process / "fd").iterdir()):
                yield int(process.name)
        except OSError:  # ended meanwhile, or another person's
            continue


def _put_back(folder: Path, made: Manifest, tell: Told) -> None:
    kept = set()
    for number, entry in enumerate(pool.read_list(folder / made.files), 1):
        pool.put_back(folder, entry)
        kept.add(entry.path)
        if number % EVERY == 0:
            tell(f"{number} files")
    for found in list(pool.files()):
        if found.path not in kept:
            pool.remove(found.path)
    rows.load(folder / made.rows)
    if made.secrets:
        target = settings.DATA_DIR / "secret_key"
        shutil.copyfile(folder / "secret_key", target)
        target.chmod(0o600)


def _differences(folder: Path, made: Manifest) -> Iterator[str]:
    """What is not as the manifest says, of rows by their counts and of files by their content."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for table, n in made.counts.items():
            if table not in there:
                yield f"table {table} is missing"
                continue
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 — our own names
            found = cursor.fetchone()[0]
            if found != n:
                yield f"table {table} has {found} rows, not {n}"
    for entry in pool.read_list(folder / made.files):
        try:
            if pool.digest_back(entry) != entry.sha256:
                yield f"{entry.path}: its content is another"
        except OSError as error:
            yield f"{entry.path}: {error.strerror or error}"


def _follow_uploads(made: Manifest) -> None:
    """Paths of uploads lead to where they lie now; processes of then are no more."""
    was, now = f"{made.uploads_dir}/", f"{settings.UPLOADS_DIR}/"
    if was != now:
        for name in ("path", "images_path"):
            Import.objects.filter(**{f"{name}__startswith": was}).update(
                **{name: Concat(Value(now), Substr(F(name), len(was) + 1))}
            )
    Process.objects.filter(started_at__lt=timezone.now()).delete()
