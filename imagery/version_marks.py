"""What `Image.versions_by` says of an image, and how matches between near copies are told.

""            waits to be described and compared
METHOD        stands for its near copies, and was compared by that method
"?12"         near copy of image 12, waits to be held against it
"-METHOD:12"  near copy of image 12, was held against it by that method and goes with it
"-"           nothing is sought for it: flat, or in no post that the rules select
"""

from __future__ import annotations

ASIDE, WAITING = "-", "?"
NEAR = "/near"  # ends the method of matches between near copies by hash


def waiting(lead: int) -> str:
    return f"{WAITING}{lead}"


def gone_with(lead: int, method: str) -> str:
    return f"{ASIDE}{method}:{lead}"


def lead_of(mark: str) -> int | None:
    """Who stands for the image, where the mark tells."""
    if mark.startswith(WAITING):
        return int(mark.removeprefix(WAITING))
    return int(mark.rpartition(":")[2]) if mark.startswith(ASIDE) and ":" in mark else None


def names_method(mark: str) -> bool:
    """Whether the mark is the method that compared the image itself."""
    return bool(mark) and not mark.startswith((ASIDE, WAITING))
