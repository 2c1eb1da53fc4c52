"""Entries of RSS and Atom feeds as posts, read by feedparser."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .base import AccountRecord, BadRow, ImageRef, Record
from .fields import (
    AHEAD,
    MAX_HANDLE,
    MAX_IMAGES,
    Unusable,
    cut,
    first,
    hashtags,
    moment,
    parse_moment,
    plain,
    position,
    shown,
    text,
    twigs,
    uid,
    web_url,
)

_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".bmp", ".tif", ".tiff")
_WORLDWIDE = ("http://", "https://", "tag:", "urn:")


@dataclass(frozen=True, slots=True)
class Entry:
    uid: str
    changed_at: datetime | None
    record: Record | None = None
    bad: BadRow | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """reason: why this is no feed at all, else ""."""

    entries: tuple[Entry, ...] = ()
    ttl_s: float | None = None
    reason: str = ""


def entries(content: BinaryIO, url: str, headers: Mapping[str, str]) -> Entries:
    """What a feed tells. content: a stream, for feedparser opens paths and addresses it is given
    as text. url: where it came from."""
    import feedparser

    told = {"content-location": url, "content-type": headers.get("Content-Type", "")}
    try:
        found = feedparser.parse(content, response_headers=told)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        return Entries(reason=f"It is not readable as a feed: {shown(str(problem))}.")
    if not found.get("version") and not found.entries:
        return Entries(reason="It is not a feed.")
    ttl = text(found.feed.get("ttl"))
    ttl_s = float(ttl) * 60 if ttl.isascii() and ttl.isdigit() and len(ttl) < 6 else None
    account = _account(found.feed, url)
    latest = datetime.now(UTC) + AHEAD
    rows = [
        _entry(entry, number, account, found.feed, latest)
        for number, entry in enumerate(found.entries, 1)
    ]
    return Entries(tuple(rows), ttl_s)


def _account(feed: Mapping[str, Any], url: str) -> AccountRecord:
    """The feed itself: its entries' authors have no address that lasts."""
    home = web_url(feed.get("link")) or url
    return AccountRecord(
        uid=home[:200],
        handle=(urlsplit(home).hostname or "")[:MAX_HANDLE],
        name=plain(feed.get("title"))[:MAX_HANDLE],
    )


def _entry(
    entry: Mapping[str, Any],
    number: int,
    account: AccountRecord,
    feed: Mapping[str, Any],
    latest: datetime,
) -> Entry:
    changed_at = _moment(entry, "updated") or _moment(entry, "published")
    try:
        name = uid(first(entry.get("id"), entry.get("link")))
        if not name.startswith(_WORLDWIDE):
            name = uid(f"{account.handle}:{name}")
        return Entry(name, changed_at, _record(entry, name, account, feed, latest))
    except Unusable as problem:
        link = text(first(entry.get("link"), entry.get("id"), entry.get("title")))
        return Entry(
            f"{number}:{link[:200]}", changed_at, bad=BadRow(number, f"{problem}.", cut(link))
        )


def _record(
    entry: Mapping[str, Any],
    name: str,
    account: AccountRecord,
    feed: Mapping[str, Any],
    latest: datetime,
) -> Record:
    contents = [item for item in twigs(entry, "content") if item.get("value")]
    body = text(contents[0]["value"]) if contents else text(entry.get("summary"))
    said = [plain(entry.get("title")), plain(body)]
    lon, lat = _point(entry.get("where"))
    return Record(
        platform="feed",
        uid=name,
        posted_at=moment(
            _moment(entry, "published") or _moment(entry, "updated"), latest, "published"
        ),
        account=account,
        text="\n".join(part for part in dict.fromkeys(said) if part),
        lang=text(first(*(item.get("language") for item in contents), feed.get("language")), 35),
        url=web_url(entry.get("link")),
        hashtags=hashtags(tag.get("term") for tag in twigs(entry, "tags")),
        images=_images(entry, [body, *(item["value"] for item in contents[1:])]),
        lat=lat,
        lon=lon,
    )


def _moment(entry: Mapping[str, Any], name: str) -> datetime | None:
    """feedparser's own reading is in UTC, and knows more forms than ours."""
    if name not in entry:  # feedparser warns, and gives the other one of the two
        return None
    parsed = entry.get(f"{name}_parsed")
    if parsed is not None:
        try:
            return parse_moment(timegm(parsed))
        except (ValueError, TypeError, OverflowError):
            return None
    return parse_moment(text(entry.get(name)))


def _point(place: Any) -> tuple[float | None, float | None]:
    """Longitude and latitude of a GeoRSS point."""
    if isinstance(place, dict) and place.get("type") == "Point":
        found = place.get("coordinates")
        if isinstance(found, list | tuple) and len(found) >= 2:
            lat, lon = position(found[1], found[0])
            return lon, lat
    return None, None


def _images(entry: Mapping[str, Any], bodies: Iterable[str]) -> tuple[ImageRef, ...]:
    """Pictures of Media RSS, enclosures and the text; a thumbnail only where there is no other."""
    found = [
        (web_url(medium.get("url")), "")
        for medium in twigs(entry, "media_content")
        if _is_picture(medium)
    ]
    found += [
        (web_url(item.get("href")), "") for item in twigs(entry, "enclosures") if _is_picture(item)
    ]
    reader = _Pictures()
    for body in bodies:
        reader.feed(text(body))
    found += reader.found
    if not any(url for url, _ in found):
        found = [(web_url(item.get("url")), "") for item in twigs(entry, "media_thumbnail")]
    refs: dict[str, ImageRef] = {}
    for url, said in found:
        if url and len(refs) < MAX_IMAGES:
            refs.setdefault(url, ImageRef(url, alt=said))
    return tuple(refs.values())


def _is_picture(medium: Mapping[str, Any]) -> bool:
    kind = text(first(medium.get("medium"), medium.get("type"))).lower()
    if kind:
        return kind == "image" or kind.startswith("image/")
    path = urlsplit(web_url(first(medium.get("url"), medium.get("href")))).path
    return path.lower().endswith(_PICTURES)


class _Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            given = dict(attrs)
            self.found.append((web_url(given.get("src")), text(given.get("alt"))))
