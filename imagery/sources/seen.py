"""What a file is that holds no posts, in words for the person who offered it."""

from __future__ import annotations

from imagery.core.formats import sniff as picture_format

from .fields import text
from .json_rows import peek

_KNOWN = (
    (b"%PDF", "is a PDF"),
    (b"SQLite format 3\0", "is an SQLite database; export its posts as CSV"),
    (b"PAR1", "is a Parquet file; export it as CSV or NDJSON"),
    (b"(\xb5/\xfd", "is compressed with Zstandard; decompress it first"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive; pack it as ZIP"),
    (b"Rar!", "is a RAR archive; pack it as ZIP"),
    (b"\xd0\xcf\x11\xe0", "is an old Office document; save the table as CSV"),
)


def describe(head: bytes) -> str:
    """What the first 64 KiB look like, to follow the file's name."""
    for magic, told in _KNOWN:
        if head.startswith(magic):
            return told
    if head[257:262] == b"ustar":
        return "is a tar archive; pack it as ZIP"
    if kind := picture_format(head):
        return f"is a single picture ({kind}); put pictures into a folder or a ZIP"
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page"
    if documents := peek(head):
        keys = ", ".join(list(documents[0])[:12])
        return f"is JSON of no known kind, with the fields {text(keys)[:300]}"
    if head.count(b"\0") > len(head) // 20:
        return "is binary data of no known kind"
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    return f"is text or a table of no known kind, beginning {text(first)[:200]!r}"
