"""Single fields of a post, made safe to store: text, counts, times, addresses, positions.

Every function takes whatever JSON or CSV held. What cannot be known becomes "" or None;
only what a post cannot do without (its id, its time) raises `Unusable`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)  # clocks of phones run ahead, and time zones are forgotten
MAX_UID = 300
MAX_HANDLE = 255
MAX_URL = 2048
MAX_HASHTAGS = 200
MAX_IMAGES = 100
MAX_RAW = 2000
_BIGGEST = 2**63 - 1  # what a database's integer column holds
_EXACT = 2**53  # floats tell whole numbers apart up to here


class Unusable(ValueError):
    """A post lacks what it cannot do without; the message names the field and its value."""


class InexactId(Unusable):
    """An id arrived as a rounded number; the row may still hold its digits."""


def shown(value: object) -> str:
    """A value as an error message quotes it, at most 80 characters."""
    try:
        told = repr(value)
    except (RecursionError, ValueError):
        told = f"a {type(value).__name__}"
    return text(told if len(told) <= 80 else told[:77] + "…")


def cut(raw: bytes | str) -> str:
    """A row as it stood, cut to 2,000 characters, without what a database refuses."""
    told = raw[: 4 * MAX_RAW].decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return text(told[:MAX_RAW])


def text(value: object, limit: int | None = None) -> str:
    """A string without NUL and lone surrogates, trimmed; numbers as written, all else ""."""
    if value is None:
        return ""
    told = value if type(value) is str else _number_as_text(value)
    if "\0" in told:
        told = told.replace("\0", "")
    if not told.isascii():
        try:
            told.encode()
        except UnicodeEncodeError:
            told = told.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    told = told.strip()
    return told if limit is None else told[:limit]


def _number_as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    try:
        return str(value)
    except ValueError:  # integers of more than 4,300 digits
        return ""


_MARKUP = re.compile(r"<[^<>]*>")
_BREAKS = re.compile(r"<br\s?/?>|</p>\s*<p>", re.IGNORECASE)


def plain(html: object) -> str:
    """The text of an HTML fragment: breaks become newlines, entities characters."""
    return text(unescape(_MARKUP.sub("", _BREAKS.sub("\n", text(html)))))


def uid(value: object, field: str = "id") -> str:
    """The post's id as text, exact to the last digit.

    Raises Unusable where there is none, InexactId where it was rounded on its way.
    """
    if isinstance(value, float | Decimal):
        if not math.isfinite(value) or not -_EXACT < value < _EXACT or value != int(value):
            raise InexactId(f"{field} {shown(value)} is a rounded number; its digits are lost")
        value = int(value)
    told = text(value)
    if not told:
        raise Unusable(f"{field} is missing" if value in (None, "") else f"{field} is not an id")
    if len(told) > MAX_UID:
        raise Unusable(f"{field} {shown(told)} is longer than {MAX_UID} characters")
    return told


def optional_uid(value: object) -> str:
    """As `uid`, "" where there is none."""
    return uid(value) if value not in (None, "", 0) and not isinstance(value, dict | list) else ""


_GROUPED = re.compile(r"\d{1,3}(?:[,.' \u00a0\u2009\u202f]\d{3})+")
_SHORT = re.compile(r"(\d+(?:[.,]\d+)?) ?([KMB])", re.IGNORECASE)
_SHORT_FACTOR = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def count(value: object) -> int | None:
    """A metric: a whole number ≥ 0, or None where it is not known.

    Reads numbers, "1234", "1,234", "1.2K", "12.0"; negative, NaN, True and words are unknown.
    """
    if value is None:
        return None
    if type(value) is int:
        return value if 0 <= value <= _BIGGEST else None
    if type(value) is str:
        value = value.strip()
        if value.isascii() and value.isdigit():
            return _bounded(int(value)) if len(value) <= 19 else None
        if len(value) > 40:
            return None
        if _GROUPED.fullmatch(value):
            return _bounded(int(re.sub(r"\D", "", value)))
        if short := _SHORT.fullmatch(value):
            factor = _SHORT_FACTOR[short[2].lower()]
            return _bounded(round(float(short[1].replace(",", ".")) * factor))
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return _bounded(int(value)) if value >= 0 else None
    return None


def _bounded(number: int) -> int | None:
    return number if number <= _BIGGEST else None


_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_NUMBER = re.compile(r"\d{9,19}(?:\.\d{0,9})?")
_UTC_WORD = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)


def parse_moment(value: object) -> datetime | None:
    """An aware time in UTC, or None where the value is not a time.

    Reads ISO 8601 (no zone: UTC; a bare date: its midnight), Twitter's
    "Wed Sep 20 14:11:43 +0000 2017", RFC 2822, and seconds, milliseconds, microseconds
    or nanoseconds since 1970.
    """
    try:
        if type(value) is str:
            return _moment_in_words(value.strip())
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return _since_1970(value)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, ArithmeticError, OSError, TypeError, IndexError):
        return None
    return None


def _moment_in_words(told: str) -> datetime | None:
    if len(told) == 30 and told[20:25] == "+0000":
        day, clock = int(told[8:10]), (int(told[11:13]), int(told[14:16]), int(told[17:19]))
        month = _MONTHS.get(told[4:7])
        return datetime(int(told[26:]), month, day, *clock, tzinfo=UTC) if month else None
    if _NUMBER.fullmatch(told):
        return _since_1970(float(told))
    if len(told) > 60:
        return None
    try:
        at = datetime.fromisoformat(_UTC_WORD.sub("", told))
    except ValueError:
        at = _moment_by_name(told)
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _moment_by_name(told: str) -> datetime:
    try:
        return datetime.strptime(told, "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        return parsedate_to_datetime(told)


def _since_1970(number: float | int | Decimal) -> datetime:
    for floor, unit in ((1e17, 1_000_000_000), (1e14, 1_000_000), (1e11, 1_000)):
        if number >= floor:
            return datetime.fromtimestamp(float(number) / unit, UTC)
    return datetime.fromtimestamp(float(number), UTC)


def moment(value: object, latest: datetime, field: str = "posted_at") -> datetime:
    """The post's time, aware, UTC, from 1995 to `latest`. Raises Unusable otherwise."""
    at = parse_moment(value)
    if at is None:
        missing = value is None or (isinstance(value, str) and not value.strip())
        raise Unusable(
            f"{field} is missing" if missing else f"{field} {shown(value)} is not a time"
        )
    if at < EARLIEST:
        raise Unusable(f"{field} {shown(value)} is before 1995")
    if at > latest:
        raise Unusable(f"{field} {shown(value)} lies in the future")
    return at


