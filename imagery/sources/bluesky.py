"""Bluesky posts as Jetstream sends them: one event a line."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .base import AccountRecord, ImageRef, Record
from .fields import (
    MAX_IMAGES,
    Unusable,
    branch,
    hashtags,
    hashtags_in,
    moment,
    optional_uid,
    parse_moment,
    shown,
    text,
    twigs,
)
from .json_rows import JsonSource

POST = "app.bsky.feed.post"
_DID = re.compile(r"did:[a-z]{1,20}:[A-Za-z0-9._:%-]{1,200}")
_KEY = re.compile(r"[A-Za-z0-9._~:-]{1,200}")
_CID = re.compile(r"[A-Za-z0-9]{1,200}")


class Bluesky(JsonSource):
    name = "bluesky"
    label = "Bluesky Jetstream"

    def knows(self, document: dict[str, Any]) -> bool:
        return "did" in document and "time_us" in document and "kind" in document

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        commit = branch(post, "commit")
        created = commit.get("operation") in ("create", "update")
        if post.get("kind") != "commit" or commit.get("collection") != POST or not created:
            return None
        did, key, content = post.get("did"), commit.get("rkey"), branch(commit, "record")
        if not isinstance(did, str) or not _DID.fullmatch(did):
            raise Unusable("did is missing" if did is None else f"did {shown(did)} is not a DID")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise Unusable("rkey is missing" if key is None else f"rkey {shown(key)} is not a key")
        told = text(content.get("text"))
        languages = content.get("langs")
        return Record(
            platform="bluesky",
            uid=f"at://{did}/{POST}/{key}",
            posted_at=_posted_at(content.get("createdAt"), post.get("time_us"), latest),
            account=AccountRecord(uid=did),
            text=told,
            lang=text(languages[0], 35) if isinstance(languages, list) and languages else "",
            url=f"https://bsky.app/profile/{did}/post/{key}",
            hashtags=_tags(content, told),
            images=_images(branch(content, "embed"), did),
            reply_to=optional_uid(branch(content, "reply", "parent").get("uri")),
        )


def _posted_at(created: Any, seen_us: Any, latest: datetime) -> datetime:
    """The earlier of what the client says and when the network saw it: clients may say anything."""
    said, seen = parse_moment(created), parse_moment(seen_us)
    if said is None or (seen is not None and said > seen):
        return moment(seen_us if seen is not None else created, latest, "createdAt")
    return moment(created, latest, "createdAt")


def _tags(content: dict[str, Any], told: str) -> tuple[str, ...]:
    given = [
        feature.get("tag")
        for facet in twigs(content, "facets")
        for feature in twigs(facet, "features")
        if feature.get("$type") == "app.bsky.richtext.facet#tag"
    ]
    if isinstance(extra := content.get("tags"), list):
        given += extra
    return hashtags(given) or hashtags_in(told)


def _images(embed: dict[str, Any], did: str) -> tuple[ImageRef, ...]:
    kind = embed.get("$type")
    if kind == "app.bsky.embed.recordWithMedia":
        embed = branch(embed, "media")
        kind = embed.get("$type")
    if kind == "app.bsky.embed.images":
        found = [
            (_address(branch(item, "image"), did), text(item.get("alt")))
            for item in twigs(embed, "images")[:MAX_IMAGES]
        ]
    elif kind == "app.bsky.embed.external":
        card = branch(embed, "external")
        found = [(_address(branch(card, "thumb"), did), text(card.get("title")))]
    else:
        return ()
    return tuple(ImageRef(url, alt=alt) for url, alt in found if url)


def _address(blob: dict[str, Any], did: str) -> str:
    cid = branch(blob, "ref").get("$link") or blob.get("cid")
    if not isinstance(cid, str) or not _CID.fullmatch(cid):
        return ""
    return f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}@jpeg"
