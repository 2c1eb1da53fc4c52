"""Backup and restore as processes of their own, on SQLite and on a PostgreSQL server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagery.backups import manifest
from tests import service_stack

ROOT = Path(__file__).parent.parent.parent.parent
FILL = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.authtoken.models import Token
from imagery import ingest
from imagery.models import Collection, Event, Post
from tests import factories
event = factories.organised(Event.objects.create(slug="storm", name="Störm"), n_unique=4)
user = User.objects.create_superuser("keeper", password="correct horse battery")
Token.objects.create(user=user)
session = SessionStore()
session["who"] = "keeper"
session.save()
held = Collection.objects.create(event=event, name="Live", source="feed", token="very-secret-token")
Post.objects.filter(uid="1000").update(collected_by=held)
row = ingest.accept_upload(event, user, SimpleUploadedFile("posts.ndjson", b"as it came"))
"""
TELL = """
import hashlib, json
from pathlib import Path
from django.apps import apps
from django.core.files.storage import default_storage
from imagery.models import Collection, Image, Import, Post, Process
from rest_framework.authtoken.models import Token
counts = {m._meta.db_table: m.objects.count() for m in apps.get_models() if m is not Process}
files = sorted(p.relative_to(default_storage.location).as_posix()
               for p in Path(default_storage.location).rglob("*") if p.is_file())
print(json.dumps({
    "counts": counts, "files": files, "upload": Path(Import.objects.get().path).read_text(),
    "texts": hashlib.sha256("".join(
        Post.objects.order_by("pk").values_list("text", flat=True)).encode()).hexdigest(),
    "whole": all(hashlib.sha256(default_storage.open(f"blobs/{s[:2]}/{s[2:4]}/{s}").read())
                 .hexdigest() == s for s in Image.objects.values_list("sha256", flat=True)),
    "token": Collection.objects.get().token, "tokens": Token.objects.count(),
    "collected": Post.objects.filter(collected_by=Collection.objects.get()).count(),
    "found": Post.objects.filter(text__contains="again 1").count(),
}))
"""


# One process for several commands: each would take seconds to begin.
DRIVE = """
import io, json, sys
import django
django.setup()
from django.core.management import call_command
from django.core.management.base import CommandError
for name, *rest in json.loads(sys.argv[1]):
    out = io.StringIO()
    try:
        if name == "run":
            sys.stdout, before = out, sys.stdout
            try:
                exec(rest[0], {})
            finally:
                sys.stdout = before
        else:
            call_command(name, *rest, stdout=out)
        print(json.dumps(["done", out.getvalue()]))
    except CommandError as error:
        print(json.dumps(["refused", str(error)]))
"""
RUN_FILL, RUN_TELL = ("run", FILL), ("run", TELL)


