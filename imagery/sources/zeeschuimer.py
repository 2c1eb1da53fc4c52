"""Zeeschuimer captures, as exported or as 4CAT keeps them: posts of several websites, wrapped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .base import Record
from .fields import Unusable, branch, shown
from .instagram import instagram_post
from .json_rows import JsonSource
from .tiktok import tiktok_post
from .x_graphql import x_post

READERS: dict[str, Callable[[dict[str, Any], datetime], Record]] = {
    "instagram.com": instagram_post,
    "tiktok.com": tiktok_post,
    "twitter.com": x_post,
    "x.com": x_post,
}


class Zeeschuimer(JsonSource):
    name = "zeeschuimer"
    label = "Zeeschuimer NDJSON"

    def knows(self, document: dict[str, Any]) -> bool:
        return ("source_platform" in document and "data" in document) or (
            "source_platform" in branch(document, "__import_meta")
        )

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        inner = branch(post, "__import_meta")
        data = post if inner else branch(post, "data")
        platform = (inner or post).get("source_platform")
        told = platform.lower().removeprefix("www.") if isinstance(platform, str) else ""
        if told not in READERS:
            raise Unusable(
                f"source_platform {shown(platform)} is not read; "
                f"instagram.com, tiktok.com, twitter.com and x.com are"
            )
        if not data:
            raise Unusable("data is missing")
        return READERS[told](data, latest)
