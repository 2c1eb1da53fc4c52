"""Links → files: each distinct URL once per event, from the network or from local copies.

Hundreds at once, a few of one host; what overload sheds waits for a person to ask for it again.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from imagery import blobs, orphans, uploads
from imagery.core import decode, safe_http
from imagery.core.addresses import check_url
from imagery.crawling import Crawl
from imagery.models import Event, Image, Link
from imagery.sources.shelves import BROKEN_ZIP
from imagery.writing import update_rows

AT_ONCE = 128  # links of one process: five times as many a second as 16, at 200 ms each
LOCAL_AT_ONCE = 16
SHED = "shed"  # the kind of what was left under overload
LOCAL = ""  # stands for the host of pictures that came with their posts
KEEP_EVERY = 32  # links whose outcome is written at once


@dataclass(frozen=True, slots=True)
class Got:
    """What became of one link: stored bytes, or why not."""

    link: Link
    sha256: str = ""
    n_bytes: int = 0
    final_url: str = ""
    reason: str = ""
    kind: str = ""


@lru_cache(maxsize=1)
def fetcher() -> safe_http.Fetcher:
    limits = safe_http.Limits(
        max_bytes=settings.IMAGERY_MAX_BYTES, allow_private=settings.IMAGERY_FETCH_PRIVATE
    )
    return safe_http.Fetcher(limits, user_agent=settings.IMAGERY_USER_AGENT)


@lru_cache(maxsize=1)
def crawl() -> Crawl[Link, Got]:
    """This process's links in flight."""
    return Crawl(
        get=lambda link: _get(link),
        key=lambda link: link.pk,
        host=_host,
        share=lambda host: safe_http.Limits.per_host if host != LOCAL else LOCAL_AT_ONCE,
        most=AT_ONCE,
    )


def _host(link: Link) -> str:
    if link.file or link.url.startswith("file:"):
        return LOCAL
    try:
        return check_url(link.url, settings.IMAGERY_FETCH_PRIVATE).host
    except safe_http.FetchError:
        return LOCAL  # told at once, without asking anybody


def fetch(
    links: Iterable[Link],
    progress: Callable[[int, int], None] | None = None,
    patience_s: float | None = None,
    late: Callable[[int], object] | None = None,
) -> int:
    """Fetch links that wait; each outcome is on its row. `progress(done, failed)` per batch.

    patience_s: what has not come by then is not waited for; `late(event_id)` is called whenever
    some of it has come after all. Returns how many links have no outcome yet.

    Where `progress` raises, links in hand are still kept, and the rest is not begun.
    """
    rows = [link for link in links if link.state == Link.State.WAITING]
    run = crawl().run(rows, patience_s, lambda got: _keep_late(got, late))
    batch: list[Got] = []
    n_left = len(rows)
    try:
        for got in run:
            batch.append(got)
            if len(batch) >= KEEP_EVERY:
                n_left -= len(batch)
                whole, batch = batch, []
                _keep(whole, progress)
        n_left -= len(batch)
        whole, batch = batch, []
        _keep(whole, progress)
    except BaseException:
        _keep([*batch, *run.in_hand()], None)
        raise
    return n_left


def _keep_late(got: Got, late: Callable[[int], object] | None) -> None:
    """In the thread that got it."""
    try:
        _keep([got], None)
        if late:
            late(got.link.event_id)
    finally:
        connection.close()


def _get(link: Link) -> Got:
    try:
        data, final = _bytes_of(link)
    except safe_http.FetchError as error:
        return Got(link, reason=error.reason, kind=error.kind)
    except LocalFileMissing as error:
        return Got(link, reason=str(error), kind="missing_file")
    except OSError as error:
        return Got(link, reason=f"could not be kept: {error.strerror or error}", kind="storage")
    if not data:
        return Got(link, reason="the file is empty", kind="empty")
    if decode.sniff(data) is None:
        return Got(link, reason=_not_a_picture(data), kind="not_a_picture")
    try:
        sha256 = blobs.put(data)
    except OSError as error:
        return Got(link, reason=f"could not be kept: {error.strerror or error}", kind="storage")
    return Got(link, sha256=sha256, n_bytes=len(data), final_url=final)


def _not_a_picture(data: bytes) -> str:
    head = data[:200].lstrip()[:24].decode("ascii", "replace")
    shown = "".join(c if c.isprintable() else "·" for c in head)
    return f"not a picture of a kind we open: begins with “{shown}”"


# Local copies --------------------------------------------------------------------------------


class LocalFileMissing(Exception):
    """The import names a file that its folder or archive does not hold."""


class NotAnArchive(LocalFileMissing):
    """What is there is a file of posts, not of pictures."""


def _bytes_of(link: Link) -> tuple[bytes, str]:
    """The picture's bytes and where they came from in the end.

    Where pictures came with the posts, they alone count; else the network does.
    """
    on_network = not link.url.startswith("file:")
    if link.file and link.source and (place := link.source.images_path or link.source.path):
        try:
            return local_bytes(uploads.here(Path(place)), link.file), ""
        except NotAnArchive:
            if not on_network:
                raise
    if not on_network:
        raise LocalFileMissing(f"{link.file}: the import's pictures are no longer here")
    answer = fetcher().get(link.url)
    return answer.body, answer.url if answer.url != link.url else ""


