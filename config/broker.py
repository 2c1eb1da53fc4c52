"""Brokers: what a person waits for comes first, and the embedded one, messages in a folder.

kombu's own folder writes a message under its final name; a worker that looks at that moment reads
it half written, and ends. Here each appears whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps
from kombu.utils.scheduling import FairCycle, round_robin_cycle

FIRST = "asked"


class people_first(round_robin_cycle):
    """Redis' order of queues: that of what people wait for, then the others in turn."""

    def consume(self, n: int) -> list[str]:
        return sorted(super().consume(n), key=lambda name: name != FIRST)


class PeopleFirst(FairCycle):
    """The same for transports that kombu polls one queue at a time."""

    def get(self, callback: Callable[..., object], **kwargs: Any) -> Any:
        if FIRST in self.resources:
            try:
                return self.fun(FIRST, callback, **kwargs)
            except Empty:
                pass
        return super().get(callback, **kwargs)


class Channel(filesystem.Channel):
    def _reset_cycle(self) -> None:
        self._cycle = PeopleFirst(self._get_and_deliver, self._active_queues, Empty)

    def _put(  # type: ignore[override]  # its two bases do not agree
        self, queue: str, payload: Any, **kwargs: Any
    ) -> None:
        """Write beside, then rename. Raises ChannelError where the folder takes nothing."""
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        draft = Path(self.data_folder_out, f"{name}.draft")  # a name that no queue looks for
        try:
            draft.write_bytes(dumps(payload).encode())
            draft.replace(draft.with_name(name))
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise ChannelError(f"Cannot add {name} to {self.data_folder_out}: {error}") from error


class Transport(filesystem.Transport):
    Channel = Channel
