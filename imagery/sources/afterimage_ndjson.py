"""Our own NDJSON: one post a line, in the words of `Record`. Its fields: docs/sources.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .base import AccountRecord, ImageRef, Record
from .fields import (
    MAX_HANDLE,
    MAX_IMAGES,
    count,
    hashtags,
    hashtags_in,
    inner_path,
    moment,
    optional_uid,
    parse_moment,
    position,
    text,
    uid,
    web_url,
)
from .json_rows import JsonSource


class AfterimageNdjson(JsonSource):
    name = "ndjson"
    label = "Afterimage NDJSON"

    def knows(self, document: dict[str, Any]) -> bool:
        return "posted_at" in document and ("id" in document or "uid" in document)

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        get = post.get
        told = text(get("text"))
        tags = get("hashtags")
        lat, lon = get("lat"), get("lon")
        if lat is not None or lon is not None:
            lat, lon = position(lat, lon)
        return Record(
            platform=text(get("platform"), 30).lower() or "unknown",
            uid=uid(get("id", get("uid"))),
            posted_at=moment(get("posted_at"), latest),
            account=_account(get("account")),
            text=told,
            lang=text(get("lang"), 35),
            url=web_url(get("url")),
            hashtags=hashtags(tags) if isinstance(tags, list) else hashtags_in(told),
            images=_images(get("images")),
            likes=count(get("likes")),
            reposts=count(get("reposts")),
            comments=count(get("comments")),
            views=count(get("views")),
            lat=lat,
            lon=lon,
            place=text(get("place"), MAX_HANDLE),
            repost_of=optional_uid(get("repost_of")),
            reply_to=optional_uid(get("reply_to")),
        )


def _account(given: Any) -> AccountRecord | None:
    if isinstance(given, str):
        given = {"handle": given}
    if not isinstance(given, dict):
        return None
    get = given.get
    handle = text(get("handle"), MAX_HANDLE).lstrip("@")
    name = get("id") or get("uid") or handle
    if not name or isinstance(name, dict | list | bool):
        return None
    verified = get("verified")
    return AccountRecord(
        uid=uid(name, "account.id"),
        handle=handle,
        name=text(get("name"), MAX_HANDLE),
        followers=count(get("followers")),
        following=count(get("following")),
        n_posts=count(get("posts")),
        created_at=parse_moment(get("created_at")),
        verified=verified if isinstance(verified, bool) else None,
        location=text(get("location"), MAX_HANDLE),
    )


def _images(given: Any) -> tuple[ImageRef, ...]:
    """From a list of addresses, or of {"url", "file", "alt"}."""
    if not isinstance(given, list):
        return ()
    found = []
    for item in given[:MAX_IMAGES]:
        if isinstance(item, str):
            item = {"url": item}
        if not isinstance(item, dict):
            continue
        url, file = web_url(item.get("url")), item.get("file")
        file = inner_path(file) if file else ""
        if url or file:
            found.append(ImageRef(url, file, text(item.get("alt"))))
    return tuple(found)
