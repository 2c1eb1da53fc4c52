"""The broker as seen from outside: does it answer, and how much lies in its queues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError

PATIENCE_S = 2


class Unreachable(Exception):
    """The broker does not answer; the message says why."""


@contextmanager
def _channel() -> Iterator[Any]:
    """A channel of a connection that gives up soon. Raises Unreachable."""
    from config import celery  # its transports are known once it is imported

    given = dict(celery.app.conf.broker_transport_options)
    options = given | {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    if settings.EMBEDDED:
        options = given
    connection = Connection(
        settings.CELERY_BROKER_URL, connect_timeout=PATIENCE_S, transport_options=options
    )
    expected = (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
    try:
        with connection:
            yield connection.channel()
    except expected as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error


def names() -> list[str]:
    return [one.name for one in settings.CELERY_TASK_QUEUES]


def lengths() -> dict[str, int]:
    """Messages waiting in each queue. Raises Unreachable."""
    with _channel() as channel:
        return {name: _length(channel, name) for name in names()}


def _length(channel: Any, name: str) -> int:
    if hasattr(channel, "_size"):  # brokers that kombu itself makes queues of: Redis, a folder
        return channel._size(name)
    return channel.queue_declare(name, passive=True).message_count


def ping() -> None:
    """Raises Unreachable."""
    with _channel():
        pass


def redis_settings(*wanted: str) -> dict[str, str] | None:
    """Values of Redis' settings; None where the broker is not Redis, or does not tell.

    Raises Unreachable.
    """
    if not settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
        return None
    import redis

    given = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, **given) as client:
            found = {name: client.config_get(name) for name in wanted}
    except redis.ResponseError:  # hosted ones forbid CONFIG
        return None
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    return {name: str(value.get(name, "")) for name, value in found.items()}
