"""What a backup says of itself, and whether that is still so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from imagery.backups import pool, rows

FORMAT = 1
NAME = "manifest.json"


class Unusable(Exception):
    """The folder holds no backup that can be used; the message names the file."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Versions, counts and digests. counts: rows by table; migrations: the last of each app."""

    format: int
    product: str
    made_at: str
    vendor: str
    server: str
    migrations: dict[str, str]
    counts: dict[str, int]
    rows: str
    rows_sha256: str
    beside_sha256: str  # of the table that is kept beside the rows, without its secrets
    files: str
    files_sha256: str
    n_files: int
    n_bytes: int
    secrets: bool
    secret_sha256: str
    uploads_dir: str
    gone: int  # files that rows name and that were deleted while the backup was made

    def write(self, folder: Path) -> None:
        draft = folder / f"{NAME}.draft"
        draft.write_text(json.dumps(asdict(self), indent=1) + "\n")
        draft.replace(folder / NAME)


def read(folder: Path) -> Manifest:
    """Raises Unusable."""
    path = folder / NAME
    try:
        told: Any = json.loads(path.read_text())
    except FileNotFoundError:
        raise Unusable(f"{path}: no such file; the folder holds no finished backup") from None
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read: {error}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise Unusable(f"{path}: is no manifest of format {FORMAT}")
    names = {field.name for field in fields(Manifest)}
    if missing := sorted(names - told.keys()):
        raise Unusable(f"{path}: lacks {', '.join(missing)}")
    return Manifest(**{name: told[name] for name in names})


def damage(folder: Path, manifest: Manifest, contents: bool = True) -> Iterator[str]:
    """What is wrong, each naming its file: rows, list, secret, then every file of the list.

    contents: read the pool's bytes too, not their sizes alone.
    """
    yield from _wrong(folder / manifest.rows, manifest.rows_sha256)
    if manifest.beside_sha256:
        yield from _wrong(rows.beside(folder / manifest.rows), manifest.beside_sha256)
    listed = folder / manifest.files
    wrong = list(_wrong(listed, manifest.files_sha256))
    yield from wrong
    if manifest.secrets:
        yield from _wrong(folder / "secret_key", manifest.secret_sha256)
    if wrong:
        return
    n = n_bytes = 0
    seen: set[str] = set()
    for entry in pool.read_list(listed):
        n, n_bytes = n + 1, n_bytes + entry.n_bytes
        if entry.sha256 in seen:
            continue
        seen.add(entry.sha256)
        path = pool.place(folder, entry.sha256)
        for said in _wrong(path, entry.sha256, entry.n_bytes, contents):
            yield f"{said} (it is {entry.path})"
    if (n, n_bytes) != (manifest.n_files, manifest.n_bytes):
        yield f"{listed}: lists {n} files of {n_bytes} bytes, not {manifest.n_files} of " + str(
            manifest.n_bytes
        )


def _wrong(
    path: Path, sha256: str, n_bytes: int | None = None, contents: bool = True
) -> Iterator[str]:
    try:
        size = path.stat().st_size
        if n_bytes is not None and size != n_bytes:
            yield f"{path}: has {size} bytes, not {n_bytes}"
        elif contents and pool.digest_of(path) != sha256:
            yield f"{path}: its content is not what was written"
    except FileNotFoundError:
        yield f"{path}: is missing"
    except OSError as error:
        yield f"{path}: cannot be read: {error.strerror or error}"
