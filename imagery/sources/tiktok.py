"""TikTok posts as its website loads them."""

from __future__ import annotations

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
    text,
    twigs,
    uid,
    web_url,
)


def tiktok_post(post: dict[str, Any], latest: datetime) -> Record:
    """A video (its cover is the picture) or a photo post. Raises Unusable without id or time."""
    post_id = uid(post.get("id"))
    told = text(post.get("desc"))
    account = _account(post)
    given = branch(post, "statsV2") or branch(post, "stats")
    handle = account.handle if account else ""
    tags = [extra.get("hashtagName") for extra in twigs(post, "textExtra")]
    return Record(
        platform="tiktok",
        uid=post_id,
        posted_at=moment(post.get("createTime"), latest, "createTime"),
        account=account,
        text=told,
        lang=text(post.get("textLanguage"), 35),
        url=f"https://www.tiktok.com/@{handle}/video/{post_id}",
        hashtags=hashtags(tags) or hashtags_in(told),
        images=_images(post),
        likes=count(given.get("diggCount")),
        reposts=count(given.get("shareCount")),
        comments=count(given.get("commentCount")),
        views=count(given.get("playCount")),
        place=text(branch(post, "poi").get("name"), MAX_HANDLE),
    )


def _account(post: dict[str, Any]) -> AccountRecord | None:
    author = branch(post, "author")
    handle = text(first(author.get("uniqueId"), post.get("author")), MAX_HANDLE)
    name = first(author.get("id"), post.get("authorId"), handle)
    if name is None or isinstance(name, dict | list | bool):
        return None
    given, verified = branch(post, "authorStats"), author.get("verified")
    return AccountRecord(
        uid=uid(name, "author.id"),
        handle=handle,
        name=text(first(author.get("nickname"), post.get("nickname")), MAX_HANDLE),
        followers=count(given.get("followerCount")),
        following=count(given.get("followingCount")),
        n_posts=count(given.get("videoCount")),
        verified=verified if isinstance(verified, bool) else None,
    )


def _images(post: dict[str, Any]) -> tuple[ImageRef, ...]:
    found = []
    for image in twigs(post, "imagePost", "images")[:MAX_IMAGES]:
        addresses = branch(image, "imageURL").get("urlList")
        found.append(_first_url(addresses))
    if not any(found):
        video = branch(post, "video")
        found = [_first_url([video.get("originCover"), video.get("cover")])]
    return tuple(ImageRef(url) for url in dict.fromkeys(found) if url)


def _first_url(addresses: Any) -> str:
    given = addresses if isinstance(addresses, list) else ()
    return next((url for address in given if (url := web_url(address))), "")
