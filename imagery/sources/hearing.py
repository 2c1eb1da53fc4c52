"""What live sources share: waiting without falling silent, failures in the protocol's words."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from imagery.core.addresses import FetchError

from .base import BadRow, Record
from .fields import AHEAD, Unusable, cut
from .json_rows import JsonSource
from .live import Heard, Interrupted, Refused

TICK_S = 0.5
Answer = TypeVar("Answer")


def pause(seconds: float) -> Iterator[Heard]:
    """Waits, saying every half second that nothing is heard."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, TICK_S))
        yield Heard()


def meanwhile(
    call: Callable[[], Answer], drop: Callable[[Answer], None] | None = None
) -> Generator[Heard, None, Answer]:
    """What a slow call returns or raises; until then, every half second, that nothing is heard.

    The call has a thread and a time limit of its own: nobody waits for it who has stopped
    listening. drop: what then becomes of its answer.
    """
    done: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()
    abandoned = threading.Event()

    def tidy() -> None:
        with contextlib.suppress(queue.Empty):
            answer, problem = done.get_nowait()
            if problem is None and drop is not None:
                drop(cast(Answer, answer))

    def run() -> None:
        try:
            done.put((call(), None))
        except Exception as problem:  # noqa: BLE001 - raised below, in the thread that asked
            done.put((None, problem))
        if abandoned.is_set():
            tidy()

    threading.Thread(target=run, daemon=True, name="live call").start()
    try:
        while True:
            try:
                answer, problem = done.get(timeout=TICK_S)
            except queue.Empty:
                yield Heard()
                continue
            if problem is not None:
                raise problem
            return cast(Answer, answer)
    finally:
        abandoned.set()
        tidy()


def told(problem: FetchError) -> Interrupted | Refused:
    """A failed request as the collector is told of it."""
    if problem.status in (401, 403, 404, 410, 422, 400) or problem.kind in (
        "bad_url",
        "forbidden_address",
    ):
        return Refused(f"{problem.reason}.")
    return Interrupted(f"{problem.reason}.", problem.retry_after_s)


def mapped(source: JsonSource, post: Any, raw: bytes | str = b"") -> Record | BadRow | None:
    """A post as the format's files are read; the bad row is the first and only one of its kind."""
    if not isinstance(post, dict):
        return BadRow(1, "What came is not an object.", cut(raw))
    try:
        return source.record(post, datetime.now(UTC) + AHEAD)
    except Unusable as problem:
        return BadRow(1, f"{problem}.", cut(raw))