class Installation:
    """A data folder, and a database of its own where one is named."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.env = os.environ | {
            "AFTERIMAGE_DATA": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        for name in ("SECRET_KEY", "DATABASE_URL"):
            self.env.pop(name, None)
        if database:
            self.env["DATABASE_URL"] = database

    def do(self, *commands: tuple[str, ...]) -> list[tuple[str, str]]:
        """What became of each: "done" or "refused", and what it said."""
        ended = subprocess.run(
            [sys.executable, "-c", DRIVE, json.dumps(commands)], cwd=ROOT, env=self.env, text=True,
            capture_output=True, timeout=180, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
        return [tuple(json.loads(line)) for line in ended.stdout.splitlines()]

    def done(self, *commands: tuple[str, ...]) -> list[str]:
        ended = self.do(*commands)
        assert {state for state, _ in ended} == {"done"}, ended
        return [said for _, said in ended]

    def refused(self, *command: str) -> str:
        ((state, said),) = self.do(command)
        assert state == "refused"
        return said


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Installation:
    here = Installation(tmp_path_factory.mktemp("from") / "data")
    here.told = json.loads(here.done(RUN_FILL, RUN_TELL)[1])
    return here


@pytest.fixture(scope="module")
def backed_up(made, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("backup") / "daily"
    (told,) = made.done(("backup", str(folder)))
    assert "read back and whole; without secrets" in told
    return folder


@pytest.fixture
def backup(backed_up, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(backed_up, tmp_path / "backup"))


def compare(before: dict, after: dict) -> None:
    """Everything but secrets is as it was."""
    before, after = json.loads(json.dumps([before, after]))
    assert (before.pop("token"), after.pop("token")) == ("very-secret-token", "")
    assert (before.pop("tokens"), after.pop("tokens")) == (1, 0)
    for table in ("django_session", "authtoken_token"):
        assert before["counts"].pop(table) and not after["counts"].pop(table)
    assert after == before and after["whole"] and after["upload"] == "as it came"


def tells_no_secret(folder: Path) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return not any(b"very-secret-token" in path.read_bytes() for path in files)


def test_what_is_restored_is_what_was(made, backed_up, tmp_path):
    there, stray = Installation(tmp_path / "data"), tmp_path / "data" / "files" / "blobs" / "stray"
    assert tells_no_secret(backed_up)
    stray.parent.mkdir(parents=True)
    stray.write_text("of the installation that is given up")
    restored, told, again, replaced, last = there.do(
        ("restore", str(backed_up)), RUN_TELL, ("restore", str(backed_up)),
        ("restore", str(backed_up), "--replace"), RUN_TELL,
    )  # fmt: skip
    assert restored[0] == "done" and "everybody logs in anew" in restored[1]
    compare(made.told, json.loads(told[1]))
    assert again[0] == "refused" and "holds people or events: --replace" in again[1]
    assert replaced[0] == "done" and last == told
    assert (not stray.exists() and not (tmp_path / "data" / "secret_key").exists()) or (
        (tmp_path / "data" / "secret_key").read_text() != (made.folder / "secret_key").read_text()
    )


def test_with_secrets_everything_is_as_it_was(made, tmp_path):
    folder, there = tmp_path / "backup", Installation(tmp_path / "data")
    assert "without secrets" not in made.done(("backup", str(folder), "--secrets"))[0]
    told = there.done(("restore", str(folder)), RUN_TELL)[1]
    assert json.loads(told) == made.told
    assert (tmp_path / "data/secret_key").read_text() == (made.folder / "secret_key").read_text()
    assert (folder / "secret_key").stat().st_mode & 0o077 == 0


def pooled(folder: Path) -> dict[Path, int]:
    files = (path for path in (folder / "pool").rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def test_again_into_the_same_folder_only_what_is_new_is_copied(made, backup):
    kept = pooled(backup)
    new = made.folder / "files" / "blobs" / "later"
    new.write_bytes(b"came later")
    try:
        made.done(("backup", str(backup)))
    finally:
        new.unlink()
    now = pooled(backup)
    assert len(now) == len(kept) + 1 and kept.items() <= now.items()
    (backup / "rows-20990101T000000000000.sqlite3").write_bytes(b"of a killed one")
    (backup / "pool" / ".draft-1").write_bytes(b"of a killed one")
    assert list(manifest.damage(backup, manifest.read(backup))) == []
    made.done(("backup", str(backup), "--read-all"))
    assert pooled(backup) == kept
    assert len(list(backup.glob("rows-*"))) == len(list(backup.glob("files-*"))) == 1


def largest(folder: Path) -> Path:
    return max((p for p in (folder / "pool").rglob("*") if p.is_file()), key=lambda p: p.name)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("which", ["pool", "rows", "files", "manifest"])
@pytest.mark.parametrize(
    "harm, said",
    [(flip, "its content is not"), (cut, ""), (Path.unlink, "is missing|no such file")],
)
def test_a_damaged_backup_is_told_by_its_file_and_restores_nothing(
    made, backup, tmp_path, which, harm, said
):
    held = manifest.read(backup)
    path = {
        "pool": largest(backup), "rows": backup / held.rows, "files": backup / held.files,
        "manifest": backup / "manifest.json",
    }[which]  # fmt: skip
    if which == "manifest":
        if harm is not Path.unlink:
            path.write_text(path.read_text()[:-40])
        else:
            harm(path)
        with pytest.raises(manifest.Unusable, match=str(path)):
            manifest.read(backup)
        return
    harm(path)
    found = list(manifest.damage(backup, held))
    assert len(found) == 1 and str(path) in found[0]
    assert not said or any(word in found[0] for word in said.split("|"))


def test_a_damaged_backup_restores_nothing_and_the_next_one_mends_it(made, backup, tmp_path):
    there, path = Installation(tmp_path / "data"), largest(backup)
    cut(path)
    told = there.refused("restore", str(backup))
    assert "damaged, nothing was restored" in told and str(path) in told
    assert not (tmp_path / "data" / "files").exists()
    made.done(("backup", str(backup)))
    assert list(manifest.damage(backup, manifest.read(backup))) == []


def test_nothing_is_restored_while_something_runs(made, backup, tmp_path):
    there = Installation(tmp_path / "data")
    there.done(("restore", str(backup)))
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "db.sqlite3")) as held:
        held.execute("SELECT count(*) FROM auth_user").fetchone()
        told = there.refused("restore", str(backup), "--replace")
    assert "uses the database: stop the services" in told


def test_other_folders_and_other_backups_are_told(made, backup, tmp_path):
    photos, commands, wanted = tmp_path / "photos", [], []
    photos.mkdir()
    (photos / "one.jpg").write_bytes(b"")
    commands += [("backup", str(photos)), ("restore", str(photos))]
    wanted += ["holds something else than a backup", "holds no finished backup"]
    told = json.loads((backup / "manifest.json").read_text())
    for name, change, said in (
        ("later", {"migrations": {"imagery": "9999_from_later"}}, "made by a newer version"),
        ("format", {"format": 2}, "is no manifest of format 1"),
        (
            "other",
            {"vendor": "postgresql", "server": "PostgreSQL 15"},
            "its rows are of PostgreSQL",
        ),
    ):
        folder = Path(shutil.copytree(backup, tmp_path / name))
        (folder / "manifest.json").write_text(json.dumps(told | change))
        commands.append(("restore", str(folder)))
        wanted.append(said)
    ended = Installation(tmp_path / "data").do(*commands)
    for (state, said), want in zip(ended, wanted, strict=True):
        assert state == "refused" and want in said


# PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[service_stack.Postgresql]:
    with service_stack.postgresql() as found:
        yield found


SECOND = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE DATABASE second")
"""
MORE = """
from imagery.models import Account, Collection, Event
event = Event.objects.get()
Account.objects.create(event=event, platform="t", uid="new")
Collection.objects.create(event=event, name="new", source="feed")
"""