_WEB_URL = re.compile(r"https?://[^\x00-\x20\x7f]+", re.IGNORECASE)


def web_url(value: object) -> str:
    """An http or https address as it stands, else ""."""
    if type(value) is not str:
        return ""
    told = value if value.isascii() else text(value)
    if len(told) > MAX_URL or not _WEB_URL.fullmatch(told):
        told = text(told)  # trimmed
        return told if len(told) <= MAX_URL and _WEB_URL.fullmatch(told) else ""
    return told


_PLAIN_PATH = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII)


def inner_path(value: object) -> str:
    """A path inside a folder or archive, '/'-separated; "" where it could lead outside."""
    if type(value) is str and len(value) <= MAX_URL and _PLAIN_PATH.fullmatch(value):
        return value
    told = text(value).replace("\\", "/")
    while told.startswith("./"):
        told = told[2:]
    if not told or told.startswith("/") or ":" in told.split("/")[0] or len(told) > MAX_URL:
        return ""
    parts = told.split("/")
    return "" if ".." in parts or any(ord(sign) < 32 for sign in told) else told


def position(lat: object, lon: object) -> tuple[float | None, float | None]:
    """WGS84 degrees, or (None, None) where either is missing or out of range."""
    north, east = _degrees(lat), _degrees(lon)
    if north is None or east is None or abs(north) > 90 or abs(east) > 180:
        return None, None
    return north, east


def _degrees(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# Everything but spaces, ASCII punctuation and the punctuation of other scripts: letters with
# their combining marks (Devanagari, Thai), digits, joiners, emoji.
_HASHTAG = re.compile(
    r"(?<![\w&#/])[#＃]([^\s\x00-/:-@\[-\^`{-\xbf\u2000-\u200b\u200e-\u206f"
    r"\u3000-\u3004\u3008-\u3020\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+)"
)


def hashtags_in(told: str) -> tuple[str, ...]:
    """The hashtags of a text, each once, as written, without '#'; bare numbers are none."""
    return hashtags(_HASHTAG.findall(told)) if "#" in told or "＃" in told else ()


def hashtags(tags: Iterable[object]) -> tuple[str, ...]:
    """Given tags, each once, trimmed of '#'."""
    seen: dict[str, None] = {}
    for tag in tags:
        told = text(tag, MAX_HANDLE).lstrip("#＃").strip()
        if told and not told.isdigit():
            seen[told] = None
        if len(seen) >= MAX_HASHTAGS:
            break
    return tuple(seen)


def branch(node: Any, *path: str) -> dict[str, Any]:
    """The object at a path of keys; {} where anything on the way is not an object."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def twigs(node: Any, *path: str) -> list[dict[str, Any]]:
    """The objects of the list at a path of keys; [] where there is no such list."""
    found = branch(node, *path[:-1]).get(path[-1])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def first(*values: object) -> Any:
    """The first value that is neither None nor ""."""
    return next((value for value in values if value is not None and value != ""), None)
