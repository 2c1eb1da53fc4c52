"""Politeness: how many requests one host gets at once, and how far apart."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from imagery.core.addresses import FetchError

MAX_REMEMBERED_HOSTS = 4096
MAX_HOLD_S = 3600.0


@dataclass
class _Host:
    slots: threading.Semaphore
    next_at: float
    users: int = 0


@dataclass
class HostTurns:
    """Hands out turns per host; thread-safe. Times are of the injected clock, in seconds."""

    per_host: int
    min_interval_s: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self, host: str, give_up_at: float) -> Iterator[None]:
        """Waits for a turn, holds it for the block. FetchError "busy" where none comes in time."""
        state = self._enter(host)
        try:
            remaining = max(0.0, give_up_at - self.clock())
            if not state.slots.acquire(timeout=remaining):
                raise FetchError(
                    f"{host} was busy with our other requests until the time was up",
                    "busy",
                    retryable=True,
                )
            try:
                self._wait_for_start(host, state, give_up_at)
                yield
            finally:
                state.slots.release()
        finally:
            self._leave(state)

    def hold(self, host: str, seconds: float) -> None:
        """No turn at this host for so long (at most an hour): it asked for a pause."""
        state = self._enter(host)
        with self._lock:
            until = self.clock() + min(max(seconds, 0.0), MAX_HOLD_S)
            state.next_at = max(state.next_at, until)
        self._leave(state)

    def _wait_for_start(self, host: str, state: _Host, give_up_at: float) -> None:
        with self._lock:
            now = self.clock()
            start = max(now, state.next_at)
            if start > give_up_at:
                raise FetchError(
                    f"{host} asked us to wait another {start - now:.0f} s",
                    "busy",
                    retryable=True,
                    retry_after_s=start - now,
                )
            state.next_at = start + self.min_interval_s
        if start > now:
            self.sleep(start - now)

    def _enter(self, host: str) -> _Host:
        with self._lock:
            if len(self._hosts) >= MAX_REMEMBERED_HOSTS and host not in self._hosts:
                self._forget()
            state = self._hosts.get(host)
            if state is None:
                state = _Host(threading.Semaphore(self.per_host), self.clock())
                self._hosts[host] = state
            state.users += 1
            return state

    def _leave(self, state: _Host) -> None:
        with self._lock:
            state.users -= 1

    def _forget(self) -> None:
        now = self.clock()
        self._hosts = {
            host: state for host, state in self._hosts.items() if state.users or state.next_at > now
        }
