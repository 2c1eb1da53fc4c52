"""Sizes in which one image can be had."""

from __future__ import annotations

from dataclasses import dataclass

from imagery import pictures
from imagery.models import Event, Image


@dataclass(frozen=True, slots=True)
class Rendition:
    url: str
    width: int  # px it really has


def of(event: Event, image: Image) -> list[Rendition]:
    """Smallest first; none beyond the first that holds every pixel of the original."""
    longest = max(image.width, image.height, 1)
    made = []
    for side in (pictures.SMALL, *pictures.LARGE):
        width = round(image.width * min(1.0, side / longest))
        made.append(Rendition(pictures.thumb_url(event, image.sha256, side), max(1, width)))
        if side >= longest:
            break
    return made


def srcset(found: list[Rendition]) -> str:
    return ", ".join(f"{rendition.url} {rendition.width}w" for rendition in found)
