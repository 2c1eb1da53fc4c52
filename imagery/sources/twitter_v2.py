"""Twitter API v2 tweets: response pages with `includes`, single responses, flattened tweets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
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
from .twitter_v1 import centre, language

# Twitter counts views since then; of older tweets it says 0.
_VIEWS_SINCE = datetime(2022, 12, 15, tzinfo=UTC)
_INCLUDED = (("media", "media_key"), ("users", "id"), ("tweets", "id"), ("places", "id"))


class TwitterV2(JsonSource):
    name = "twitter-v2"
    label = "Twitter API v2"

    def knows(self, document: dict[str, Any]) -> bool:
        if "nav_index" in document or "source_platform" in document:
            return False
        if "data" in document:
            one = branch(document, "data")
            return any(_is_tweet(post) for post in ([one] if one else twigs(document, "data")))
        return _is_tweet(document) and (
            "public_metrics" in document
            or "author_id" in document
            or "edit_history_tweet_ids" in document
        )

    def posts(self, document: dict[str, Any]) -> Iterable[Any]:
        if "data" not in document:
            # A page without tweets says only how many there were, or what went wrong.
            return () if "meta" in document or "errors" in document else (document,)
        data = document["data"]
        included = {
            kind: {
                item[key]: item
                for item in twigs(document, "includes", kind)
                if isinstance(item.get(key), str)
            }
            for kind, key in _INCLUDED
        }
        return _completed(data if isinstance(data, list) else [data], included)

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        post_id = uid(post.get("id"))
        at = moment(first(post.get("created_at"), moment_in_id(post_id)), latest, "created_at")
        original = _referenced(post, "retweeted")
        source = original if original.get("text") else post
        told = _full_text(source)
        if source is original and (whose := branch(original, "author").get("username")):
            told = f"RT @{text(whose, MAX_HANDLE)}: {told}"
        account = _account(post)
        lat, lon, place = _where(post)
        return Record(
            platform="twitter",
            uid=post_id,
            posted_at=at,
            account=account,
            text=told,
            lang=language(post.get("lang")),
            url=f"https://twitter.com/{(account and account.handle) or 'i/web'}/status/{post_id}",
            hashtags=_tags(source, told),
            images=_pictures(post) or _pictures(original),
            **({} if original else _metrics(post, at)),
            lat=lat,
            lon=lon,
            place=place,
            source_id=post_id,
            repost_of=optional_uid(original.get("id")),
            reply_to=optional_uid(_referenced(post, "replied_to").get("id")),
        )


def _is_tweet(post: dict[str, Any]) -> bool:
    return "id" in post and ("text" in post or "edit_history_tweet_ids" in post)


def _completed(tweets: list[Any], included: dict[str, dict[str, Any]]) -> Iterator[Any]:
    """Tweets in flattened form: author, media, place and referenced tweets put in place."""
    for tweet in tweets:
        yield _complete(tweet, included, 1) if isinstance(tweet, dict) else tweet


def _complete(tweet: dict[str, Any], included: dict[str, Any], depth: int) -> dict[str, Any]:
    whole = dict(tweet)
    if (author := _look_up(included, "users", tweet.get("author_id"))) is not None:
        whole["author"] = author
    keys = branch(tweet, "attachments").get("media_keys")
    if isinstance(keys, list) and included["media"]:
        media = [_look_up(included, "media", key) for key in keys[:MAX_IMAGES]]
        whole["attachments"] = {"media": [medium for medium in media if medium is not None]}
    if place := _look_up(included, "places", branch(tweet, "geo").get("place_id")):
        whole["geo"] = {**place, **branch(tweet, "geo"), "box": branch(place, "geo").get("bbox")}
    if depth:
        whole["referenced_tweets"] = [
            {
                **_complete(_look_up(included, "tweets", other.get("id")) or {}, included, 0),
                **other,
            }
            for other in twigs(tweet, "referenced_tweets")
        ]
    return whole


def _look_up(included: dict[str, Any], kind: str, key: Any) -> dict[str, Any] | None:
    return included[kind].get(key) if isinstance(key, str) else None


def _referenced(post: dict[str, Any], kind: str) -> dict[str, Any]:
    references = twigs(post, "referenced_tweets")
    return next((other for other in references if other.get("type") == kind), {})


def _full_text(post: dict[str, Any]) -> str:
    return text(first(branch(post, "note_tweet").get("text"), post.get("text")))


def _tags(post: dict[str, Any], told: str) -> tuple[str, ...]:
    for holder in (branch(post, "note_tweet"), post):
        if isinstance(branch(holder, "entities").get("hashtags"), list):
            return hashtags(tag.get("tag") for tag in twigs(holder, "entities", "hashtags"))
    return hashtags_in(told)


def _metrics(post: dict[str, Any], at: datetime) -> dict[str, int | None]:
    given = branch(post, "public_metrics")
    views = count(given.get("impression_count"))
    return {
        "likes": count(given.get("like_count")),
        "reposts": count(given.get("retweet_count")),
        "comments": count(given.get("reply_count")),
        "views": None if views == 0 and at < _VIEWS_SINCE else views,
    }


def _pictures(post: dict[str, Any]) -> tuple[ImageRef, ...]:
    found: dict[str, ImageRef] = {}
    for medium in twigs(post, "attachments", "media")[:MAX_IMAGES]:
        url = web_url(medium.get("url")) if medium.get("type", "photo") == "photo" else ""
        if url := url or web_url(medium.get("preview_image_url")):
            found[url] = ImageRef(url, alt=text(medium.get("alt_text")))
    return tuple(found.values())


def _account(post: dict[str, Any]) -> AccountRecord | None:
    author = branch(post, "author")
    name = first(author.get("id"), post.get("author_id"))
    if name is None or isinstance(name, dict | list | bool):
        return None
    given, verified = branch(author, "public_metrics"), author.get("verified")
    return AccountRecord(
        uid=uid(name, "author_id"),
        handle=text(author.get("username"), MAX_HANDLE),
        name=text(author.get("name"), MAX_HANDLE),
        followers=count(given.get("followers_count")),
        following=count(given.get("following_count")),
        n_posts=count(given.get("tweet_count")),
        created_at=parse_moment(author.get("created_at")),
        verified=verified if isinstance(verified, bool) else None,
        location=text(author.get("location"), MAX_HANDLE),
    )


def _where(post: dict[str, Any]) -> tuple[float | None, float | None, str]:
    geo = branch(post, "geo")
    named = text(first(geo.get("full_name"), geo.get("name")), MAX_HANDLE)
    point = branch(geo, "coordinates").get("coordinates")
    if isinstance(point, list) and len(point) == 2:
        lat, lon = position(point[1], point[0])
        if lat is not None:
            return lat, lon, named
    box = first(geo.get("box"), branch(geo, "geo").get("bbox"), geo.get("bbox"))
    if isinstance(box, list) and len(box) == 4:
        return *centre([position(box[1], box[0]), position(box[3], box[2])]), named
    return None, None, named
