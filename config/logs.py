"""Lines of the log: readable by default, JSON where LOG_FORMAT asks for it, tagged either way.

Tags say what a line belongs to: the request, or the job, import, collection and event that a
worker has in hand. Threads begin without them: who starts one enters `tagged` in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

Tag = str | int
_tags: ContextVar[Mapping[str, Tag]] = ContextVar("tags", default=MappingProxyType({}))
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s%(tags)s"
FORMATS = ("line", "json")


@contextmanager
def tagged(**tags: Tag | None) -> Iterator[None]:
    """Lines logged in the block, by this thread, carry the tags; None leaves one out."""
    given = {name: value for name, value in tags.items() if value is not None}
    before = _tags.set(MappingProxyType({**_tags.get(), **given}))
    try:
        yield
    finally:
        _tags.reset(before)


def tags() -> Mapping[str, Tag]:
    """What lines logged now would carry."""
    return _tags.get()


class Tags(logging.Filter):
    """Puts the tags onto each record: as `tags` for readable lines, by name for JSON."""

    def filter(self, record: logging.LogRecord) -> bool:
        held = _tags.get()
        record.tags = "".join(f" [{name}={value}]" for name, value in held.items())
        for name, value in held.items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class JsonLines(JsonFormatter):
    """One JSON object a line: time, level, logger, message, tags, what the call gave besides."""

    def __init__(self) -> None:
        # A request's own form tells what people searched for.
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "trace"},
            reserved_attrs=[*RESERVED_ATTRS, "tags", "request"],
            timestamp="time",
        )


def configured(form: str, level: str) -> dict[str, Any]:
    """LOGGING of the settings; form is one of FORMATS."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"tags": {"()": "config.logs.Tags"}},
        "formatters": {"line": {"format": LINE}, "json": {"()": "config.logs.JsonLines"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": form, "filters": ["tags"]}
        },
        # The broker that needs no server has no host to name: no news.
        "loggers": {"kombu.connection": {"level": "ERROR"}},
        "root": {"handlers": ["console"], "level": level},
    }