def local_bytes(place: Path, name: str) -> bytes:
    """Bytes of `name` inside a folder or ZIP, never of anything outside it.

    Raises LocalFileMissing.
    """
    limit = settings.IMAGERY_MAX_BYTES
    if place.is_dir():
        path = (place / name).resolve()
        if not path.is_relative_to(place.resolve()) or not path.is_file():
            raise LocalFileMissing(f"{name}: no such file in the import's folder")
        if path.stat().st_size > limit:
            raise LocalFileMissing(f"{name}: larger than {limit // 2**20} MiB")
        return path.read_bytes()
    try:
        if not zipfile.is_zipfile(place):
            raise NotAnArchive(f"{name}: the posts came without their pictures")
        archive = _archive(place, place.stat().st_mtime_ns)
        info = archive.getinfo(name)
        if info.file_size > limit:
            raise LocalFileMissing(f"{name}: larger than {limit // 2**20} MiB")
        with archive.open(info) as member:
            data = member.read(limit + 1)
    except (KeyError, FileNotFoundError):
        raise LocalFileMissing(f"{name}: no such file in the import's archive") from None
    except BROKEN_ZIP as error:
        raise LocalFileMissing(f"{name}: the archive cannot be read here: {error}") from None
    if len(data) > limit:
        raise LocalFileMissing(f"{name}: larger than {limit // 2**20} MiB")
    return data


@lru_cache(maxsize=2)
def _archive(place: Path, changed_ns: int) -> zipfile.ZipFile:
    """The archive, kept open: reading its directory anew for each picture is quadratic.

    Threads may share it. `changed_ns` tells a file that was replaced from the one it replaced.
    """
    return zipfile.ZipFile(place)


# Rows ----------------------------------------------------------------------------------------


def _keep(batch: list[Got], progress: Callable[[int, int], None] | None) -> None:
    if not batch:
        return
    now = timezone.now()
    with transaction.atomic():
        event_id = batch[0].link.event_id
        good = {got.sha256: got for got in batch if got.sha256}
        if not Event.objects.filter(pk=event_id).exists():  # deleted meanwhile
            orphans.drop(good)
            return
        Image.objects.bulk_create(
            [Image(event_id=event_id, sha256=s, n_bytes=g.n_bytes) for s, g in good.items()],
            ignore_conflicts=True,
        )
        images = {
            image.sha256: image
            for image in Image.objects.filter(event_id=event_id, sha256__in=good).only(
                "sha256", "failed_at", "reason"
            )
        }
        for got in batch:
            link = got.link
            link.attempts += 1
            link.reason, link.kind = got.reason[:500], got.kind[:30]
            link.final_url = got.final_url
            if got.sha256:
                link.image, link.fetched_at = images[got.sha256], now
                refused = link.image.failed_at is not None  # looked at before, by another link
                link.state = Link.State.FAILED if refused else Link.State.FETCHED
                link.failed_at = now if refused else None
                if refused:
                    link.reason, link.kind = link.image.reason, "refused"
            else:
                link.state, link.failed_at = Link.State.FAILED, now
        fields = [
            "attempts", "reason", "kind", "final_url", "state", "image", "fetched_at", "failed_at"
        ]  # fmt: skip
        update_rows([got.link for got in batch], fields)
    if progress:
        progress(len(batch), sum(1 for got in batch if not got.sha256))


def retry(event_id: int, link_ids: Iterable[int] | None = None, kind: str | None = None) -> int:
    """Make failed and shed links wait again: those ids, that kind of failure ("shed" is one), or
    all. Returns how many."""
    gone = Q(state=Link.State.FAILED) | Q(state=Link.State.SHED)
    links = Link.objects.filter(gone, event_id=event_id)
    if link_ids is not None:
        links = links.filter(pk__in=list(link_ids))
    if kind is not None:
        links = links.filter(kind=kind)
    refused = list(links.exclude(image=None).values_list("image_id", flat=True))
    with transaction.atomic():
        Image.objects.filter(pk__in=refused).update(failed_at=None, reason="", embedder="")
        return links.update(state=Link.State.WAITING, failed_at=None, reason="", kind="")


def shed(event: Event) -> int:
    """Where more links wait than the event allows, put the newest aside. Returns how many.

    What lies here already, beside its posts, costs no request and is never shed.
    """
    if event.most_waiting is None:
        return 0
    waiting = event.links.to_fetch().filter(file="").exclude(url__startswith="file:")
    newer = waiting.order_by("pk").values_list("pk", flat=True)[event.most_waiting :].iterator()
    first = next(iter(newer), None)
    if first is None:
        return 0
    return waiting.filter(pk__gte=first).update(
        state=Link.State.SHED,
        kind=SHED,
        reason=f"more than {event.most_waiting:,} links waited: left until it is asked for",
    )
