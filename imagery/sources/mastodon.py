"""Mastodon statuses, as the API of any instance gives them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .base import AccountRecord, ImageRef, Record
from .fields import (
    MAX_HANDLE,
    MAX_IMAGES,
    branch,
    count,
    first,
    hashtags,
    hashtags_in,
    moment,
    optional_uid,
    parse_moment,
    plain,
    text,
    twigs,
    uid,
    web_url,
)
from .json_rows import JsonSource


class Mastodon(JsonSource):
    name = "mastodon"
    label = "Mastodon statuses"

    def knows(self, document: dict[str, Any]) -> bool:
        return any(
            "content" in post and "account" in post and ("uri" in post or "visibility" in post)
            for post in twigs(document, "statuses") or [document]
        )

    def posts(self, document: dict[str, Any]) -> Iterable[Any]:
        found = document.get("statuses")
        return found if isinstance(found, list) and "id" not in document else (document,)

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        original = branch(post, "reblog")
        source = original or post
        told = plain(source.get("content"))
        if warning := plain(source.get("spoiler_text")):
            told = f"{warning}\n{told}"
        named = source.get("tags")
        return Record(
            platform="mastodon",
            uid=_uid(post),
            posted_at=moment(post.get("created_at"), latest, "created_at"),
            account=_account(branch(post, "account")),
            text=told,
            lang=text(source.get("language"), 35),
            url=web_url(post.get("url")) or web_url(source.get("url")),
            hashtags=hashtags(tag.get("name") for tag in twigs(source, "tags"))
            if isinstance(named, list)
            else hashtags_in(told),
            images=_images(source),
            likes=None if original else count(post.get("favourites_count")),
            reposts=None if original else count(post.get("reblogs_count")),
            comments=None if original else count(post.get("replies_count")),
            repost_of=_uid(original) if original else "",
            reply_to=optional_uid(post.get("in_reply_to_id")),
        )


def _uid(post: dict[str, Any]) -> str:
    """The status's address on its home instance: `id` differs from instance to instance."""
    return uid(first(post.get("uri"), post.get("url"), post.get("id")))


def _account(given: dict[str, Any]) -> AccountRecord | None:
    handle = text(first(given.get("acct"), given.get("username")), MAX_HANDLE)
    name = first(given.get("uri"), given.get("url"), given.get("id"), handle)
    if name is None or isinstance(name, dict | list | bool):
        return None
    return AccountRecord(
        uid=uid(name, "account.id"),
        handle=handle,
        name=text(given.get("display_name"), MAX_HANDLE),
        followers=count(given.get("followers_count")),
        following=count(given.get("following_count")),
        n_posts=count(given.get("statuses_count")),
        created_at=parse_moment(given.get("created_at")),
    )


def _images(post: dict[str, Any]) -> tuple[ImageRef, ...]:
    """Pictures, and the stills of videos; the home instance's copy where ours has none."""
    found: dict[str, ImageRef] = {}
    for medium in twigs(post, "media_attachments")[:MAX_IMAGES]:
        if medium.get("type") == "image":
            url = web_url(medium.get("url")) or web_url(medium.get("remote_url"))
        elif medium.get("type") in ("video", "gifv"):
            url = web_url(medium.get("preview_url"))
        else:
            continue
        if url:
            found[url] = ImageRef(url, alt=text(medium.get("description")))
    return tuple(found.values())
