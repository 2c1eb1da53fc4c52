"""Tweets as the X website loads them: v1.1 at heart (`legacy`), wrapped several times over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from .base import AccountRecord, Record
from .fields import branch, count, first, hashtags, text, twigs
from .twitter_v1 import account_of, tweet


def x_post(data: dict[str, Any], latest: datetime) -> Record:
    """A tweet of the website's API, current ("core") or older ("adaptive").

    Raises Unusable where it has no id or no time.
    """
    data = _unwrapped(data)
    legacy = dict(branch(data, "legacy"))
    legacy["id_str"] = first(data.get("rest_id"), legacy.get("id_str"), data.get("id"))
    if retweeted := _retweeted(legacy):
        legacy["retweeted_status"] = retweeted
    record = tweet(legacy, _account(data), latest)
    views = first(branch(data, "views").get("count"), branch(data, "ext_views").get("count"))
    if not retweeted:
        record = replace(record, views=count(views), **_long_form(data, record))
    return record


def _unwrapped(data: dict[str, Any]) -> dict[str, Any]:
    """Tweets with limited visibility are wrapped once more."""
    return branch(data, "tweet") or data


def _retweeted(legacy: dict[str, Any]) -> dict[str, Any]:
    """The original of a retweet as a v1.1 tweet; {} where this is none."""
    data = _unwrapped(branch(legacy, "retweeted_status_result", "result"))
    original = dict(branch(data, "legacy"))
    if not original:
        return {}
    original["id_str"] = first(data.get("rest_id"), original.get("id_str"))
    original["user"] = _user(data)
    if note := text(_note(data).get("text")):
        original["full_text"] = note

    return original


def _note(data: dict[str, Any]) -> dict[str, Any]:
    """The whole of a post longer than 280 characters, of which `legacy` has the beginning."""
    return branch(data, "note_tweet", "note_tweet_results", "result")


def _long_form(data: dict[str, Any], record: Record) -> dict[str, Any]:
    note = _note(data)
    told = text(note.get("text"))
    if len(told) <= len(record.text):
        return {}
    tags = hashtags(tag.get("text") for tag in twigs(note, "entity_set", "hashtags"))
    return {"text": told, "hashtags": tags or record.hashtags}


def _user(data: dict[str, Any]) -> dict[str, Any]:
    """The author as a v1.1 user: the website spread its fields over several objects in time."""
    found = branch(data, "core", "user_results", "result")
    if not found:
        return branch(data, "user")
    core, legacy = branch(found, "core"), branch(found, "legacy")
    counts = branch(found, "relationship_counts")
    user = {
        "id_str": first(found.get("rest_id"), branch(data, "legacy").get("user_id_str")),
        "screen_name": first(core.get("screen_name"), legacy.get("screen_name")),
        "name": first(core.get("name"), legacy.get("name")),
        "created_at": first(core.get("created_at"), legacy.get("created_at")),
        "followers_count": first(counts.get("followers"), legacy.get("followers_count")),
        "friends_count": first(counts.get("following"), legacy.get("friends_count")),
        "statuses_count": legacy.get("statuses_count"),
        "verified": first(found.get("is_blue_verified"), legacy.get("verified")),
        "location": first(branch(found, "location").get("location"), legacy.get("location")),
    }
    return user


def _account(data: dict[str, Any]) -> AccountRecord | None:
    user = _user(data)
    return account_of(user or {"id_str": branch(data, "legacy").get("user_id_str")})
