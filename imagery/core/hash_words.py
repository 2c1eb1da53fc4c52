"""Hashes as people paste them: which kinds a text can be."""

import re
from dataclasses import dataclass

PHASH_DIGITS, LONG_DIGITS = 16, 64
ELSEWHERE = {32: "an MD5", 40: "a SHA-1", 128: "a SHA-512"}
_NAMED = re.compile(r"^(sha-?256|pdq|phash)\s*[:=]?\s*(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hashes:
    """Lower-case hexadecimal by kind; empty where it cannot be that.

    64 digits are both a SHA-256 and a PDQ until a search tells which.
    """

    sha256: str = ""
    phash: str = ""
    pdq: str = ""


def read(text: str) -> Hashes:
    """Raises ValueError, in words for a person, naming what does not fit.

    "pdq:" and the like before the digits say which kind is meant; of a line of a list
    (hash,quality,name) the hash is read.
    """
    named = _NAMED.match(text.strip())
    kind = named[1].lower().replace("-", "") if named else ""
    digits = text.strip()[named.end() if named else 0 :].split(",")[0]
    digits = "".join(digits.split()).lower().removeprefix("0x").strip("\"'")
    if odd := re.search(r"[^0-9a-f]", digits):
        raise ValueError(
            f"{_short(text)} is no hash: {odd[0]!r} is no hexadecimal digit. "
            "An address begins with http:// or https://."
        )
    wanted = PHASH_DIGITS if kind == "phash" else LONG_DIGITS
    if len(digits) not in ((wanted,) if kind else (PHASH_DIGITS, LONG_DIGITS)):
        raise ValueError(f"{_short(text)} has {_counted(len(digits))}.")
    if len(digits) == PHASH_DIGITS:
        return Hashes(phash=digits)
    return Hashes(
        sha256=digits if kind in ("", "sha256") else "", pdq=digits if kind in ("", "pdq") else ""
    )


def _counted(n: int) -> str:
    told = f"{n} hexadecimal digit{'' if n == 1 else 's'}"
    if n in ELSEWHERE:
        told += f", like {ELSEWHERE[n]}, which is not kept here"
    return told + "; a pHash has 16, a SHA-256 or a PDQ hash 64"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
