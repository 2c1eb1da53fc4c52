"""Rules that select posts (paper A §II; paper D: places OR keywords).

A post is selected when its time lies in the window, it is in one of the languages where any are
named, and, if there are any other rules, at least one of them holds: a keyword, a phrase, a
hashtag, an account or a bounding box.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

WORD = re.compile(r"\w+", re.UNICODE)

Box = tuple[float, float, float, float]  # west, south, east, north, WGS84 degrees


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms and letter case put aside."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    return WORD.findall(fold(text))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules made ready. Times are aware; `after` is included, `before` is not."""

    keywords: frozenset[str] = frozenset()
    phrases: tuple[tuple[str, ...], ...] = ()
    hashtags: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    boxes: tuple[Box, ...] = ()
    languages: frozenset[str] = frozenset()  # folded; "pt" holds "pt-BR" too
    after: datetime | None = None
    before: datetime | None = None
    _any: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        some = self.keywords or self.phrases or self.hashtags or self.accounts or self.boxes
        object.__setattr__(self, "_any", bool(some))

    def selects(
        self,
        *,
        posted_at: datetime,
        text: str = "",
        hashtags: Iterable[str] = (),
        accounts: Iterable[str] = (),
        lang: str = "",
        lat: float | None = None,
        lon: float | None = None,
    ) -> bool:
        """Whether such a post is selected; `accounts` are the names its author goes by."""
        if self.after is not None and posted_at < self.after:
            return False
        if self.before is not None and posted_at >= self.before:
            return False
        if self.languages and not self._speaks(lang):
            return False
        if not self._any:
            return True
        if self.hashtags and any(fold(tag) in self.hashtags for tag in hashtags):
            return True
        if self.accounts and any(fold(name) in self.accounts for name in accounts if name):
            return True
        if lat is not None and lon is not None and any(within(b, lat, lon) for b in self.boxes):
            return True
        return bool(self.keywords or self.phrases) and self._says(text, hashtags)

    def _speaks(self, lang: str) -> bool:
        """A post that does not tell its language is in none."""
        told = fold(lang).replace("_", "-")
        return told in self.languages or told.partition("-")[0] in self.languages

    def _says(self, text: str, hashtags: Iterable[str]) -> bool:
        said = words(text)
        if self.keywords and not self.keywords.isdisjoint([*said, *(fold(t) for t in hashtags)]):
            return True
        return any(_contains(said, phrase) for phrase in self.phrases)


def within(box: Box, lat: float, lon: float) -> bool:
    """Borders included; a box whose west is greater than its east crosses the date line."""
    west, south, east, north = box
    if not south <= lat <= north:
        return False
    return west <= lon <= east if west <= east else lon >= west or lon <= east


def _contains(said: list[str], phrase: tuple[str, ...]) -> bool:
    n = len(phrase)
    return any(tuple(said[i : i + n]) == phrase for i in range(len(said) - n + 1))
