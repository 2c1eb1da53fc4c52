"""Statuses read again: in one question where the server knows it, and those left out alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .fields import branch, count
from .live import Engagement, Refused
from .mastodon_api import Server, StatusRefused


def read_again(server: Server, asked: Mapping[str, str]) -> Iterator[Engagement]:
    """asked: uid by the server's id.

    A status that alone is refused is private. Where all are, it is we who are: Refused is raised,
    lest a token that ran out make a month of posts private.
    """
    left, trusted = dict(asked), False
    for status in _batch(server, list(asked)):
        status_id = str(status.get("id")) if isinstance(status, dict) else ""
        if status_id in left:
            trusted = True
            yield _engagement(left.pop(status_id), status)
    refused: list[tuple[str, Refused]] = []
    for status_id, uid in left.items():
        try:
            yield _engagement(uid, server.status(status_id))
            trusted = True
        except StatusRefused as problem:
            if problem.status in (404, 410) and problem.by_api:
                trusted = True
                yield Engagement(uid, "deleted")
            elif problem.status in (401, 403):
                refused.append((uid, problem))
            else:
                raise
    if refused and not trusted:
        raise refused[0][1]
    for uid, _ in refused:
        yield Engagement(uid, "private")


def _batch(server: Server, ids: Sequence[str]) -> list[Any]:
    """The statuses in one question; none from servers that do not know it (before 4.3)."""
    if len(ids) < 2:
        return []
    try:
        return server.statuses(ids)
    except StatusRefused as problem:
        if problem.status in (400, 404, 405):
            return []
        raise


def _engagement(uid: str, status: Any) -> Engagement:
    return Engagement(
        uid,
        likes=count(branch(status).get("favourites_count")),
        reposts=count(branch(status).get("reblogs_count")),
        comments=count(branch(status).get("replies_count")),
        followers=count(branch(status, "account").get("followers_count")),
    )