@pytest.mark.slow
def test_postgresql_round_trip(server, tmp_path):
    folder, with_all = tmp_path / "backup", tmp_path / "with-secrets"
    second = server.url.removesuffix("/postgres") + "/second"
    made, there = Installation(tmp_path / "from", server.url), Installation(tmp_path / "to", second)
    before = json.loads(
        made.done(
            ("run", SECOND), RUN_FILL, RUN_TELL, ("backup", str(folder)),
            ("backup", str(with_all), "--secrets"),
        )[2]
    )  # fmt: skip
    assert tells_no_secret(folder)
    _, told, _, again, replaced, last, _, all_back = there.do(
        ("restore", str(folder)), RUN_TELL, ("run", MORE), ("restore", str(folder)),
        ("restore", str(folder), "--replace"), RUN_TELL,
        ("restore", str(with_all), "--replace"), RUN_TELL,
    )  # fmt: skip
    compare(before, json.loads(told[1]))
    assert again[0] == "refused" and "holds people or events" in again[1]
    assert replaced[0] == "done" and last == told  # rows that came later are gone
    assert json.loads(all_back[1]) == before
    beside = next(folder.glob("rows-*.collections"))
    beside.write_bytes(beside.read_bytes() + b"\n")
    assert [str(beside) in said for said in manifest.damage(folder, manifest.read(folder))] == [
        True
    ]
