"""Our own CSV: documented columns, and the names others give them. See docs/sources.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from .base import AccountRecord, ImageRef, Record
from .fields import (
    MAX_HANDLE,
    MAX_IMAGES,
    Unusable,
    count,
    first,
    hashtags,
    hashtags_in,
    inner_path,
    moment,
    position,
    text,
    uid,
    web_url,
)
from .fourcat import FourCat
from .permalinks import platform_of, post_id_in
from .tables import Layout, TableSource, web_urls, words

COLUMNS = {
    "id": ("id", "uid", "postid", "tweetid", "statusid", "idstr", "photoid", "shortcode"),
    "tweet_id": ("tweetid",),
    "platform": ("platform", "network"),
    "posted_at": (
        "postedat",
        "createdat",
        "dateupload",
        "publishedat",
        "published",
        "timestamp",
        "unixtimestamp",
        "createtime",
        "datetime",
        "date",
        "dates",
        "time",
        "takenat",
        "datetaken",
        "capturetime",
    ),
    "text": (
        "text",
        "fulltext",
        "body",
        "caption",
        "captions",
        "message",
        "content",
        "title",
        "description",
        "altdescription",
    ),
    "lang": ("lang", "language"),
    "url": ("url", "permalink", "link", "posturl", "pageurl", "tweeturl"),
    "account_id": ("accountid", "userid", "authorid", "ownerid"),
    "handle": ("account", "handle", "username", "screenname", "user", "author", "ownername"),
    "name": ("accountname", "displayname", "authorname", "fullname"),
    "followers": ("followers", "followerscount", "followercount", "accountfollowers"),
    "following": ("following", "followingcount", "friendscount"),
    "account_posts": ("accountposts", "statusescount", "mediacount"),
    "images": (
        "images",
        "image",
        "imageurls",
        "imageurl",
        "mediaurls",
        "mediaurl",
        "media",
        "photo",
        "photourl",
        "pictureurl",
        "displayurl",
        "thumbnailurl",
        "sizedurl",
    ),
    "file": ("file", "filename", "files", "path", "imagefile", "localfile"),
    "alt": ("alt", "alttext"),
    "hashtags": ("hashtags", "tags"),
    "likes": ("likes", "likecount", "likescount", "favorites", "favoritecount", "numlikes"),
    "reposts": ("reposts", "repostcount", "retweets", "retweetcount", "shares", "sharecount"),
    "comments": (
        "comments",
        "commentcount",
        "commentcounts",
        "commentscount",
        "replies",
        "replycount",
        "numcomments",
    ),
    "views": ("views", "viewcount", "plays", "playcount", "impressions", "impressioncount"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "long", "longitude"),
    "place": ("place", "placename", "location", "locationname"),
    "repost_of": ("repostof", "retweetedstatusid", "retweetof"),
    "reply_to": ("replyto", "inreplyto", "inreplytostatusid", "inreplytoid"),
}
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic")


class AfterimageCsv(TableSource):
    name = "csv"
    label = "Afterimage CSV"
    columns = COLUMNS

    def sniff(self, head: bytes, filename: str) -> bool:
        return super().sniff(head, filename) and not FourCat().sniff(head, filename)

    def complete(self, layout: Layout) -> bool:
        found = layout.keys()
        return (
            "posted_at" in found
            and ("id" in found or "url" in found)
            and bool({"images", "file", "text", "url"} & found)
        )

    def record(self, cells: Mapping[str, str], latest: datetime) -> Record | None:
        posted_at = moment(cells["posted_at"], latest)
        return post_of(cells, uid(row_id(cells)), posted_at, platform_in(cells) or "csv")


def row_id(cells: Mapping[str, str]) -> str:
    """The id column, else what the permalink says; "" where neither is given.

    Raises Unusable for a spreadsheet's 9.10507E+17, whose digits are lost.
    """
    given = cells["id"]
    if not given:
        return post_id_in(cells["url"])
    mantissa, power, _ = given.upper().partition("E+")
    if power and mantissa.replace(".", "", 1).replace(",", "", 1).isdigit():
        raise Unusable(f"id {given} was rounded by a spreadsheet; format the column as text")
    return given


def platform_in(cells: Mapping[str, str]) -> str:
    """The platform column, else what the columns and addresses say; "" where they do not."""
    if given := text(cells["platform"], 30).lower():
        return given
    if cells["tweet_id"]:
        return "twitter"
    return platform_of(cells["url"]) or platform_of(cells["images"])


def post_of(cells: Mapping[str, str], post_id: str, posted_at: datetime, platform: str) -> Record:
    """The record of a row whose id, time and platform are settled."""
    told = text(cells["text"])
    lat, lon = position(cells["lat"].replace(",", "."), cells["lon"].replace(",", "."))
    return Record(
        platform=platform,
        uid=post_id,
        posted_at=posted_at,
        account=_account(cells),
        text=told,
        lang=text(cells["lang"], 35),
        url=web_url(cells["url"]),
        hashtags=hashtags(words(cells["hashtags"])) or hashtags_in(told),
        images=_images(cells),
        likes=count(cells["likes"]),
        reposts=count(cells["reposts"]),
        comments=count(cells["comments"]),
        views=count(cells["views"]),
        lat=lat,
        lon=lon,
        place=text(cells["place"], MAX_HANDLE),
        repost_of=_other_id(cells["repost_of"]),
        reply_to=_other_id(cells["reply_to"]),
    )


def _other_id(cell: str) -> str:
    return uid(cell) if cell else ""


def _account(cells: Mapping[str, str]) -> AccountRecord | None:
    handle = text(cells["handle"], MAX_HANDLE).lstrip("@")
    name = first(cells["account_id"], handle)
    if name is None:
        return None
    return AccountRecord(
        uid=uid(name, "account_id"),
        handle=handle,
        name=text(cells["name"], MAX_HANDLE),
        followers=count(cells["followers"]),
        following=count(cells["following"]),
        n_posts=count(cells["account_posts"]),
    )


def _images(cells: Mapping[str, str]) -> tuple[ImageRef, ...]:
    """The pictures of a row: the n-th address and the n-th file are the same picture."""
    urls = web_urls(cells["images"])
    if not cells["images"] and _is_picture(cells["url"]):
        urls = web_urls(cells["url"])
    files = [inner_path(part) for part in cells["file"].split("|")] if cells["file"] else []
    files = [file for file in files if file][:MAX_IMAGES]
    alt = text(cells["alt"])
    found = []
    for number in range(max(len(urls), len(files))):
        url = urls[number] if number < len(urls) else ""
        file = files[number] if number < len(files) else ""
        found.append(ImageRef(url, file, alt))
    return tuple(found)


def _is_picture(url: str) -> bool:
    try:
        return bool(web_url(url)) and urlsplit(url).path.lower().endswith(_PICTURE_ENDINGS)
    except ValueError:
        return False
