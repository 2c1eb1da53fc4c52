"""Which pictures of a folder belong together, as their names or a table tell it.

- holidays: INRIA Holidays. 100000.jpg is the query of group 1000; 100001.jpg and on are what it
  should find.
- folders: group/picture.jpg. Each picture in its turn is the query.
- labels: a table of file and label. Each picture in its turn is the query.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

NAMINGS = ("holidays", "folders", "labels")
_HOLIDAYS = re.compile(r"([0-9]{4})([0-9]{2})")
_FILE = ("file", "filename", "image", "name", "path")
_LABEL = ("label", "class", "group", "category", "class_index", "class_id")


@dataclass(frozen=True, slots=True)
class Member:
    """A picture: its path in the folder, '/'-separated, its group, and whether it may be asked."""

    path: str
    group: str
    may_ask: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What names tell: the pictures, by path, and those left out, each with its reason."""

    members: list[Member] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def naming_of(paths: Sequence[str]) -> str:
    """ "holidays" where most names are its six digits, "folders" where most lie in one, else ""."""
    digits = sum(bool(_HOLIDAYS.fullmatch(PurePosixPath(path).stem)) for path in paths)
    if 2 * digits > len(paths):
        return "holidays"
    inside = sum("/" in path for path in paths)
    return "folders" if 2 * inside > len(paths) else ""


def by_holidays(paths: Iterable[str]) -> Told:
    told = Told()
    for path in paths:
        found = _HOLIDAYS.fullmatch(PurePosixPath(path).stem)
        if found:
            told.members.append(Member(path, found[1], may_ask=found[2] == "00"))
        else:
            told.left_out.append((path, "is no name of Holidays, which has six digits"))
    return told


def by_folders(paths: Iterable[str]) -> Told:
    told = Told()
    for path in paths:
        folder = str(PurePosixPath(path).parent)
        if folder == ".":
            told.left_out.append((path, "lies in no group's folder"))
        else:
            told.members.append(Member(path, folder))
    return told


def by_labels(paths: Iterable[str], labels: dict[str, str]) -> Told:
    """labels: by path, or by the file's name alone where that is how the table writes it."""
    told = Told()
    used = set()
    for path in paths:
        key = path if path in labels else PurePosixPath(path).name
        used.add(key)
        if key in labels:
            told.members.append(Member(path, labels[key]))
        else:
            told.left_out.append((path, "has no label in the table"))
    missing = (name for name in labels if name not in used)
    told.left_out.extend((name, "is in the table, not in the folder") for name in missing)
    return told


def read_labels(text: str) -> dict[str, str]:
    """File → label of a CSV with a header row.

    The columns are those called so (file, filename, …; label, class, …), else the first two.
    Raises ValueError, naming the line, for a table that is none or says two things of a file.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) if any(row)]
    except csv.Error as error:
        raise ValueError(f"no table of files and labels: {error}") from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if len(header) < 2:
        raise ValueError("no table of files and labels: want a header row such as file,label")
    file = next((header.index(name) for name in _FILE if name in header), 0)
    rest = [at for at in range(len(header)) if at != file]
    label = next((header.index(name) for name in _LABEL if name in header), rest[0])
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) <= max(file, label) or not row[file].strip() or not row[label].strip():
            raise ValueError(f"row {number} names no file and label: {','.join(row)[:80]!r}")
        name, value = row[file].strip().replace("\\", "/"), row[label].strip()
        if found.setdefault(name, value) != value:
            raise ValueError(f"row {number} gives {name[:80]!r} a second label, {value[:40]!r}")
    return found


def queries(members: Sequence[Member]) -> tuple[list[int], list[str]]:
    """Row numbers of the pictures that are asked with, and what is said of groups left out.

    A group of one has nothing to find; one whose query is not there is asked nothing. Their
    pictures stay among the ranked, right for nobody.
    """
    sizes = Counter(member.group for member in members)
    rows = [at for at, one in enumerate(members) if one.may_ask and sizes[one.group] > 1]
    asked = {members[at].group for at in rows}
    alone = [group for group, n in sizes.items() if n == 1]
    unasked = [group for group, n in sizes.items() if n > 1 and group not in asked]
    kinds = ((alone, "of one picture, with nothing to find"), (unasked, "without a query"))
    return rows, [f"{_named(groups)} {what}" for groups, what in kinds if groups]


def _named(groups: list[str]) -> str:
    first = ", ".join(sorted(groups)[:4]) + (", …" if len(groups) > 4 else "")
    return f"{len(groups):,} group{'s' if len(groups) > 1 else ''} ({first})"
