"""Words as the search sees them: the same in what is indexed, asked for and marked on a page.

Letter case and accents are put aside. Scripts that are written without spaces between words, and
Hangul, whose words carry their particles, are taken character by character: a word is then a run
of characters, found wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

VERSION = 1  # of what is indexed: another needs the index made anew
MOST = 100_000  # characters of a text that are indexed
APART = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
ACCENTS = re.compile("[\u0300-\u036f]")
ALONE = re.compile(f"([{APART}])")
PLAIN = re.compile(r"[a-z0-9]+")


def folded(text: str) -> str:
    """Compatibility forms, accents and letter case put aside."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", ACCENTS.sub("", apart)).lower()


def indexed(text: str) -> str:
    """A text as it is indexed: folded, with characters that are words by themselves set apart."""
    made = folded(text[:MOST]).replace("\0", " ")
    return made if made.isascii() else ALONE.sub(r" \1 ", made)


def words(text: str) -> list[str]:
    return [word for _, _, word in spans(text)]


def language(name: str) -> str:
    """The first part of a language's name, "en" of "en-GB": one word, or nothing."""
    return next(iter(words(name)), "")


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each word of a text begins and ends, and the word as it is indexed."""
    if text.isascii():
        for found in PLAIN.finditer(text.lower()):
            yield found.start(), found.end(), found[0]
        return
    begin = -1
    for at, char in enumerate(text):
        alone = ALONE.match(char) is not None
        if begin >= 0 and (alone or not _is_letter(char)):
            yield from _folded_span(text, begin, at)
            begin = -1
        if alone:
            yield from _folded_span(text, at, at + 1)
        elif begin < 0 and _is_letter(char):
            begin = at
    if begin >= 0:
        yield from _folded_span(text, begin, len(text))


def _folded_span(text: str, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Folding may leave nothing of it, or several words ("½"): all stand where it stands."""
    made = indexed(text[begin:end])
    kept = "".join(char if _is_letter(char) else " " for char in made)
    for word in kept.split():
        yield begin, end, word


def _is_letter(char: str) -> bool:
    if char.isascii():
        return char.isalnum()
    kind = unicodedata.category(char)
    return kind[0] in "LN" or kind in ("Mn", "Mc", "Co")
