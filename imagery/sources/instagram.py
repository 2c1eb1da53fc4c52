"""Instagram posts in the two forms its website has used: item lists, and the older graph."""

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
    hashtags_in,
    moment,
    position,
    text,
    twigs,
    uid,
    web_url,
)


def instagram_post(node: dict[str, Any], latest: datetime) -> Record:
    """A post of either form. Raises Unusable where it has no code or no time."""
    return _graph_post(node, latest) if _is_graph(node) else _item(node, latest)


def _is_graph(node: dict[str, Any]) -> bool:
    return "shortcode" in node or "taken_at_timestamp" in node


def _item(node: dict[str, Any], latest: datetime) -> Record:
    code = uid(node.get("code"), "code")
    told = text(branch(node, "caption").get("text"))
    where = branch(node, "location")
    lat, lon = position(where.get("lat"), where.get("lng"))
    parts = twigs(node, "carousel_media") or [node]
    hidden = node.get("like_and_view_counts_disabled") is True
    return Record(
        platform="instagram",
        uid=code,
        posted_at=moment(node.get("taken_at"), latest, "taken_at"),
        account=_account(branch(node, "user") or branch(node, "owner")),
        text=told,
        url=f"https://www.instagram.com/p/{code}/",
        hashtags=hashtags_in(told),
        images=_named(
            (_largest(twigs(part, "image_versions2", "candidates")), part) for part in parts
        ),
        likes=None if hidden else count(node.get("like_count")),
        comments=count(node.get("comment_count")),
        views=None
        if hidden
        else count(
            first(node.get("view_count"), node.get("play_count"), node.get("ig_play_count"))
        ),
        lat=lat,
        lon=lon,
        place=text(where.get("name"), MAX_HANDLE),
    )


def _graph_post(node: dict[str, Any], latest: datetime) -> Record:
    code = uid(first(node.get("shortcode"), node.get("code")), "shortcode")
    captions = twigs(node, "edge_media_to_caption", "edges")
    told = text(branch(captions[0], "node").get("text")) if captions else ""
    where = branch(node, "location")
    lat, lon = position(where.get("lat"), where.get("lng"))
    edges = twigs(node, "edge_sidecar_to_children", "edges")
    parts = [branch(edge, "node") for edge in edges] or [node]
    likes = first(
        branch(node, "edge_media_preview_like").get("count"),
        branch(node, "edge_liked_by").get("count"),
    )
    comments = first(
        branch(node, "edge_media_to_comment").get("count"),
        branch(node, "edge_media_preview_comment").get("count"),
        branch(node, "edge_media_to_parent_comment").get("count"),
    )
    return Record(
        platform="instagram",
        uid=code,
        posted_at=moment(node.get("taken_at_timestamp"), latest, "taken_at_timestamp"),
        account=_account(branch(node, "owner") or branch(node, "user")),
        text=told,
        url=f"https://www.instagram.com/p/{code}/",
        hashtags=hashtags_in(told),
        images=_named((web_url(part.get("display_url")), part) for part in parts),
        likes=None if node.get("like_and_view_counts_disabled") is True else count(likes),
        comments=count(comments),
        views=count(first(node.get("video_view_count"), node.get("video_play_count"))),
        lat=lat,
        lon=lon,
        place=text(where.get("name"), MAX_HANDLE),
    )


def _largest(candidates: list[dict[str, Any]]) -> str:
    ranked = sorted(candidates, key=lambda one: count(one.get("width")) or 0, reverse=True)
    return next((url for one in ranked if (url := web_url(one.get("url")))), "")


def _named(pairs: Any) -> tuple[ImageRef, ...]:
    found: dict[str, ImageRef] = {}
    for url, part in pairs:
        if url and len(found) < MAX_IMAGES:
            found[url] = ImageRef(url, alt=text(part.get("accessibility_caption")))
    return tuple(found.values())


def _account(user: dict[str, Any]) -> AccountRecord | None:
    handle = text(user.get("username"), MAX_HANDLE)
    name = first(user.get("pk"), user.get("id"), handle)
    if name is None or isinstance(name, dict | list | bool):
        return None
    verified = user.get("is_verified")
    return AccountRecord(
        uid=uid(name, "user.pk"),
        handle=handle,
        name=text(user.get("full_name"), MAX_HANDLE),
        followers=count(
            first(user.get("follower_count"), branch(user, "edge_followed_by").get("count"))
        ),
        following=count(
            first(user.get("following_count"), branch(user, "edge_follow").get("count"))
        ),
        n_posts=count(
            first(
                user.get("media_count"), branch(user, "edge_owner_to_timeline_media").get("count")
            )
        ),
        verified=verified if isinstance(verified, bool) else None,
    )
