"""Making a backup while the product runs."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from imagery import blobs
from imagery.backups import manifest, pool, rows
from imagery.backups.manifest import Manifest, Unusable
from imagery.backups.pool import Entry

log = logging.getLogger(__name__)

Told = Callable[[str], object]
EVERY = 5000  # files, after which is told how far it is


class Refused(Exception):
    """The backup cannot be made there; the message says why."""


def make(folder: Path, tell: Told, secrets: bool = False, read_all: bool = False) -> Manifest:
    """Back rows and files up into the folder, then read back what was written.

    Files are copied before the rows and once more after them, so that those which rows name are
    there. read_all: read back what earlier backups copied, too. Raises Refused, rows.Failed,
    Unusable, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = _before(folder)
    stamp = timezone.now().strftime("%Y%m%dT%H%M%S%f")
    taken = _take(folder, before, tell)
    rows_path = folder / f"rows-{stamp}.{rows.extension()}"
    counts, digests = rows.dump(rows_path, secrets)
    rows_path.chmod(0o600)
    tell(f"{sum(counts.values())} rows in {len(counts)} tables")
    # What was there before and went meanwhile may still be named by the rows.
    entries = taken | _take(folder, taken, tell)
    listed = folder / f"files-{stamp}.tsv"
    with listed.open("w", encoding="utf-8", errors="surrogateescape") as lines:
        lines.writelines(entries[path].line() for path in sorted(entries))
    made = _manifest(folder, rows_path, listed, entries, counts, secrets, _gone(digests, entries))
    _read_back(folder, made, {e.sha256 for e in before.values()}, read_all)
    made.write(folder)
    _drop_earlier(folder, made, {entry.sha256 for entry in entries.values()})
    return made


def _before(folder: Path) -> dict[str, Entry]:
    """Files of the backup that is there. Raises Refused where something else is."""
    there = {path.name for path in folder.iterdir()}
    ours = [n for n in there if n.startswith(("rows-", "files-", "manifest.json", "pool"))]
    if there and not ours:
        raise Refused(f"{folder}: holds something else than a backup; name an empty folder")
    try:
        held = manifest.read(folder)
        return {entry.path: entry for entry in pool.read_list(folder / held.files)}
    except (Unusable, OSError, ValueError) as error:
        if "manifest.json" in there:
            log.warning("the backup before this one is damaged, all is copied anew: %s", error)
        return {}


def _take(folder: Path, known: dict[str, Entry], tell: Told) -> dict[str, Entry]:
    taken: dict[str, Entry] = {}
    for number, entry in enumerate(pool.take(folder, pool.files(), known), 1):
        if entry is not None:
            taken[entry.path] = entry
        if number % EVERY == 0:
            tell(f"{number} files")
    return taken


def _gone(digests: set[str], entries: dict[str, Entry]) -> int:
    """Files that images of the rows name and the backup lacks."""
    names = (f"{pool.STORED}{blobs.blob_name(sha256)}" for sha256 in digests)
    return sum(name not in entries for name in names)


def _manifest(
    folder: Path,
    rows_path: Path,
    listed: Path,
    entries: dict[str, Entry],
    counts: dict[str, int],
    secrets: bool,
    gone: int,
) -> Manifest:
    secret = _secret(folder) if secrets else ""
    beside = rows.beside(rows_path)
    return Manifest(
        format=manifest.FORMAT,
        product=settings.VERSION,
        made_at=timezone.now().isoformat(timespec="seconds"),
        vendor=connection.vendor,
        server=rows.server(),
        migrations=rows.migrations(),
        counts=counts,
        rows=rows_path.name,
        rows_sha256=pool.digest_of(rows_path),
        beside_sha256=pool.digest_of(beside) if beside.exists() else "",
        files=listed.name,
        files_sha256=pool.digest_of(listed),
        n_files=len(entries),
        n_bytes=sum(entry.n_bytes for entry in entries.values()),
        secrets=bool(secret),
        secret_sha256=secret,
        uploads_dir=str(settings.UPLOADS_DIR),
        gone=gone,
    )


def _secret(folder: Path) -> str:
    """Keep the signing key; returns its file's SHA-256, empty where it comes from elsewhere."""
    source, target = settings.DATA_DIR / "secret_key", folder / "secret_key"
    if os.environ.get("SECRET_KEY") or not source.exists():
        return ""
    shutil.copyfile(source, target)
    target.chmod(0o600)
    return pool.digest_of(target)


def _read_back(folder: Path, made: Manifest, known: set[str], read_all: bool) -> None:
    """Raises Refused where what was written is not what is there."""
    wrong = list(manifest.damage(folder, made, contents=read_all))
    if not read_all:
        new = {e.sha256 for e in pool.read_list(folder / made.files)} - known
        for sha256 in sorted(new):
            if pool.digest_of(pool.place(folder, sha256)) != sha256:
                wrong.append(f"{pool.place(folder, sha256)}: its content is not what was written")
        for name, digest in ((made.rows, made.rows_sha256), (made.files, made.files_sha256)):
            if pool.digest_of(folder / name) != digest:
                wrong.append(f"{folder / name}: its content is not what was written")
    if wrong:
        raise Refused("what was read back is not what was written: " + "; ".join(wrong[:5]))


def _drop_earlier(folder: Path, made: Manifest, kept: set[str]) -> None:
    """What only earlier backups name: pictures that were deleted since do not stay here."""
    names = {made.rows, made.files, rows.beside(Path(made.rows)).name}
    for path in (*folder.glob("rows-*"), *folder.glob("files-*.tsv")):
        if path.name not in names:
            path.unlink()
    if not made.secrets:
        (folder / "secret_key").unlink(missing_ok=True)
    pool.prune(folder, kept)
