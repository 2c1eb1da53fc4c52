"""The embedded broker: kombu's messages as files in a folder, each of which appears whole.

kombu writes a message under its final name; a worker that looks at that moment reads it half
written, and ends.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
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
