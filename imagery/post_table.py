"""The posts that carry a unique image, as rows to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.core.serializers.json import DjangoJSONEncoder

from imagery import histories
from imagery.models import Post, UniqueImage

FIELDS = (
    "platform",
    "id",
    "posted_at",
    "account",
    "account_id",
    "followers",
    "text",
    "lang",
    "url",
    "hashtags",
    "likes",
    "reposts",
    "comments",
    "views",
    "lat",
    "lon",
    "place",
    "repost_of",
)


def posts(unique: UniqueImage) -> Iterator[Post]:
    """All of them by time, a few held at once."""
    found = histories.posts_of(unique).select_related("account").order_by("posted_at", "pk")
    return found.iterator(chunk_size=1000)


def values(post: Post) -> list[object]:
    """Under FIELDS; unknown is None."""
    account = post.account
    return [
        post.platform,
        post.uid,
        post.posted_at,
        str(account) if account else None,
        account.uid if account else None,
        account.followers if account else None,
        post.text,
        post.lang,
        post.url,
        post.hashtags,
        post.likes,
        post.reposts,
        post.comments,
        post.views,
        post.lat,
        post.lon,
        post.place,
        post.repost_of,
    ]


def csv_rows(unique: UniqueImage) -> Iterator[list[object]]:
    for post in posts(unique):
        yield csv_row(post)


def csv_row(post: Post) -> list[object]:
    return [" ".join(map(str, v)) if isinstance(v, list) else v for v in values(post)]


def json_pieces(unique: UniqueImage) -> Iterator[str]:
    """One JSON array, a row a line."""
    yield "["
    for i, post in enumerate(posts(unique)):
        row = dict(zip(FIELDS, values(post), strict=True))
        yield (",\n" if i else "\n") + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
    yield "\n]\n"
