"""Twitter API v1.1 tweets, old (text, entities) and extended (full_text, extended_tweet)."""

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
    position,
    text,
    twigs,
    uid,
    web_url,
)
from .json_rows import JsonSource
from .snowflakes import moment_in_id


class TwitterV1(JsonSource):
    name = "twitter-v1"
    label = "Twitter API v1.1"

    def knows(self, document: dict[str, Any]) -> bool:
        return any(
            ("id_str" in post or "id" in post)
            and ("full_text" in post or "text" in post)
            and ("user" in post or "entities" in post or "retweet_count" in post)
            and "public_metrics" not in post
            for post in twigs(document, "statuses") or [document]
        )

    def posts(self, document: dict[str, Any]) -> Iterable[Any]:
        found = document.get("statuses")
        return found if isinstance(found, list) and "id" not in document else (document,)

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        if "created_at" not in post and _is_notice(post):
            return None
        return tweet(post, account_of(branch(post, "user")), latest)


def _is_notice(post: dict[str, Any]) -> bool:
    """Streams carry notices of deletions, limits and more between the tweets."""
    notices = ("delete", "limit", "scrub_geo", "status_withheld", "disconnect", "warning")
    return any(isinstance(post.get(notice), dict) for notice in notices)


def tweet(post: dict[str, Any], account: AccountRecord | None, latest: datetime) -> Record:
    """A v1.1 tweet. A retweet brings its original's pictures, text and id; its likes and
    retweets are the original's, so its own stay unknown."""
    post_id = uid(first(post.get("id_str"), post.get("id")))
    original = branch(post, "retweeted_status")
    source = original or post
    told = _full_text(source)
    if original and (screen := text(branch(original, "user").get("screen_name"), MAX_HANDLE)):
        told = f"RT @{screen}: {told}"
    lat, lon, place = _where(post)
    handle = account.handle if account else ""
    return Record(
        platform="twitter",
        uid=post_id,
        posted_at=moment(
            first(post.get("created_at"), moment_in_id(post_id)), latest, "created_at"
        ),
        account=account,
        text=told,
        lang=language(post.get("lang")),
        url=f"https://twitter.com/{handle or 'i/web'}/status/{post_id}",
        hashtags=_tags(source, told),
        images=pictures(source),
        likes=None if original else count(post.get("favorite_count")),
        reposts=None if original else count(post.get("retweet_count")),
        comments=None if original else count(post.get("reply_count")),
        lat=lat,
        lon=lon,
        place=place,
        repost_of=optional_uid(first(original.get("id_str"), original.get("id"))),
        reply_to=optional_uid(
            first(post.get("in_reply_to_status_id_str"), post.get("in_reply_to_status_id"))
        ),
    )


def account_of(user: dict[str, Any]) -> AccountRecord | None:
    """The account of a v1.1 user object."""
    name = first(user.get("id_str"), user.get("id"), user.get("screen_name"))
    if name is None or isinstance(name, dict | list | bool):
        return None
    verified = user.get("verified")
    return AccountRecord(
        uid=uid(name, "user.id"),
        handle=text(user.get("screen_name"), MAX_HANDLE),
        name=text(user.get("name"), MAX_HANDLE),
        followers=count(user.get("followers_count")),
        following=count(user.get("friends_count")),
        n_posts=count(user.get("statuses_count")),
        created_at=parse_moment(user.get("created_at")),
        verified=verified if isinstance(verified, bool) else None,
        location=text(user.get("location"), MAX_HANDLE),
    )


def language(value: object) -> str:
    """Twitter's language code; "und" and the codes of wordless tweets are no language."""
    told = text(value, 35)
    return "" if told in {"und", "qme", "qam", "qct", "qht", "qst", "zxx", "art"} else told


def _full_text(post: dict[str, Any]) -> str:
    longer = branch(post, "extended_tweet").get("full_text")
    return text(first(longer, post.get("full_text"), post.get("text")))


def _tags(post: dict[str, Any], told: str) -> tuple[str, ...]:
    for holder in (branch(post, "extended_tweet"), post):
        if isinstance(branch(holder, "entities").get("hashtags"), list):
            return hashtags(tag.get("text") for tag in twigs(holder, "entities", "hashtags"))
    return hashtags_in(told)


def pictures(post: dict[str, Any]) -> tuple[ImageRef, ...]:
    """Photos, and the still of a video; extended_entities list all of them, entities the first."""
    holders = (branch(post, "extended_tweet"), post)
    for entities in ("extended_entities", "entities"):
        for holder in holders:
            found: dict[str, ImageRef] = {}
            for medium in twigs(holder, entities, "media")[:MAX_IMAGES]:
                url = web_url(medium.get("media_url_https")) or web_url(medium.get("media_url"))
                if url:
                    found[url] = ImageRef(url, alt=text(medium.get("ext_alt_text")))
            if found:
                return tuple(found.values())
    return ()


def _where(post: dict[str, Any]) -> tuple[float | None, float | None, str]:
    """The point of a tweet, else the centre of its place's bounding box, and its place's name."""
    place = branch(post, "place")
    named = text(first(place.get("full_name"), place.get("name")), MAX_HANDLE)
    for field, order in (("coordinates", (1, 0)), ("geo", (0, 1))):
        point = branch(post, field).get("coordinates")
        if isinstance(point, list) and len(point) == 2:
            lat, lon = position(point[order[0]], point[order[1]])
            if lat is not None:
                return lat, lon, named
    rings = branch(place, "bounding_box").get("coordinates")
    ring = rings[0] if isinstance(rings, list) and rings else None
    corners = [
        position(corner[1], corner[0])
        for corner in (ring[:10] if isinstance(ring, list) else ())
        if isinstance(corner, list) and len(corner) == 2
    ]
    return *centre(corners), named


def centre(
    corners: list[tuple[float | None, float | None]],
) -> tuple[float | None, float | None]:
    """The middle of a box's (lat, lon) corners, also of one across the 180th meridian."""
    lats = [lat for lat, _ in corners if lat is not None]
    lons = [lon for _, lon in corners if lon is not None]
    if not lats or not lons:
        return None, None
    if max(lons) - min(lons) > 180:
        lons = [lon + 360 if lon < 0 else lon for lon in lons]
    lon = (min(lons) + max(lons)) / 2
    return (min(lats) + max(lats)) / 2, lon - 360 if lon > 180 else lon
