"""The broker: does it answer, may it drop messages, is anything piling up."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from config import queues
from imagery.doctor import Finding, bad, doubt, good

MANY = 5000


def look() -> Iterator[Finding]:
    try:
        lengths = queues.lengths()
    except queues.Unreachable as error:
        todo = "it is made by `manage.py run`" if settings.EMBEDDED else "start it, or mend its URL"
        level = doubt if settings.EMBEDDED else bad
        yield level("broker", str(error), todo)
        return
    where = "in a folder" if settings.EMBEDDED else settings.CELERY_BROKER_URL.split("@")[-1]
    yield good("broker", where)
    told = ", ".join(f"{name} {n}" for name, n in lengths.items())
    if max(lengths.values(), default=0) > MANY:
        yield doubt("queues", told, "start workers for the longest")
    else:
        yield good("queues", told)
    yield from redis()


def redis() -> Iterator[Finding]:
    found = queues.redis_settings("maxmemory-policy", "maxmemory")
    if found is None:
        return
    policy = found["maxmemory-policy"]
    if policy != "noeviction":
        yield bad(
            "Redis",
            f"maxmemory-policy is {policy}: messages may be dropped",
            "set it to noeviction",
        )
    else:
        limit = int(found["maxmemory"] or 0)
        yield good("Redis", "noeviction" + (f", {limit // 2**20} MiB at most" if limit else ""))
