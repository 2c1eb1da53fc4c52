"""Lists of known hashes: read by the worker, held against images, shown as marks.

`report` of a list tells of its last file: {"read", "new", "held", "low", "unrated", "bad": counts,
"examples": [[line, reason], …]}. "held" were in the list already, "low" are of too low a quality
to be compared, "unrated" came without quality and are taken as good.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from imagery import uploads
from imagery.core import hash_lists, known_hashes
from imagery.models import Event, HashList, Image, KnownHash, KnownMatch, UniqueImage
from imagery.writing import insert_rows

BATCH = 20_000
BLOCK = 50_000
EXAMPLES = 20
# Workers' clocks may differ by this much: images looked at shortly before are looked through again.
MARGIN = timedelta(minutes=2)
SILENT_S = 60
log = logging.getLogger(__name__)


# Lists ---------------------------------------------------------------------------------------


def accept(hash_list: HashList, file: UploadedFile, user: Any) -> None:
    """Keep an uploaded file for the worker to read into the list, new or not."""
    hash_list.filename = Path(file.name or "list").name[:255]
    hash_list.user, hash_list.state, hash_list.reason = user, HashList.State.QUEUED, ""
    with transaction.atomic():
        hash_list.save()
        target = _upload(hash_list)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("wb") as kept:
            shutil.copyfileobj(file, kept, 2**20)
        uploads.share(target)


def _upload(hash_list: HashList) -> Path:
    return settings.UPLOADS_DIR / "lists" / str(hash_list.pk)


def take(list_id: int) -> None:
    """Read a list's uploaded file and match it anew. One that is being read is left alone."""
    waiting = HashList.objects.filter(pk=list_id, state=HashList.State.QUEUED)
    if not waiting.update(state=HashList.State.READING, updated_at=timezone.now()):
        return
    hash_list = HashList.objects.get(pk=list_id)
    try:
        _take(hash_list)
    except IntegrityError:
        if HashList.objects.filter(pk=list_id).exists():
            raise
        log.info("list %s was removed while it was read", list_id)


def _take(hash_list: HashList) -> None:
    try:
        with uploads.here(_upload(hash_list)).open("rb") as file:
            hash_list.report = _read(hash_list, hash_lists.read(file))
    except OSError as error:
        what = error.strerror or "gone"
        _finish(hash_list, f"{hash_list.filename} cannot be read here ({what}): send it again.")
        return
    uploads.drop(_upload(hash_list))
    if not hash_list.report["read"]:
        _finish(hash_list, f"{hash_list.filename} holds no line with a hash.")
        return
    hash_list.matched_at = None  # all images anew
    _match(hash_list)
    none_good = not hash_list.n_hashes
    _finish(hash_list, f"No line of {hash_list.filename} could be used." if none_good else "")


def _finish(hash_list: HashList, reason: str) -> None:
    hash_list.state = HashList.State.FAILED if reason else HashList.State.DONE
    hash_list.reason = reason[:500]
    fields = ["state", "reason", "report", "n_hashes", "updated_at"]
    with transaction.atomic():  # who sees it done sees its marks
        hash_list.save(update_fields=fields)
        changed(hash_list.event_id)


def _read(hash_list: HashList, found: Iterable[hash_lists.Row | hash_lists.Bad]) -> dict[str, Any]:
    """Add rows to the list; returns the report and counts the list's hashes."""
    report: dict[str, Any] = dict.fromkeys(("read", "new", "held", "low", "unrated", "bad"), 0)
    report["examples"] = []
    batch: dict[str, tuple[Any, ...]] = {}
    before = hash_list.hashes.count()
    for row in found:
        report["read"] += 1
        if isinstance(row, hash_lists.Bad):
            report["bad"] += 1
            if len(report["examples"]) < EXAMPLES:
                report["examples"].append([row.line, row.reason])
            continue
        quality = hash_lists.UNRATED if row.quality is None else row.quality
        report["unrated"] += row.quality is None
        if quality < hash_lists.LEAST_QUALITY:
            report["low"] += 1
            continue
        batch.setdefault(row.pdq, (hash_list.pk, row.pdq, quality, row.name))
        if len(batch) >= BATCH:
            _keep(hash_list, batch)
            batch = {}
    _keep(hash_list, batch)
    hash_list.n_hashes = hash_list.hashes.count()
    report["new"] = hash_list.n_hashes - before
    report["held"] = report["read"] - report["bad"] - report["low"] - report["new"]
    return report


def _keep(hash_list: HashList, batch: dict[str, tuple[Any, ...]]) -> None:
    columns = ("hash_list_id", "pdq", "quality", "name")
    with transaction.atomic():
        insert_rows(KnownHash, columns, list(batch.values()), ignore_conflicts=True)
        HashList.objects.filter(pk=hash_list.pk).update(updated_at=timezone.now())


def resume() -> int:
    """Take up lists whose reader is silent. Returns how many."""
    from imagery import tasks

    silent = HashList.objects.filter(updated_at__lt=timezone.now() - timedelta(seconds=SILENT_S))
    silent.filter(state=HashList.State.READING).update(state=HashList.State.QUEUED)
    waiting = list(silent.filter(state=HashList.State.QUEUED).values_list("pk", flat=True))
    for pk in waiting:
        tasks.take_list.delay_on_commit(pk)
    return len(waiting)


def drop(hash_list: HashList) -> None:
    """Delete the list with its hashes and marks."""
    with transaction.atomic():
        _drop_rows(HashList.objects.filter(pk=hash_list.pk))
        changed(hash_list.event_id)
    uploads.drop(_upload(hash_list))


