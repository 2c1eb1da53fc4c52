"""4CAT's CSV exports, whose columns differ with the platform they came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from .base import AccountRecord, ImageRef, Record
from .fields import (
    MAX_HANDLE,
    count,
    first,
    hashtags,
    hashtags_in,
    moment,
    position,
    text,
    uid,
    web_url,
)
from .permalinks import platform_of
from .tables import Layout, TableSource, web_urls, words

_VIDEO_ENDINGS = (".mp4", ".m3u8", ".mov", ".webm", ".m4v")


class FourCat(TableSource):
    name = "4cat"
    label = "4CAT CSV"
    columns = {
        "id": ("id",),
        "thread_id": ("threadid",),
        "timestamp": ("timestamp",),
        "unix_timestamp": ("unixtimestamp",),
        "body": ("body",),
        "author": ("author",),
        "author_id": ("authorid",),
        "author_name": ("authorfullname", "authorfull", "authorname"),
        "followers": ("authorfollowers", "followers"),
        "following": ("authorfollowing",),
        "n_posts": ("authorvideos",),
        "author_location": ("authorlocation",),
        "verified": ("verified", "authorverified"),
        "url": ("link", "url", "tiktokurl", "posturl", "permalink"),
        "tiktok_url": ("tiktokurl",),
        "pictures": (
            "imageurls",
            "images",
            "imageurl",
            "displayurl",
            "displayurls",
            "thumbnailurl",
            "imagefile",
        ),
        "media": ("mediaurls", "mediaurl", "media"),
        "hashtags": ("hashtags", "tags"),
        "lang": ("languageguess", "language", "lang"),
        "likes": ("likes", "likecount", "numlikes", "favoritecount", "favouritescount"),
        "reposts": ("retweetcount", "reposts", "repostcount", "reblogscount", "shares"),
        "comments": ("comments", "replycount", "numcomments", "commentcount", "repliescount"),
        "views": ("impressioncount", "playcount", "plays", "views", "viewcount"),
        "notes": ("notecount", "notes"),
        "long_lat": ("longlat",),
        "lat_long": ("locationlatlong", "latlong"),
        "place": ("placename", "locationname"),
        "is_retweet": ("isretweet",),
    }

    def complete(self, layout: Layout) -> bool:
        return {"id", "thread_id", "timestamp", "body", "author"} <= layout.keys()

    def record(self, cells: Mapping[str, str], latest: datetime) -> Record | None:
        post_id = uid(cells["id"])
        told = text(cells["body"])
        thread = cells["thread_id"]
        lat, lon = _where(cells)
        repeated = cells["is_retweet"].lower() in ("yes", "true", "1")
        platform = _platform(cells)
        reply = thread if thread != post_id and platform != "tumblr" else ""
        return Record(
            platform=platform,
            uid=post_id,
            posted_at=moment(cells["unix_timestamp"] or cells["timestamp"], latest, "timestamp"),
            account=_account(cells),
            text=told,
            lang=text(cells["lang"], 35),
            url=web_url(cells["url"]),
            hashtags=hashtags(words(cells["hashtags"])) or hashtags_in(told),
            images=_images(cells),
            likes=None if repeated else count(cells["likes"]),
            reposts=None if repeated else count(cells["reposts"]),
            comments=None if repeated else count(cells["comments"]),
            views=count(cells["views"]),
            lat=lat,
            lon=lon,
            place=text(cells["place"], MAX_HANDLE),
            reply_to=uid(reply, "thread_id") if reply else "",
        )


def _platform(cells: Mapping[str, str]) -> str:
    if cells["tiktok_url"]:
        return "tiktok"
    return platform_of(cells["url"]) or ("tumblr" if cells["notes"] else "4cat")


def _account(cells: Mapping[str, str]) -> AccountRecord | None:
    handle = text(cells["author"], MAX_HANDLE)
    name = first(cells["author_id"], handle)
    if name is None:
        return None
    return AccountRecord(
        uid=uid(name, "author_id"),
        handle=handle,
        name=text(cells["author_name"], MAX_HANDLE),
        followers=count(cells["followers"]),
        following=count(cells["following"]),
        n_posts=count(cells["n_posts"]),
        verified={"true": True, "yes": True, "false": False, "no": False}.get(
            cells["verified"].lower()
        ),
        location=text(cells["author_location"], MAX_HANDLE),
    )


def _images(cells: Mapping[str, str]) -> tuple[ImageRef, ...]:
    """Pictures and stills; a column of media only where there is no column of pictures."""
    urls = web_urls(cells["pictures"]) or web_urls(cells["media"])
    stills = (url for url in urls if not url.partition("?")[0].lower().endswith(_VIDEO_ENDINGS))
    return tuple(ImageRef(url) for url in stills)


def _where(cells: Mapping[str, str]) -> tuple[float | None, float | None]:
    east, _, north = cells["long_lat"].partition(",")
    if north:
        return position(north, east)
    north, _, east = cells["lat_long"].partition(",")
    return position(north, east)
