"""What a search asks for, as its address holds it: words, and conditions on posts and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from imagery.core import queries
from imagery.core.rulebook import Box
from imagery.text_search import Wanted

FLAGS = ("blurry", "dark", "blank", "tiny")
KNOWN = ("any", "block", "watch")
GONE = ("any", "deleted", "private")
MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty ones let everything through. `after` is included, `before` is not; both are aware."""

    q: str = ""
    after: datetime | None = None
    before: datetime | None = None
    account: str = ""
    place: str = ""
    box: Box | None = None
    lang: str = ""
    pictured: str = ""  # "yes" or "no": posts with a picture
    blurry: str = ""  # "only" or "without", as the three that follow
    dark: str = ""
    blank: str = ""
    tiny: str = ""
    pixels: int = 0  # width times height, at least
    copies: int = 0
    posts: int = 0
    group: int = 0  # a unique image: pictures of its group
    known: str = ""  # by a list of known hashes: one of KNOWN
    collection: int = 0  # posts it brought
    gone: str = ""  # posts no longer at their source: one of GONE

    @property
    def wanted(self) -> Wanted:
        return Wanted(queries.parse(self.q), self.account, self.place, self.lang)

    @property
    def asks_for_posts(self) -> bool:
        """Whether it matters what posts say, when and where: the index or their rows are read."""
        of_rows = self.after or self.before or self.box or self.collection or self.gone
        return bool(self.wanted or of_rows)

    @property
    def asks_for_pictures(self) -> bool:
        flags = any(getattr(self, flag) for flag in FLAGS)
        return bool(flags or self.pixels or self.copies or self.posts or self.group or self.known)

    def __bool__(self) -> bool:
        return self.asks_for_posts or self.asks_for_pictures or bool(self.pictured)


PLAIN = ("q", "account", "place", "lang")
WHOLE = ("pixels", "copies", "posts", "group", "collection")
CHOICES = {
    "pictured": ("yes", "no"),
    **dict.fromkeys(FLAGS, ("only", "without")),
    "known": KNOWN,
    "gone": GONE,
}
NAMES = tuple(field.name for field in fields(Filters))  # of an address's query


def read(asked: Mapping[str, str], zone: tzinfo) -> tuple[Filters, dict[str, str]]:
    """The filters an address asks for, and per name what was wrong with it and left out.

    Times without a zone are of `zone`.
    """
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    for name in NAMES:
        text = " ".join(str(asked.get(name, "")).replace("\0", " ").split())
        if not text:
            continue
        try:
            values[name] = _value(name, text, zone)
        except ValueError as error:
            problems[name] = str(error)
    made = Filters(**values)  # type: ignore[arg-type]
    if made.after and made.before and made.after >= made.before:
        problems["before"] = "The end of the time lies before its beginning: nothing can be found."
    return made, problems


def _value(name: str, text: str, zone: tzinfo) -> object:
    if name in PLAIN:
        return text[: queries.MOST_CHARS + 1]
    if name in CHOICES:
        return _choice(name, text)
    if name in WHOLE:
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise ValueError(f"“{text[:40]}” is no whole number for {name}.")
        return min(int(text), MOST if name not in ("group", "collection") else 2**63 - 1)
    if name == "box":
        return _box(text)
    return _time(text, zone, end=name == "before")


def _choice(name: str, text: str) -> str:
    if text not in CHOICES[name]:
        raise ValueError(f"“{text[:40]}” is none of {', '.join(CHOICES[name])} for {name}.")
    return text


def _box(text: str) -> Box:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    inside = -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
    if not inside:
        raise ValueError(f"“{text[:60]}” is no box: want west,south,east,north in degrees.")
    return west, south, east, north


def _time(text: str, zone: tzinfo, *, end: bool) -> datetime:
    """A day or a moment; a day that ends something is counted in."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) <= 10:
            found = datetime.combine(found.date(), time.min) + timedelta(days=end)
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        aware.timestamp()  # far ends have none
    except (ValueError, OverflowError):
        raise ValueError(
            f"“{text[:40]}” is no time: want 2017-09-20 or 2017-09-20T14:00."
        ) from None
    return aware


def address(asked: Mapping[str, str], **changes: str | int | None) -> str:
    """The query of an address with these filters; None takes a name away."""
    held = {name: str(asked.get(name, "")) for name in (*NAMES, "show", "order")}
    held |= {name: "" if value is None else str(value) for name, value in changes.items()}
    return urlencode({name: value for name, value in held.items() if value})


LABELS = {
    "after": "from", "before": "to", "account": "by", "place": "at", "box": "in box",
    "lang": "language", "pixels": "pixels ≥", "copies": "versions ≥", "posts": "posts ≥",
    "group": "group of", "known": "known:", "collection": "collection",
}  # fmt: skip


GONE_WORDS = {"deleted": "deleted at the source", "private": "made private"}


def told(asked: Mapping[str, str], made: Filters) -> list[tuple[str, str]]:
    """(words, query without it) of each filter in force, the words typed aside."""
    found = []
    for name in NAMES:
        value = getattr(made, name)
        if name == "q" or not value:
            continue
        text = str(asked.get(name, "")).strip().replace("T", " ")
        if name == "pictured":
            words = "with a picture" if value == "yes" else "without a picture"
        elif name == "gone":
            words = "no longer at the source" if value == "any" else GONE_WORDS[str(value)]
        elif name in FLAGS:
            words = f"{name} only" if value == "only" else f"not {name}"
        else:
            words = f"{LABELS[name]} {text}"
        found.append((words, address(asked, **{name: None})))
    return found
