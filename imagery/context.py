"""What every page's frame knows beyond its own view."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, object]:
    """No queries: the palette fetches events when it is opened, tags read the progress."""
    return {"version": settings.VERSION, "look_up_bytes": settings.IMAGERY_MAX_BYTES}
