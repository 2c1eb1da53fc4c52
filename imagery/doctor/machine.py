"""The machine and its settings: key, hosts, time, files, weights."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from imagery import readiness
from imagery.backups import pool
from imagery.doctor import Finding, bad, doubt, good

LITTLE, SCARCE = 5 * 2**30, 2**30  # bytes


def look() -> Iterator[Finding]:
    yield good("version", settings.VERSION)
    yield secret_key()
    yield hosts()
    yield debugging()
    yield time_zone()
    yield files()
    yield from disks()
    yield weights()


def secret_key() -> Finding:
    if os.environ.get("SECRET_KEY"):
        if len(settings.SECRET_KEY) < 50:
            return doubt(
                "secret key",
                f"SECRET_KEY has {len(settings.SECRET_KEY)} characters",
                "make one of 50 or more; everybody logs in anew then",
            )
        return good("secret key", "by SECRET_KEY")
    path = settings.DATA_DIR / "secret_key"
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return bad("secret key", f"others may read {path}", f"chmod 600 {path}")
    if not settings.EMBEDDED:
        return doubt(
            "secret key",
            f"it lies in {path}, which other machines do not see",
            "set SECRET_KEY to the same on all machines",
        )
    return good("secret key", f"in {path}")


def hosts() -> Finding:
    named = ", ".join(settings.ALLOWED_HOSTS) or "none"
    local = {"localhost", "127.0.0.1", "[::1]"}
    if "*" in settings.ALLOWED_HOSTS:
        return bad("hosts", "ALLOWED_HOSTS lets any host name in", "name yours")
    if set(settings.ALLOWED_HOSTS) <= local:
        return good("hosts", f"{named}: this machine alone")
    if not settings.HTTPS:
        return bad(
            "hosts",
            f"{named}, without HTTPS: passwords and sessions can be read on the way",
            "set HTTPS=1 behind a proxy that ends TLS",
        )
    origins = [f"https://{host.lstrip('.')}" for host in settings.ALLOWED_HOSTS if "." in host]
    if not set(origins) & set(settings.CSRF_TRUSTED_ORIGINS):
        return doubt(
            "hosts",
            f"{named}, with HTTPS, but CSRF_TRUSTED_ORIGINS names none of them",
            f"set it to {origins[0] if origins else 'https://<host>'} if forms are refused",
        )
    return good("hosts", f"{named}, with HTTPS")


def debugging() -> Finding:
    if settings.DEBUG:
        return bad("debugging", "DEBUG shows settings to whoever meets an error", "unset DEBUG")
    return good("debugging", "off")


def time_zone() -> Finding:
    try:
        ZoneInfo("America/Puerto_Rico")
    except ZoneInfoNotFoundError:
        return bad("time zones", "none are installed", "install the system's tzdata")
    return good("time zones", f"known; rows and logs are in {settings.TIME_ZONE}")


def files() -> Finding:
    try:
        readiness.storage()
    except readiness.NotReady as error:
        return bad("files", f"{_where()}: {error}", "make it writable for this user, with room")
    return good("files", f"{_where()}: written to and deleted from")


def _where() -> str:
    if isinstance(default_storage, FileSystemStorage):
        return str(default_storage.location)
    return f"bucket {getattr(default_storage, 'bucket_name', type(default_storage).__name__)}"


def disks() -> Iterator[Finding]:
    """Space of each disk that is written to, each once."""
    folders = {"data": settings.DATA_DIR, "uploads": settings.UPLOADS_DIR}
    if isinstance(default_storage, FileSystemStorage):
        folders["files"] = Path(default_storage.location)
    seen: set[int] = set()
    for what, folder in folders.items():
        while not folder.exists():
            folder = folder.parent
        device = folder.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        yield _space(f"disk of {what}", shutil.disk_usage(folder).free)


def _space(what: str, free: int) -> Finding:
    said = f"{free / 2**30:.1f} GiB are left"
    if free < SCARCE:
        return bad(what, said, "make room now: writes fail soon")
    if free < LITTLE:
        return doubt(what, said, "make room: purge, delete events, or move the data")
    return good(what, said)


def weights() -> Finding:
    name = settings.IMAGERY_BACKBONE
    path = settings.IMAGERY_WEIGHTS_DIR / f"{name}.pth"
    if path.is_file():
        return good("weights", f"{path}, SHA-256 {pool.digest_of(path)[:16]}…")
    fetched = sorted((settings.DATA_DIR / "weights").glob(f"{name}-*.pth"))
    if fetched:
        return good("weights", f"{fetched[0]}, SHA-256 {pool.digest_of(fetched[0])[:16]}…")
    return doubt(
        "weights",
        f"{path} is not there: they are fetched at first use, or events are grouped classically",
        f"put {name}.pth there, or let this machine reach download.pytorch.org",
    )
