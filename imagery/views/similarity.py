"""θ as a page was asked for it: `?similarity=0.73`."""

from __future__ import annotations

import math

from imagery.models import Event

LOWEST, HIGHEST = 0.45, 1.0  # what the stored tree answers


def parse(text: str) -> float:
    """Raises ValueError with a sentence for people."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"“{text[:40]}” is no similarity: want {LOWEST} to {HIGHEST}.")
    if not LOWEST <= value <= HIGHEST:
        raise ValueError(f"Similarity {value:g} is out of reach: want {LOWEST} to {HIGHEST}.")
    return round(value, 4)


def asked(event: Event, text: str | None) -> tuple[float, str]:
    """(θ to show, what was wrong with the one asked for): the event's own where none will do."""
    if not text:
        return event.similarity, ""
    try:
        return parse(text), ""
    except ValueError as error:
        return event.similarity, f"{error} Shown at {event.similarity:g}."
