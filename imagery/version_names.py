"""What people call the ways in which one file differs from another."""

from __future__ import annotations

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


def by_match(kind: str, *, back: bool = False, mirrored: bool = False) -> str:
    """Of the derived image of a match; of its source where `back`."""
    names = SOURCE if back else DERIVED
    name = names.get(kind) or kind.replace("_", " ").capitalize()  # type: ignore[call-overload]
    return f"{name}, mirrored" if mirrored and kind != Kind.MIRROR else name


def by_hash(image: Image, of: Image) -> str:
    """Of near copies, which differ in size and encoding."""
    if image.pk == of.pk:
        return "The same file"
    if not (image.width and image.height and of.width and of.height):
        return "Near copy"
    shape = (image.width / image.height) / (of.width / of.height)
    if abs(shape - 1) > _SAME_SHAPE:
        return "Other proportions"
    if abs(image.width / of.width - 1) > _SAME_SHAPE:
        return "Smaller" if image.width < of.width else "Larger"
    if image.format.lower() != of.format.lower():
        return f"Saved as {image.format.upper()}"
    return "Saved again"
