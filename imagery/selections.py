"""Which pictures of an event to take along: chosen ones, a group, what a search finds, the top."""

from __future__ import annotations

import math
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from imagery import groups, search_filters, searching, snapshots
from imagery.models import Event, Snapshot

TOP = 20


class Refused(ValueError):
    """What was asked for cannot be taken along; the message is for people."""


def chosen(event: Event, asked: Mapping[str, str], most: int) -> list[int]:
    """Ids of unique images, at most `most`: of ids=1,2,3, or lead= for the group that holds it
    (at similarity=), or the conditions of a search, or the first top= by rank.

    Raises Refused for what cannot be read, and for more ids than `most`.
    """
    if text := asked.get("ids", ""):
        return _ids(text, most)
    if asked.get("lead"):
        return _group(event, asked, most)
    if any(asked.get(name) for name in search_filters.NAMES):
        filters, problems = search_filters.read(asked, ZoneInfo(event.timezone))
        if problems:
            raise Refused(" ".join(problems.values()))
        return searching.ranking([event], filters).ids[:most].tolist()
    n = _whole(asked.get("top", str(TOP)), "top")
    return snapshots.read(event, Snapshot.Kind.UNIQUE)["id"][: min(n, most)].tolist()


def _ids(text: str, most: int) -> list[int]:
    ids = list(dict.fromkeys(_whole(part, "picture") for part in text.split(",") if part.strip()))
    if len(ids) > most:
        raise Refused(f"{len(ids):,} pictures are selected; {most:,} at once is the most.")
    return ids


def _group(event: Event, asked: Mapping[str, str], most: int) -> list[int]:
    try:
        theta = float(asked.get("similarity") or event.similarity)
    except ValueError:
        theta = math.nan
    if not 0 < theta <= 1:
        raise Refused(f"“{asked['similarity'][:40]}” is no similarity: want a number up to 1.")
    found = groups.at(event, theta)
    at = found.position_with(_whole(asked["lead"], "group"))
    if at is None:
        raise Refused(f"No picture {asked['lead']} is in the groups of this event.")
    return found.members_of(at, most).tolist()


def _whole(text: str, what: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Refused(f"“{text[:40]}” is no {what}: want a whole number.")
    return int(text)
