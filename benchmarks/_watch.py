"""What a command and all its descendants hold and spend, from outside (Linux)."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Watched:
    """seconds: wall time. peak_mb: most memory that all held together, pages they share counted
    for each of them. core_s: processor time of all, those that ended included.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0
    _spent: dict[int, float] = field(default_factory=dict)

    @property
    def core_s(self) -> float:
        return sum(self._spent.values())


def run(command: list[str], env: dict[str, str], every_s: float = 0.2) -> Watched:
    """Run to its end; raises CalledProcessError."""
    found = Watched()
    begun = time.perf_counter()
    with subprocess.Popen(command, env=env) as process:
        ended = threading.Event()
        watcher = threading.Thread(target=_sample, args=(process.pid, found, ended, every_s))
        watcher.start()
        code = process.wait()
        found.seconds = time.perf_counter() - begun
        ended.set()
        watcher.join()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return found


def core_s(pid: int) -> float:
    """Processor time so far of the process and its living descendants."""
    spent = 0.0
    for one in _family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        spent += sum(map(int, fields[11:15])) / TICKS  # also of children that ended
    return spent


def _sample(pid: int, found: Watched, ended: threading.Event, every_s: float) -> None:
    while not ended.is_set():
        held = 0.0
        for one in _family(pid):
            try:
                fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            found._spent[one] = (int(fields[11]) + int(fields[12])) / TICKS
            held += int(fields[21]) * PAGE_MB
        found.peak_mb = max(found.peak_mb, held)
        ended.wait(every_s)


def _family(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return
