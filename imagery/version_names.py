"""What people call the ways in which one file differs from another."""

from __future__ import annotations

import numpy as np

from imagery.core import shades
from imagery.models import Image, Match

Kind = Match.Kind
DERIVED = {
    Kind.COPY: "Copy",
    Kind.CROP: "Crop",
    Kind.BORDER: "Border added",
    Kind.CAPTION: "Caption added",
    Kind.MIRROR: "Mirrored",
    Kind.SCREENSHOT: "Screenshot",
    Kind.RECOLOUR: "Recoloured",
}
SOURCE = {
    Kind.COPY: "Copy",
    Kind.CROP: "Wider view",
    Kind.BORDER: "Without the border",
    Kind.CAPTION: "Without the caption",
    Kind.MIRROR: "Mirrored",
    Kind.SCREENSHOT: "Not a screenshot",
    Kind.RECOLOUR: "Other colours",
}
_SAME_SHAPE = 0.02
_SAME_BITS = 2  # of pHash: what saving again may turn


def by_match(kind: str, *, back: bool = False, mirrored: bool = False) -> str:
    """Of the derived image of a match; of its source where `back`."""
    names = SOURCE if back else DERIVED
    name = names.get(kind) or kind.replace("_", " ").capitalize()  # type: ignore[call-overload]
    return f"{name}, mirrored" if mirrored and kind != Kind.MIRROR else name


def by_hash(image: Image, of: Image) -> str:
    """Of near copies: what differs most, by what was measured of both."""
    if image.pk == of.pk:
        return "The same file"
    if not (image.width and image.height and of.width and of.height):
        return "Near copy"
    shape = (image.width / image.height) / (of.width / of.height)
    if abs(shape - 1) > _SAME_SHAPE:
        return "Other proportions"
    if _recoloured(image, of):
        return "Colours changed"
    if abs(image.width / of.width - 1) > _SAME_SHAPE:
        return "Smaller" if image.width < of.width else "Larger"
    if (image.distance or 0) > _SAME_BITS:
        return "Slightly changed"
    if image.format.lower() != of.format.lower():
        return f"Saved as {image.format.upper()}"
    return "Saved again"


def _recoloured(image: Image, of: Image) -> bool:
    """Whether mean colours differ by more than saving and resizing leave."""
    ours, theirs = (np.frombuffer(bytes(row.signature), np.uint8) for row in (image, of))
    if not len(ours) or ours.shape != theirs.shape:
        return False
    return bool(np.abs(ours.astype(np.int16) - theirs).max() > shades.TOLERANCE)
