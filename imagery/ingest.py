"""Records → posts, accounts and links: batches, upserted by (platform, id)."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction
from django.utils import timezone

from imagery import import_names, rules, sources
from imagery.models import Account, Event, Import, Link, Post, PostLink
from imagery.sources.base import AccountRecord, BadRow, ImageRef, Record, UnreadableFile
from imagery.writing import update_rows

BATCH = 500
ACCOUNT_FIELDS = (
    "handle", "name", "followers", "following", "n_posts", "created_at", "verified", "location",
)  # fmt: skip
POST_FIELDS = (
    "posted_at", "text", "lang", "url", "likes", "reposts", "comments", "views", "lat", "lon",
    "place", "repost_of", "reply_to",
)  # fmt: skip
COUNTED = (
    "n_read", "n_new", "n_updated", "n_unchanged", "n_left_out", "n_bad", "n_bytes_read",
    "bad_rows", "state", "reason", "updated_at", "finished_at",
)  # fmt: skip
Key = tuple[str, str]


# Files ---------------------------------------------------------------------------------------


def accept_upload(
    event: Event,
    user: Any,
    file: UploadedFile,
    format: str = "auto",
    images_file: UploadedFile | None = None,
) -> Import:
    """Keep an uploaded file (and a ZIP of its pictures) and queue it. Names stay labels."""
    folder = settings.UPLOADS_DIR / uuid.uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    # Files first: a row may be taken up by a worker as soon as it is there.
    path = _keep(file, folder / "posts")
    images = _keep(images_file, folder / "images") if images_file else None
    return Import.objects.create(
        event=event,
        user=user,
        filename=import_names.name_for(event, file.name, path, images),
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
    if row.path and folder.parent == settings.UPLOADS_DIR:
        shutil.rmtree(folder, ignore_errors=True)
    bad_rows_path(row).unlink(missing_ok=True)


def _keep(file: UploadedFile, target: Path) -> Path:
    with target.open("wb") as kept:
        for chunk in file.chunks(2**20):
            kept.write(chunk)
    return target


# Rows ----------------------------------------------------------------------------------------


def run(row: Import, progress: Callable[[Import], None] | None = None) -> Import:
    """Read the import's file into rows; safe to repeat. A bad row stops nothing.

    A file that cannot be read at all leaves the import failed, with the reason on it.
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
    row.finished_at = timezone.now()
    _save_counts(row)
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
    book = rules.rulebook(row.event)
    bad = bad_rows_path(row)
    bad.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def on_bytes(n: int) -> None:
        row.n_bytes_read = min(n, row.n_bytes) if row.n_bytes else n

    with bad.open("wb") as bad_file:
        batch: list[Record] = []
        for item in sources.read(
            Path(row.path), format=row.format, on_bytes=on_bytes, filename=row.filename
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
                _store_and_tell(row, batch, progress)
                batch = []
        _store_and_tell(row, batch, progress)
    row.bad_rows = bad.name if row.n_bad else ""
    if not row.n_bad:
        bad.unlink()


def _store_and_tell(
    row: Import, batch: list[Record], progress: Callable[[Import], None] | None
) -> None:
    if batch:
        new, updated = store(row.event, batch, row)
        row.n_new += new
        row.n_updated += updated
        row.n_unchanged += len(batch) - new - updated
    _save_counts(row)
    if progress:
        progress(row)


def _save_counts(row: Import) -> None:
    row.updated_at = timezone.now()
    row.save(update_fields=COUNTED)


@transaction.atomic
def store(event: Event, records: Iterable[Record], source: Import | None = None) -> tuple[int, int]:
    """Upsert a batch; returns (new, updated) posts. A known value never becomes unknown.

    Of two records of one post in a batch the later one counts.
    """
    batch = {(record.platform[:30], record.uid[:300]): record for record in records}
    accounts = _store_accounts(event, batch.values())
    links = _store_links(event, batch.values(), source)
    known = {
        (post.platform, post.uid): post
        for post in event.posts.filter(
            platform__in={p for p, _ in batch}, uid__in=[uid for _, uid in batch]
        )
    }
    new, changed = [], []
    for key, record in batch.items():
        account = accounts.get(_account_key(record))
        if key not in known:
            new.append(_post(event, key, record, account, source))
        elif _update_post(known[key], record, account):
            changed.append(known[key])
    Post.objects.bulk_create(new)
    update_rows(changed, [*POST_FIELDS, "hashtags", "account", "has_images", "selected"])
    known.update({(post.platform, post.uid): post for post in new})
    _tie(batch, known, links, source)
    return len(new), len(changed)


def _post(
    event: Event, key: Key, record: Record, account: Account | None, source: Import | None
) -> Post:
    post = Post(
        event=event,
        platform=key[0],
        uid=key[1],
        account=account,
        hashtags=list(record.hashtags),
        has_images=bool(record.images),
        imported_by=source,
    )
    _fill(post, record, POST_FIELDS)
    return post


def _update_post(post: Post, record: Record, account: Account | None) -> bool:
    changed = _fill(post, record, POST_FIELDS)
    if record.hashtags and post.hashtags != list(record.hashtags):
        post.hashtags, changed = list(record.hashtags), True
    if record.images and not post.has_images:
        post.has_images, changed = True, True
    if account is not None and post.account_id != account.pk:
        post.account, changed = account, True
    if not post.selected:
        post.selected, changed = True, True
    return changed


def _fill(row: models.Model, record: Record | AccountRecord, fields: tuple[str, ...]) -> bool:
    """Copy what the record knows onto the row; says whether anything changed."""
    changed = False
    for name in fields:
        value = getattr(record, name)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            limit = row._meta.get_field(name).max_length  # type: ignore[union-attr]
            value = value[:limit] if limit else value
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def _account_key(record: Record) -> Key:
    return (record.platform[:30], record.account.uid[:200] if record.account else "")


def _store_accounts(event: Event, records: Iterable[Record]) -> dict[Key, Account]:
    wanted: dict[Key, list[AccountRecord]] = {}
    for record in records:
        if record.account and record.account.uid:
            wanted.setdefault(_account_key(record), []).append(record.account)
    known = {
        (row.platform, row.uid): row
        for row in event.accounts.filter(
            platform__in={p for p, _ in wanted}, uid__in=[uid for _, uid in wanted]
        )
    }
    new, changed = [], []
    for key, told in wanted.items():
        row = known.get(key)
        fresh = row is None
        if row is None:
            row = known[key] = Account(event=event, platform=key[0], uid=key[1])
        moved = [_fill(row, account, ACCOUNT_FIELDS) for account in told]
        if fresh:
            new.append(row)
        elif any(moved):
            changed.append(row)
    Account.objects.bulk_create(new)
    update_rows(changed, ACCOUNT_FIELDS)
    return known


def url_of(ref: ImageRef, source: Import | None) -> str:
    """What stands for the picture in the event: its URL, or its place inside the import."""
    return urldefrag(ref.url).url or f"file:{source.filename if source else ''}/{ref.file}"


def link_key(url: str) -> str:
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _store_links(event: Event, records: Iterable[Record], source: Import | None) -> dict[str, Link]:
    refs = {url_of(ref, source): ref for r in records for ref in r.images if ref.url or ref.file}
    keys = {link_key(url): url for url in refs}
    known = {row.key: row for row in event.links.filter(key__in=list(keys))}
    new, again = [], []
    for key, url in keys.items():
        ref, row = refs[url], known.get(key)
        if row is None:
            row = Link(event=event, key=key, url=url, file=ref.file[:500], source=source)
            row.alt = ref.alt[:1000]
            known[key] = row
            new.append(row)
        elif (
            ref.file
            and source
            and row.state != Link.State.FETCHED
            and (row.source_id != source.pk or row.file != ref.file)
        ):
            row.file, row.source, row.state = ref.file[:500], source, Link.State.WAITING
            again.append(row)
    Link.objects.bulk_create(new)
    update_rows(again, ["file", "source", "state"])
    return {row.url: row for row in known.values()}


def _tie(
    batch: dict[Key, Record],
    posts: dict[Key, Post],
    links: dict[str, Link],
    source: Import | None,
) -> None:
    rows = [
        PostLink(post=posts[key], link=links[url_of(ref, source)], position=position)
        for key, record in batch.items()
        for position, ref in enumerate(record.images)
        if ref.url or ref.file
    ]
    PostLink.objects.bulk_create(rows, ignore_conflicts=True)
