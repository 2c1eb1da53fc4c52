"""What Instaloader writes beside each picture it fetched: one post a file, often .json.xz."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO

from .base import BadRow, ImageRef, Record
from .fields import branch, inner_path
from .instagram import instagram_post
from .json_rows import JsonSource

_ENDING = re.compile(r"\.json(\.xz)?$", re.IGNORECASE)


class Instaloader(JsonSource):
    name = "instaloader"
    label = "Instaloader JSON"

    def knows(self, document: dict[str, Any]) -> bool:
        return "instaloader" in document or (
            "node" in document and "shortcode" in branch(document, "node")
        )

    def record(self, post: dict[str, Any], latest: datetime) -> Record | None:
        if branch(post, "instaloader").get("node_type", "Post") != "Post":
            return None  # profiles, hashtags and stories
        return instagram_post(branch(post, "node"), latest)

    def read(self, stream: BinaryIO, filename: str, now: datetime) -> Iterator[Record | BadRow]:
        """As every source; each image's `file` is the name Instaloader gave the picture."""
        stem = inner_path(_ENDING.sub("", filename.replace("\\", "/").rsplit("/", 1)[-1]))
        for row in super().read(stream, filename, now):
            yield _with_files(row, stem) if isinstance(row, Record) and stem else row


def _with_files(record: Record, stem: str) -> Record:
    several = len(record.images) > 1
    images = tuple(
        ImageRef(image.url, f"{stem}_{number}.jpg" if several else f"{stem}.jpg", image.alt)
        for number, image in enumerate(record.images, 1)
    )
    return replace(record, images=images)
