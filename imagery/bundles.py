"""Pictures to take along: a ZIP of their files with a table, made while it is sent."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage

from imagery import blobs, histories, known, pictures
from imagery.exports import cell
from imagery.models import Event, Image, UniqueImage
from imagery.selections import Refused

MOST = 2000  # pictures
MOST_BYTES = 2 * 2**30
CHUNK = 2**20
URLS = 20
SUFFIXES = {"jpeg": "jpg", "tiff": "tif"}
HEADER = (
    "file", "left_out", "picture", "rank", "posts", "accounts", "files", "first_posted_at",
    "last_posted_at", "sha256", "phash", "pdq", "pdq_quality", "width", "height", "format",
    "bytes", "looks_like", "described", "first_account", "first_post", "links",
)  # fmt: skip


class _Pipe(io.RawIOBase):
    """What a ZIP is written to: bytes wait here until they are sent."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(memoryview(data))

    def taken(self) -> bytes:
        data, self.held = bytes(self.held), bytearray()
        return data


@dataclass(frozen=True, slots=True)
class Bundle:
    event: Event
    rows: list[UniqueImage]


def bundle(event: Event, ids: Sequence[int]) -> Bundle:
    """Raises Refused where there is nothing to send, or too much."""
    found = UniqueImage.objects.filter(event=event).select_related("representative").in_bulk(ids)
    rows = [found[pk] for pk in ids if pk in found]
    if not rows:
        raise Refused("None of these pictures is in the event.")
    if len(rows) > MOST:
        raise Refused(f"{len(rows):,} pictures are selected; {MOST:,} at once is the most.")
    n_bytes = sum(row.representative.n_bytes for row in rows)
    if n_bytes > MOST_BYTES:
        raise Refused(
            f"The files have {n_bytes / 2**30:.1f} GB together; "
            f"{MOST_BYTES / 2**30:.0f} GB at once is the most. Select fewer."
        )
    return Bundle(event, rows)


def pieces(made: Bundle) -> Iterator[bytes]:
    """The ZIP, a part at a time: a file per picture named by rank and SHA-256, and manifest.csv.

    Pictures of block lists, and files that are gone, are rows of the table alone.
    """
    pipe = _Pipe()
    marks = known.marks(made.event, [row.pk for row in made.rows])
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(HEADER)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for row in made.rows:
            blocking = [mark.name for mark in marks.get(row.pk, ()) if mark.blocks]
            left_out = f"blocked by {', '.join(blocking)}" if blocking else ""
            name = _name(row)
            if not left_out:
                try:
                    yield from _file(archive, pipe, name, row)
                except FileNotFoundError:
                    left_out = "the file is gone"
            values = _values(made.event, row, "" if left_out else name, left_out)
            writer.writerow([cell(value) for value in values])
        archive.writestr(zipfile.ZipInfo("manifest.csv"), table.getvalue())
    yield pipe.taken()


def _name(row: UniqueImage) -> str:
    kind = row.representative.format.lower()
    suffix = SUFFIXES.get(kind, kind if kind.isalnum() else "") or "bin"
    return f"{row.rank:05d}-{row.representative.sha256[:16]}.{suffix}"


def _file(archive: zipfile.ZipFile, pipe: _Pipe, name: str, row: UniqueImage) -> Iterator[bytes]:
    at = row.first_posted_at
    info = zipfile.ZipInfo(
        name, at.timetuple()[:6] if at and 1980 <= at.year < 2107 else (1980, 1, 1, 0, 0, 0)
    )
    with default_storage.open(blobs.blob_name(row.representative.sha256)) as file:
        with archive.open(info, "w", force_zip64=True) as target:
            while data := file.read(CHUNK):
                target.write(data)
                yield pipe.taken()
        yield pipe.taken()


def _values(event: Event, row: UniqueImage, name: str, left_out: str) -> list[object]:
    image: Image = row.representative
    card = pictures.card(event, row)
    first = next(iter(histories.post_page(row, limit=1).posts), None)
    links = histories.links_of(row, URLS)
    return [
        name, left_out, row.pk, row.rank, row.n_posts, row.n_accounts, row.n_copies,
        row.first_posted_at, row.last_posted_at, image.sha256, image.phash, image.pdq,
        image.pdq_quality, image.width, image.height, image.format, image.n_bytes, card.caption,
        row.described, str(first.account) if first and first.account else "",
        first.url if first else "", " ".join(link.url for link in links),
    ]  # fmt: skip
