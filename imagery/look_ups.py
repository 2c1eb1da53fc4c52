"""Looking a picture up: asked by a person, answered by the worker, forgotten after a while.

`found` of a row: {"events": {id: images}, "exact": [image, …], "near": [[image, pHash bits, PDQ
bits], …], "versions" and "differs": [[image, kind, inliers], …], "alike": [[image, similarity],
…], "notes": {step: [text, …]}}. A step's key is there once it is done. Ids are of images: what a
viewer may see of them is asked anew on every view.

Of an asked picture nothing is kept but its hashes and a small copy; its file is dropped as soon
as it was looked for.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.utils import timezone

from imagery import blobs, fetch, look_up_search, uploads
from imagery.core import decode, hash_words, safe_http
from imagery.look_up_search import Picture
from imagery.models import Event, Image, Link, LookUp
from imagery.pictures import SMALL
from imagery.storing import link_key

KEPT = timedelta(days=30)
KEPT_EACH = 500  # of one person
PER_MINUTE = 30
SILENT = timedelta(seconds=60)
GIVEN_UP = timedelta(minutes=10)
log = logging.getLogger(__name__)


class NotAsked(ValueError):
    """Nothing can be looked for by this; the message is for a person."""


class TooMany(NotAsked):
    """The person has asked for a lot within the last minute."""


# Asking --------------------------------------------------------------------------------------


def ask(
    user: Any,
    event: Event | None = None,
    *,
    file: UploadedFile | None = None,
    words: str = "",
    image: Image | None = None,
) -> LookUp:
    """Look for one picture: a file, words that are an address or a hash, or an event's image.

    Raises NotAsked. A hash alone is answered at once; all else waits for the worker.
    """
    from imagery import tasks

    words = words.strip()
    if (file is not None) + bool(words) + (image is not None) != 1:
        raise NotAsked("Give one picture, one address or one hash.")
    _check_rate(user)
    row = LookUp(user=user, event=event)
    if file is not None:
        _ask_file(row, file)
    elif image is not None:
        row.kind, row.asked, row.sha256 = "image", "A picture already here", image.sha256
        row.save()
    elif words.lower().startswith(("http://", "https://")):
        _ask_url(row, words)
    else:
        _ask_hash(row, words)
    if row.kind == "hash" and not _stored(row, searched(row)):
        run(row.pk)
        row.refresh_from_db()
    else:
        tasks.look_up.delay_on_commit(row.pk)
    return row


def _check_rate(user: Any) -> None:
    since = timezone.now() - timedelta(minutes=1)
    if LookUp.objects.filter(user=user, created_at__gt=since).count() >= PER_MINUTE:
        raise TooMany(f"{PER_MINUTE} look-ups a minute are the most: wait a moment.")


def _ask_file(row: LookUp, file: UploadedFile) -> None:
    name = Path(file.name or "picture").name[:200]
    most = settings.IMAGERY_MAX_BYTES
    if (file.size or 0) > most:
        raise NotAsked(f"{name} has {(file.size or 0) / 2**20:,.0f} MB; {most // 2**20} is most.")
    data = file.read(most + 1)
    if not data:
        raise NotAsked(f"{name} is empty.")
    if decode.sniff(data) is None:
        raise NotAsked(f"{name} is not a picture of a kind we open.")
    row.kind, row.asked, row.sha256 = "file", name, hashlib.sha256(data).hexdigest()
    path = _upload(row)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)  # first: a row may be taken up as soon as it is there
        uploads.share(path)
    except OSError:  # a full disk: nothing half written stays
        path.unlink(missing_ok=True)
        raise
    row.save()


def _ask_url(row: LookUp, url: str) -> None:
    if len(url) > 4000:
        raise NotAsked(f"The address is too long: it has {len(url):,} characters.")
    try:
        safe_http.check_url(url, settings.IMAGERY_FETCH_PRIVATE)
    except safe_http.FetchError as error:
        raise NotAsked(f"{url[:80]} cannot be fetched: {error.reason}.") from error
    row.kind, row.asked = "url", url
    row.save()


def _ask_hash(row: LookUp, words: str) -> None:
    try:
        hashes = hash_words.read(words)
    except ValueError as error:
        raise NotAsked(str(error)) from error
    row.kind, row.asked = "hash", " ".join(words.split())[:200]
    row.sha256, row.phash, row.pdq = hashes.sha256, hashes.phash, hashes.pdq
    row.save()


def _upload(row: LookUp) -> Path:
    return settings.UPLOADS_DIR / "look-ups" / row.key


def thumb_name(key: str) -> str:
    return f"look-ups/{key}.jpg"


# Answering -----------------------------------------------------------------------------------


def searched(row: LookUp) -> list[Event]:
    """Events it is looked for in: its own, or all that the person sees, as of now."""
    events = Event.objects.visible_to(row.user)
    if row.event_id is not None:
        events = events.filter(pk=row.event_id)
    return list(events.order_by("pk"))


def run(pk: int) -> None:
    """Look for what waits; safe to repeat and to kill. The reason of a failure is on the row."""
    now = timezone.now()
    waiting = LookUp.objects.filter(pk=pk, state=LookUp.State.QUEUED)
    if not waiting.update(state=LookUp.State.RUNNING, started_at=now):
        return
    row = LookUp.objects.select_related("user").get(pk=pk)
    try:
        _look_up(row)
    except (decode.Refused, safe_http.FetchError, FileNotFoundError) as error:
        _end(row, LookUp.State.FAILED, _in_words(row, error))
    except Exception as error:  # a look-up's end must be on its row, whatever it was
        _end(row, LookUp.State.FAILED, f"{type(error).__name__}: {error}")
        raise
    else:
        _end(row, LookUp.State.DONE)


def _in_words(row: LookUp, error: Exception) -> str:
    if isinstance(error, safe_http.FetchError):
        return f"{row.asked[:200]} gave no picture: {error.reason}."
    if isinstance(error, decode.Refused):
        return f"{row.asked[:200]} cannot be opened: {error}."
    return "The file is no longer here: give it again."


def _look_up(row: LookUp) -> None:
    events = searched(row)
    row.found = {"events": {str(event.pk): event.n_images for event in events}, "notes": {}}
    data = _bytes(row, events)
    if data is None:
        picture = Picture(row.sha256, row.phash, row.pdq)
    else:
        sha256 = hashlib.sha256(data).hexdigest()
        picture = Picture.of(sha256, decode.decode(data))
        _keep_picture(row, picture)
    row.found["exact"] = look_up_search.exact(events, picture.sha256)
    row.found["near"] = look_up_search.near(events, picture)
    if data is None or picture.decoded is None:
        row.found["notes"]["alike"] = ["A hash alone does not tell what a picture looks like."]
        return
    _save(row)
    row.found["versions"], row.found["differs"], notes = look_up_search.versions(events, data)
    row.found["notes"]["versions"] = notes
    _save(row)
    row.found["alike"], notes = look_up_search.alike(events, picture.decoded)
    row.found["notes"]["alike"] = notes


def _bytes(row: LookUp, events: Sequence[Event]) -> bytes | None:
    """The asked picture's file; None where there is a hash alone.

    Raises FetchError and FileNotFoundError. An address that no longer answers is looked for by
    the file that an event fetched from it.
    """
    if row.kind == "file":
        return uploads.here(_upload(row)).read_bytes()
    stored = _stored(row, events)
    if row.kind != "url":
        return blobs.get(stored) if stored else None
    try:
        return fetch.fetcher().get(row.asked).body
    except safe_http.FetchError as error:
        if not stored:
            raise
        row.found["notes"]["url"] = [f"{error.reason}: the file fetched from there before is used."]
        return blobs.get(stored)


def _stored(row: LookUp, events: Sequence[Event]) -> str:
    """SHA-256 of a file of these events that the row asks for; empty where there is none."""
    if row.kind == "url":
        key = link_key(row.asked.partition("#")[0])
        links = Link.objects.filter(event__in=events, key=key, image__unique__isnull=False)
        return links.values_list("image__sha256", flat=True).first() or ""
    images = Image.objects.filter(event__in=events, sha256=row.sha256, unique__isnull=False)
    return row.sha256 if row.sha256 and images.exists() else ""


def _keep_picture(row: LookUp, picture: Picture) -> None:
    decoded = picture.decoded
    assert decoded is not None
    row.sha256, row.phash, row.pdq = picture.sha256, picture.phash, picture.pdq
    row.pdq_quality, row.width, row.height = picture.pdq_quality, decoded.width, decoded.height
    name = thumb_name(row.key)
    try:
        default_storage.save(name, ContentFile(decode.thumbnail(decoded.small, SMALL)[0]))
    except OSError as error:  # a full disk; the answer does not need it
        log.warning("no small copy of look-up %s is kept: %s", row.key, error)
    else:
        row.has_thumb = True


SAVED = (
    "sha256", "phash", "pdq", "pdq_quality", "width", "height", "has_thumb", "found", "state",
    "reason", "finished_at",
)  # fmt: skip


def _save(row: LookUp) -> bool:
    """Write what is known by now; False where the look-up was deleted meanwhile."""
    row.state = LookUp.State.RUNNING
    values = {name: getattr(row, name) for name in SAVED}
    return bool(LookUp.objects.filter(pk=row.pk).update(**values))


def _end(row: LookUp, state: str, reason: str = "") -> None:
    row.state, row.reason, row.finished_at = state, reason[:500], timezone.now()
    values = {name: getattr(row, name) for name in SAVED}
    if not LookUp.objects.filter(pk=row.pk).update(**values):
        default_storage.delete(thumb_name(row.key))
    uploads.drop(_upload(row))


# Keeping in order ------------------------------------------------------------------------------


def resume() -> int:
    """Take up look-ups whose worker died; give up on those it took long. Returns how many."""
    from imagery import tasks

    now = timezone.now()
    running = LookUp.objects.filter(state=LookUp.State.RUNNING)
    for row in running.filter(created_at__lt=now - GIVEN_UP):
        _end(row, LookUp.State.FAILED, "It took too long. Try again.")
    running.filter(started_at__lt=now - 2 * SILENT).update(state=LookUp.State.QUEUED)
    waiting = LookUp.objects.filter(state=LookUp.State.QUEUED, created_at__lt=now - SILENT)
    pks = list(waiting.values_list("pk", flat=True))
    for pk in pks:
        tasks.look_up.delay_on_commit(pk)
    return len(pks)


def prune() -> int:
    """Forget look-ups older than KEPT, and of each person all but the last KEPT_EACH.

    Small copies and uploads that no look-up has go too. Returns look-ups forgotten.
    """
    old = Q(created_at__lt=timezone.now() - KEPT)
    n = 0
    for user_id in LookUp.objects.order_by().values_list("user", flat=True).distinct():
        own = LookUp.objects.filter(user=user_id)
        beyond = own.order_by("-pk").values_list("pk", flat=True)[KEPT_EACH : KEPT_EACH + 1]
        last = next(iter(beyond), 0)
        n += forget(own.filter(old | Q(pk__lte=last)))
    _drop_stray()
    return n


def forget(rows: QuerySet[LookUp]) -> int:
    """Delete look-ups with what was kept of their pictures. Returns how many."""
    keys = list(rows.values_list("key", flat=True))
    rows.delete()
    for key in keys:
        default_storage.delete(thumb_name(key))
        uploads.drop(settings.UPLOADS_DIR / "look-ups" / Path(key).name)
    return len(keys)


def _drop_stray() -> None:
    try:
        kept = {Path(name).stem for name in default_storage.listdir("look-ups")[1]}
    except FileNotFoundError:
        kept = set()
    folder = settings.UPLOADS_DIR / "look-ups"
    sent = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    rows = LookUp.objects.values_list("key", "state")
    known = dict(rows)
    for key in kept - known.keys():
        default_storage.delete(thumb_name(key))
    over = {key for key in sent if known.get(key) in (LookUp.State.DONE, LookUp.State.FAILED)}
    aged = timezone.now().timestamp() - 3600  # a file comes before its row
    for key in over | {key for key in sent - known.keys() if _age(folder / key) < aged}:
        uploads.drop(folder / key)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
