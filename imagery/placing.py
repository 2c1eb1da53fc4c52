"""Where an event's files lie in each other, by the matches that were found among them.

Near copies lie on each other as they are, so a match of one holds for all of them: a file is
known here by `key_of`, its representative by perceptual hash.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from imagery.core import placements
from imagery.models import Image, Match, UniqueImage

MOST = 5000  # matches read of one unique image


def key_of(image: Image) -> int:
    return image.near_id or image.pk


@dataclass(frozen=True, slots=True)
class Way:
    """How a file was found to be a version of another.

    back: it is not the derived one of the match, but the source.
    placement: (2, 3), where it lies in the picture the ways were asked for; None if unknown.
    """

    found_in: int  # key of the file at the other end of the match
    kind: str
    back: bool
    mirrored: bool
    proven: bool
    placement: np.ndarray | None
    inliers: int | None
    n_steps: int


def between(match: Match, *, back: bool) -> np.ndarray | None:
    """Placement of the derived image in its source; the other way round where `back`."""
    forth = placements.from_transform(match.transform or [], match.mirrored)
    return placements.inverse(forth) if back and forth is not None else forth


def matches_of(unique: UniqueImage, keys: Iterable[int] | None = None) -> list[Match]:
    """Proven matches among its files, surest first; with `keys` those at these files alone."""
    found = Match.objects.filter(
        event_id=unique.event_id, proven=True, image__unique=unique, other__unique=unique
    )
    if keys is not None:
        wanted = list(keys)
        ends = ("image", "image__near", "other", "other__near")
        found = found.filter(
            Q(*((f"{end}__in", wanted) for end in ends), _connector=Q.OR)  # type: ignore[arg-type]
        )
    ends_only = found.select_related("image", "other").only(
        "kind", "proven", "transform", "mirrored", "inliers", "image__near_id", "other__near_id"
    )
    return list(ends_only.order_by("-inliers", "pk")[:MOST])


def ways_to(root: int, matches: Iterable[Match]) -> dict[int, Way]:
    """Key of every file that matches lead to → its way to the file of key `root`.

    By the fewest steps; of equally many by the match that comes first. `root` is left out.
    """
    at: dict[int, list[tuple[int, Match, bool]]] = defaultdict(list)
    for match in matches:
        derived, source = key_of(match.image), key_of(match.other)
        if derived != source:
            at[source].append((derived, match, False))
            at[derived].append((source, match, True))
    ways: dict[int, Way] = {}
    waiting = deque([root])
    while waiting:
        here = waiting.popleft()
        before = ways.get(here)
        for key, match, back in at[here]:
            if key != root and key not in ways:
                ways[key] = _step(here, before, match, back)
                waiting.append(key)
    return ways


def _step(here: int, before: Way | None, match: Match, back: bool) -> Way:
    placement = between(match, back=back)
    if before is not None and placement is not None:
        rest = before.placement
        placement = None if rest is None else placements.compose(rest, placement)
    return Way(
        found_in=here,
        kind=match.kind,
        back=back,
        mirrored=match.mirrored,
        proven=match.proven,
        placement=placement,
        inliers=match.inliers,
        n_steps=1 if before is None else before.n_steps + 1,
    )
