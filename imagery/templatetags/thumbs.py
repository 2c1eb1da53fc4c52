"""Thumbnails of single files, and how far they are from their representative."""

from __future__ import annotations

from django import template

from imagery import pictures
from imagery.histories import HASH_BITS
from imagery.models import Event, Image

register = template.Library()


@register.simple_tag
def thumb(event: Event, image: Image, side: int) -> str:
    return pictures.thumb_url(event, image.sha256, side)


@register.filter
def bits_part(image: Image) -> float | None:
    """Distance to the representative as a part of the hash's bits."""
    return None if image.distance is None else image.distance / HASH_BITS