def drop_all(event: Event) -> None:
    """Delete all of the event's lists, before the event goes."""
    sent = [_upload(hash_list) for hash_list in event.hash_lists.all()]
    _drop_rows(event.hash_lists.all())
    for path in sent:
        uploads.drop(path)


def _drop_rows(lists: QuerySet[HashList]) -> None:
    """Straight in the database: to collect a million rows before deleting them takes minutes."""
    pks = list(lists.values_list("pk", flat=True))
    hashes = KnownHash.objects.filter(hash_list__in=pks)
    matches = KnownMatch.objects.filter(known__in=hashes)
    matches._raw_delete(matches.db)
    hashes._raw_delete(hashes.db)
    HashList.objects.filter(pk__in=pks).delete()


def changed(event_id: int) -> None:
    """Marks or covers of the event's pictures are others now: addresses of thumbnails change."""
    Event.objects.filter(pk=event_id).update(known_revision=F("known_revision") + 1)


# Matches -------------------------------------------------------------------------------------


def run(event: Event) -> None:
    """Hold images looked at since against each of the event's lists."""
    lists = list(event.hash_lists.filter(state=HashList.State.DONE))
    moved = [_match(hash_list) for hash_list in lists]
    if any(moved):
        changed(event.pk)


def _match(hash_list: HashList) -> bool:
    """Mark images looked at since last time, each by the nearest hash of the list that is near.

    Returns whether any mark is another one than before.
    """
    images = Image.objects.filter(event_id=hash_list.event_id, failed_at=None).exclude(pdq="")
    last = images.aggregate(at=Max("looked_at"))["at"]
    good = images.filter(pdq_quality__gte=hash_lists.LEAST_QUALITY)
    held = KnownMatch.objects.filter(known__hash_list=hash_list)
    if hash_list.matched_at is not None:
        if last is None or last <= hash_list.matched_at:
            return False
        since = hash_list.matched_at - MARGIN
        good = good.filter(looked_at__gt=since)
        held = held.filter(image__looked_at__gt=since)
    rows = list(good.values_list("pk", "pdq"))
    pks = np.array([pk for pk, _ in rows], np.int64)
    who, bits = known_hashes.nearest(_unpacked([pdq for _, pdq in rows]), _blocks(hash_list))
    hit = np.flatnonzero(who != known_hashes.NOBODY)
    found = set(zip(who[hit].tolist(), pks[hit].tolist(), bits[hit].tolist(), strict=True))
    with transaction.atomic():
        before = {row[1:]: row[0] for row in held.values_list("pk", "known", "image", "distance")}
        _delete([pk for row, pk in before.items() if row not in found])
        new = sorted(found - before.keys())
        insert_rows(KnownMatch, ("known_id", "image_id", "distance"), new)
        HashList.objects.filter(pk=hash_list.pk).update(matched_at=last)
    return found != before.keys()


def _delete(match_ids: list[int]) -> None:
    for begin in range(0, len(match_ids), 500):
        KnownMatch.objects.filter(pk__in=match_ids[begin : begin + 500]).delete()


def _unpacked(hashes: list[str]) -> np.ndarray:
    """(n, 32) uint8."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, 32)


def _blocks(hash_list: HashList) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    after = 0
    while True:
        found = hash_list.hashes.filter(pk__gt=after).order_by("pk")
        rows = list(found.values_list("pk", "pdq")[:BLOCK])
        if not rows:
            return
        after = rows[-1][0]
        ids = np.array([pk for pk, _ in rows], np.int64)
        yield ids, _unpacked([pdq for _, pdq in rows])


# Marks ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """A list that knows a picture, through any of its files."""

    list_id: int
    name: str
    blocks: bool


def marks(event: Event, unique_ids: Iterable[int]) -> dict[int, tuple[Mark, ...]]:
    """Marks by unique image, blocking ones first; no query where the event never had a list."""
    wanted = list(unique_ids)
    if not event.known_revision or not wanted:
        return {}
    path = "known__hash_list__"
    rows = (
        KnownMatch.objects.filter(image__unique__in=wanted)
        .values_list("image__unique_id", f"{path}id", f"{path}name", f"{path}action")
        .order_by(f"{path}action", f"{path}name")
        .distinct()
    )
    found: dict[int, tuple[Mark, ...]] = {}
    for unique, pk, name, action in rows:
        mark = Mark(pk, name, action == HashList.Action.BLOCK)
        found[unique] = (*found.get(unique, ()), mark)
    return found


def covering(event: Event, unique_ids: Iterable[int | None]) -> str:
    """Names of the block lists that know any of these, "" where none does."""
    found = marks(event, [pk for pk in unique_ids if pk is not None]).values()
    return ", ".join(sorted({mark.name for held in found for mark in held if mark.blocks}))


def is_covered(image: Image) -> bool:
    """Whether a block list knows the image or another file of its set."""
    found = KnownMatch.objects.filter(known__hash_list__action=HashList.Action.BLOCK)
    if image.unique_id is None:
        return found.filter(image=image.pk).exists()
    return found.filter(image__unique=image.unique_id).exists()


def marked(
    event: Event, list_id: int | None = None, action: str | None = None
) -> QuerySet[UniqueImage, int]:
    """Ids of the event's unique images that a list knows: that one, those of that action, or any.

    For filters: `UniqueImage.objects.filter(pk__in=known.marked(event, action="block"))`.
    """
    found = KnownMatch.objects.filter(known__hash_list__event=event, image__unique__isnull=False)
    if list_id is not None:
        found = found.filter(known__hash_list=list_id)
    if action is not None:
        found = found.filter(known__hash_list__action=action)
    return UniqueImage.objects.filter(pk__in=found.values("image__unique")).values_list(
        "pk", flat=True
    )
