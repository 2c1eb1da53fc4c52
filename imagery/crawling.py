"""Getting many things at once from many hosts, a few at a time from each.

A thing whose host is busy takes no thread while it waits, so a slow host holds up nobody else's.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

Item = TypeVar("Item")
Got = TypeVar("Got")
LOOK_AGAIN_S = 0.05
PILE = 16
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Flight(Generic[Item, Got]):
    item: Item
    host: str
    key: Hashable
    run: Run[Item, Got]


@dataclass(slots=True)
class Crawl(Generic[Item, Got]):
    """What one process gets at once: `most` things, `share(host)` of one host.

    get: called in threads. key: what tells a thing from others; one in flight is not begun again.
    """

    get: Callable[[Item], Got]
    key: Callable[[Item], Hashable]
    host: Callable[[Item], str]
    share: Callable[[str], int]
    most: int
    _flying: dict[Hashable, _Flight[Item, Got]] = field(default_factory=dict)
    _of_host: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        items: Iterable[Item],
        patience_s: float | None = None,
        late: Callable[[Got], object] | None = None,
    ) -> Run[Item, Got]:
        """Outcomes, as they come, of all the items; or of those that come within patience_s.

        What is in flight when patience ends goes to `late`, in its thread; what is not begun is
        left. Without patience everything is waited for.
        """
        return Run(self, items, patience_s, late)

    def begin(self, item: Item, host: str, run: Run[Item, Got]) -> bool:
        """Whether the item could be begun: where the process and its host are not too busy."""
        flight = _Flight(item, host, self.key(item), run)
        with self._lock:
            full = len(self._flying) >= self.most or self._of_host[host] >= self.share(host)
            if full or flight.key in self._flying:
                return False
            self._flying[flight.key] = flight
            self._of_host[host] += 1
        threading.Thread(target=self._fly, args=(flight,), name="fetch", daemon=True).start()
        return True

    def is_flying(self, item: Item) -> bool:
        with self._lock:
            return self.key(item) in self._flying

    def _fly(self, flight: _Flight[Item, Got]) -> None:
        got: Got | None = None
        error: BaseException | None = None
        try:
            got = self.get(flight.item)
        except BaseException as raised:  # noqa: BLE001 — told to whoever waits for it
            error = raised
        try:
            flight.run.landed(flight.host, got, error)
        finally:
            with self._lock:
                del self._flying[flight.key]
                self._of_host[flight.host] -= 1
                if not self._of_host[flight.host]:
                    del self._of_host[flight.host]
        flight.run.rang(flight.host)


class Run(Generic[Item, Got]):
    """Outcomes of one call of `Crawl.run`, to be iterated once."""

    def __init__(
        self,
        crawl: Crawl[Item, Got],
        items: Iterable[Item],
        patience_s: float | None,
        late: Callable[[Got], object] | None,
    ) -> None:
        self._crawl, self._late = crawl, late
        self._until = None if patience_s is None else monotonic() + patience_s
        self._waiting: dict[str, deque[Item]] = {}
        for item in items:
            self._waiting.setdefault(crawl.host(item), deque()).append(item)
        self._ready = deque(self._waiting)
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._landed: deque[tuple[Got | None, BaseException | None]] = deque()
        self._n_flying = 0
        self._gone = False
        self._lock = threading.Lock()

    @property
    def n_left(self) -> int:
        """Items that were not begun."""
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[Got]:
        while True:
            self._begin()
            if not self._n_flying and not self._may_wait():
                return
            if not self._hear():
                yield from self._let_go()
                return
            yield from self._outcomes()

    def in_hand(self) -> list[Got]:
        """Outcomes of what is in flight, waited for; nothing more is begun. Errors are passed
        over."""
        self._waiting.clear()
        while not self._gone and self._n_flying > len(self._landed):
            self._told.get()
        found = [got for got, _ in self._landed if got is not None]
        self._n_flying -= len(self._landed)
        self._landed.clear()
        return found

    # In the threads of the crawl -------------------------------------------------------------

    def landed(self, host: str, got: Got | None, error: BaseException | None) -> None:
        with self._lock:
            gone = self._gone
            if not gone:
                self._landed.append((got, error))
        if gone and error is not None:
            log.error("what came late is lost: %s", error)
        elif gone and self._late is not None and got is not None:
            self._late(got)

    def rang(self, host: str) -> None:
        self._told.put(host)

    # In the thread that iterates -------------------------------------------------------------

    def _begin(self) -> None:
        """Begin what can be, host by host in turn, as long as outcomes do not pile up."""
        while self._ready and len(self._landed) < PILE:
            host = self._ready.popleft()
            waiting = self._waiting.get(host)
            if not waiting:
                continue
            if self._until is not None and self._crawl.is_flying(waiting[0]):
                waiting.popleft()  # a straggler of an earlier run
                self._ready.append(host)
            elif self._crawl.begin(waiting[0], host, self):
                waiting.popleft()
                self._n_flying += 1
                self._ready.append(host)

    def _may_wait(self) -> bool:
        """Whether to wait for hosts that stragglers of earlier runs keep busy."""
        return self._until is None and self.n_left > 0

    def _hear(self) -> bool:
        """Wait for something to land; False where patience has ended."""
        left = None if self._until is None else self._until - monotonic()
        if left is not None and left <= 0:
            return False
        wait = left if self._n_flying else LOOK_AGAIN_S
        try:
            self._told.get(timeout=wait)
        except queue.Empty:
            if self._n_flying:
                return False
        # Any host may be free now: one's own, or the process has room again.
        self._ready = deque(host for host, items in self._waiting.items() if items)
        return True

    def _outcomes(self) -> Iterator[Got]:
        while self._landed:
            got, error = self._landed.popleft()
            self._n_flying -= 1
            if error is not None:
                raise error
            yield got  # type: ignore[misc]

    def _let_go(self) -> Iterator[Got]:
        with self._lock:
            self._gone = True
        yield from self._outcomes()
