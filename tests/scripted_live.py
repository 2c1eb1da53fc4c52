"""A live source that does what a test says: what was published is in `log`, by time.

    source = Scripted()
    monkeypatch.setitem(LIVE, "scripted", source)
    source.publish(record(1), record(2))     # whoever listens hears it
    source.cut(Interrupted("cut"))           # whoever listens has the connection cut

resumes: `stream` goes on from the cursor; else it begins with what is published from then on.
keeps_from: what was published before cannot be refilled; None refills nothing at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from imagery.sources.base import AccountRecord, ImageRef, Record
from imagery.sources.live import Ask, CannotRefill, Engagement, Heard, Option, Wanted


class Scripted:
    name = "scripted"
    label = "Scripted"
    options: tuple[Option, ...] = ()
    wants_token = False
    readable_at_once = 4

    def __init__(self) -> None:
        self.log: list[Heard] = []
        self.resumes = True
        self.keeps_from: datetime | None = datetime(2000, 1, 1, tzinfo=UTC)
        self.refusals: list[Exception] = []  # of the next connections
        self.refill_refusals: dict[int, Exception] = {}  # by place in the log
        self.asks: list[tuple[Ask, str]] = []
        self.refills: list[tuple[datetime, datetime, str]] = []
        self.n_listening = 0
        self.telling: dict[str, Engagement | Exception | None] = {}  # by uid
        self.visits: list[list[str]] = []
        self._cuts: list[Exception] = []
        self._lock = threading.Lock()

    def publish(self, *records: Record, gone: Sequence[str] = ()) -> None:
        with self._lock:
            for record in records:
                self._append(at=record.posted_at, record=record)
            for uid in gone:
                self._append(at=datetime.now(UTC), gone=uid)

    def _append(self, **told: Any) -> None:
        self.log.append(Heard(cursor=str(len(self.log) + 1), **told))

    def cut(self, why: Exception) -> None:
        self._cuts.append(why)

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return dict(options)

    def addresses(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from ()

    def stream(self, ask: Ask, cursor: str) -> Iterator[Heard]:
        self.asks.append((ask, cursor))
        if self.refusals:
            raise self.refusals.pop(0)
        goes_on = self.resumes and bool(cursor)
        place = int(cursor) if goes_on else len(self.log)
        self.n_listening += 1
        try:
            yield Heard(resumed=goes_on)
            while True:
                if place < len(self.log):
                    yield self.log[place]
                    place += 1
                elif self._cuts:
                    raise self._cuts.pop(0)
                else:
                    time.sleep(0.01)
                    yield Heard()
        finally:
            self.n_listening -= 1

    def refill(
        self, ask: Ask, begins_at: datetime, ends_at: datetime, cursor: str
    ) -> Iterator[Heard]:
        self.refills.append((begins_at, ends_at, cursor))
        if self.keeps_from is None:
            raise CannotRefill("It tells nothing of the past")
        for place, heard in enumerate(list(self.log)):
            if place < int(cursor or 0) or heard.at is None or not begins_at <= heard.at < ends_at:
                continue
            if place in self.refill_refusals:
                raise self.refill_refusals.pop(place)
            if heard.at >= self.keeps_from:
                yield Heard(str(place + 1), heard.at, heard.record)
        if self.keeps_from > begins_at:
            raise CannotRefill("The beginning is lost")

    def read_again(self, ask: Ask, posts: Sequence[Wanted]) -> Iterator[Engagement]:
        self.visits.append([post.uid for post in posts])
        assert len(posts) <= self.readable_at_once
        for post in posts:
            told = self.telling.get(post.uid, Engagement(post.uid, likes=1))
            if isinstance(told, Exception):
                raise told
            if told is not None:
                yield told


def record(n: int, at: datetime | None = None, **more: Any) -> Record:
    told: dict[str, Any] = {
        "text": f"Water at mill {n}",
        "source_id": f"id-{n}",
        "account": AccountRecord(f"account-{n % 3}", handle=f"person{n % 3}", followers=10),
        "images": (ImageRef(f"https://pictures.example/{n}.jpg"),),
        "likes": 0,
    }
    return Record("scripted", f"post-{n}", at or datetime.now(UTC), **(told | more))
