"""What an import is called: its file's name, numbered where that name would mix pictures up.

Pictures that came without an address are known by the import's name and their path in it, and
so are posts of bare pictures. Two folders `day/photos` must therefore not share a name, while
the same one brought in again must keep it.
"""

from __future__ import annotations

import filecmp
import zipfile
from pathlib import Path

from imagery import uploads
from imagery.models import Event

MOST = 255


def name_for(event: Event, name: str | None, path: Path, images: Path | None) -> str:
    """Name for what lies at `path`, its pictures in it or at `images`."""
    plain = "".join(c for c in (name or "") if c.isprintable()).strip()[-MOST:] or "upload"
    if not _holds_pictures(images or path):
        return plain
    number, shown = 1, plain
    while not _free(event, shown, path, images or path):
        number += 1
        shown = numbered(plain, number)
    return shown


def numbered(name: str, number: int) -> str:
    """ "posts (2).ndjson"."""
    stem, ending = Path(name).stem, Path(name).suffix
    suffix = f" ({number}){ending}"
    return stem[: MOST - len(suffix)] + suffix


def _free(event: Event, name: str, path: Path, place: Path) -> bool:
    """Whether whatever had the name before is the same, or brought no pictures."""
    earlier = event.imports.filter(filename=name).order_by("-pk").first()
    if earlier is None:
        return True
    its_place = uploads.here(Path(earlier.images_path or earlier.path))
    if _same(uploads.here(Path(earlier.path)), path) or _same(its_place, place):
        return True
    return its_place.is_file() and not zipfile.is_zipfile(its_place)


def _holds_pictures(place: Path) -> bool:
    return place.is_dir() or zipfile.is_zipfile(place)


def _same(one: Path, other: Path) -> bool:
    if one == other:
        return True
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
