"""What is configured, reachable and missing, and what to do: one finding a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["good", "doubt", "bad"]
SIGNS: dict[str, str] = {"good": "✓", "doubt": "!", "bad": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing; `todo` is for whoever runs the machine."""

    what: str
    level: Level
    said: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{SIGNS[self.level]} {self.what}: {self.said}" + (
            f" — {self.todo}" if self.todo else ""
        )

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def good(what: str, said: str) -> Finding:
    return Finding(what, "good", said)


def doubt(what: str, said: str, todo: str) -> Finding:
    return Finding(what, "doubt", said, todo)


def bad(what: str, said: str, todo: str) -> Finding:
    return Finding(what, "bad", said, todo)


def findings() -> Iterator[Finding]:
    """Of everything, in the order in which it would be mended. Writes nothing that stays.

    What needs the database is left out where that is out of reach.
    """
    from imagery.doctor import broker, database, machine, work

    yield from machine.look()
    reachable = True
    for finding in database.look():
        reachable = reachable and not (finding.what == "database" and finding.level == "bad")
        yield finding
    yield from broker.look()
    if reachable:
        yield from work.look()
