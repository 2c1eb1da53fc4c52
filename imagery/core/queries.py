"""What people type into a search field, made ready to be looked up.

Words must all be there; "a phrase" stands together; -word must not be there; one OR other; wor*
begins so; #tag is a hashtag; @name is an account. Nothing typed is an error: what cannot be looked
for is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imagery.core import wording

MOST_CHARS = 500
MOST_TERMS = 32
LEAST_PREFIX = 3  # letters before *: fewer begin too many words
PIECE = re.compile(r'(?P<no>[-\u2212]?)(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True, slots=True)
class Term:
    """One thing looked for. `words` stand together; the last only begins so where `prefix`."""

    kind: str  # "words", "tag" or "account"
    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A post is found where of each of `some` a term holds, and none of `none`."""

    some: tuple[tuple[Term, ...], ...] = ()
    none: tuple[Term, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out, for people

    def __bool__(self) -> bool:
        return bool(self.some or self.none)

    @property
    def terms(self) -> list[Term]:
        return [*(term for terms in self.some for term in terms), *self.none]


def parse(text: str) -> Asked:
    notes: list[str] = []
    if len(text) > MOST_CHARS:
        notes.append(f"Only the first {MOST_CHARS} characters were read.")
    some: list[list[Term]] = []
    none: list[Term] = []
    either = False
    for found in _pieces(text[:MOST_CHARS]):
        if found["word"] in ("OR", "|"):
            either = bool(some)
            continue
        term = _term(found, notes)
        if term is None or found["word"] == "AND":
            continue
        if len(none) + sum(map(len, some)) == MOST_TERMS:
            notes.append(f"Only the first {MOST_TERMS} words were looked for.")
            break
        if found["no"]:
            none.append(term)
        elif either:
            some[-1].append(term)
        else:
            some.append([term])
        either = False
    if text.strip() and not notes and not some and not none:
        notes.append("That holds no letters or digits: nothing was looked for, all is shown.")
    return Asked(tuple(map(tuple, some)), tuple(none), tuple(notes))


def _pieces(text: str) -> Iterator[re.Match[str]]:
    return PIECE.finditer(text.replace("\0", " ").translate(QUOTES))


def _term(found: re.Match[str], notes: list[str]) -> Term | None:
    word = found["word"]
    if word is None:
        words = tuple(wording.words(found["phrase"]))
        return Term("words", words) if words else None
    bare = word.strip("()[]{},;:.!?")
    if bare[:1] in ("@", "＠") and bare[1:].strip("@＠"):
        return Term("account", (bare.strip("@＠").lower(),))
    prefix = bare.endswith("*")
    words = tuple(wording.words(bare))
    if not words:
        return None
    if prefix and len(words[-1]) < LEAST_PREFIX and wording.ALONE.match(words[-1]) is None:
        notes.append(f"“{bare}” was looked for as a whole word: more letters are needed before *.")
        prefix = False
    return Term("tag" if bare[0] in "#＃" else "words", words, prefix)


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    found: bool


def marked(text: str, asked: Asked, most: int = 320) -> list[Piece]:
    """The text in pieces, with those that were looked for; of a long one the part with the first.

    most: characters that are shown.
    """
    hits = _hits(text, [term for terms in asked.some for term in terms])
    begin, end = 0, len(text)
    if end > most:
        begin = max(0, min((hits[0][0] if hits else 0) - most // 4, end - most))
        end = begin + most
    made, at = [Piece("…", False)] if begin else [], begin
    for low, high in hits:
        low, high = max(low, at), min(high, end)
        if low >= high:
            continue
        made += [Piece(text[at:low], False)] if low > at else []
        made.append(Piece(text[low:high], True))
        at = high
    made += [Piece(text[at:end], False)] if at < end else []
    return made + ([Piece("…", False)] if end < len(text) else [])


def _hits(text: str, terms: list[Term]) -> list[tuple[int, int]]:
    """Where the terms stand, by their beginning."""
    spans = list(wording.spans(text))
    said = [word for _, _, word in spans]
    hits = []
    for term in terms:
        n = len(term.words)
        for at in range(len(said) - n + 1):
            *first, last = said[at : at + n]
            ends = last.startswith(term.words[-1]) if term.prefix else last == term.words[-1]
            if term.kind != "account" and ends and tuple(first) == term.words[:-1]:
                hits.append((spans[at][0], spans[at + n - 1][1]))
    return sorted(hits)
