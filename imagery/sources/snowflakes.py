"""Twitter's ids, which hold the time of the post."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1_288_834_974_657)
_FIRST = 29_700_859_247  # the first such id, of 4 November 2010; smaller ones only counted


def moment_in_id(post_id: str) -> datetime | None:
    """When the tweet of this id was posted, to the millisecond; None for ids that do not say."""
    if not (post_id.isascii() and post_id.isdigit() and len(post_id) <= 19):
        return None
    number = int(post_id)
    return None if number < _FIRST else _EPOCH + timedelta(milliseconds=number >> 22)
