"""Pairs of images about which a person should decide: made when sets are, read by the review.

unmet     people's word, or a proven match, that another decision overrules
unproven  found in each other, but geometry does not prove it
within    one set, joined by the last bits below the threshold
beyond    two sets whose representatives are a few bits beyond the threshold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagery import snapshots
from imagery.core import doubts, hamming
from imagery.models import Decision, Event, Match, Snapshot

KINDS = ("unmet", "unproven", "within", "beyond")
MOST = 2_000  # pairs kept of each kind, those that move most posts


@dataclass(frozen=True, slots=True)
class Sets:
    """The event's n images in their order, as they were just put into sets.

    ids, lead (index of the representative), distance from it, posts: (n,) int64; hashes (n, 8)
    uint8; flat (n,) bool; unmet: (k, 2) int64 indices of pairs that were overruled.
    """

    ids: np.ndarray
    hashes: np.ndarray
    flat: np.ndarray
    lead: np.ndarray
    distance: np.ndarray
    posts: np.ndarray
    unmet: np.ndarray

    def keys(self, pairs: np.ndarray) -> np.ndarray:
        """(k,) int64: one number for each pair of indices, whichever comes first."""
        return pairs.min(axis=1) * len(self.ids) + pairs.max(axis=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair to decide on. posts: how many a decision would move, about."""

    kind: str
    image_id: int
    other_id: int
    bits: int
    posts: int

    @property
    def key(self) -> str:
        """The pair in an address."""
        return f"{self.image_id}-{self.other_id}"


def find(event: Event, sets: Sets) -> snapshots.Arrays:
    """Doubtful pairs of each kind, most posts first: arrays of Snapshot.Kind.DOUBTFUL."""
    place = {pk: i for i, pk in enumerate(sets.ids.tolist())}
    same = _pairs(event, place, Decision.Kind.SAME)
    different = _pairs(event, place, Decision.Kind.DIFFERENT)
    decided = np.concatenate([sets.keys(same), sets.keys(different)])
    parted = sets.keys(sets.lead[different])
    of_set = np.bincount(sets.lead, weights=sets.posts, minlength=len(place)).astype(np.int64)
    unmet = sets.unmet[~np.isin(sets.keys(sets.unmet), sets.keys(different))]
    unproven = _undecided(sets, _matches(event, place, proven=False), decided)
    unproven = _between_sets(sets, unproven, parted)
    within = _undecided(sets, _within(event, sets, place), decided)
    beyond = _undecided(sets, _beyond(event, sets, of_set), decided)
    told = np.concatenate([parted, sets.keys(sets.lead[unproven])])
    beyond = _between_sets(sets, beyond, told)
    made = [
        _rows(sets, 0, unmet, _moved(sets, of_set, unmet)),
        _rows(sets, 1, unproven, _moved(sets, of_set, unproven)),
        _rows(sets, 2, within, sets.posts[within[:, 1]]),
        _rows(sets, 3, beyond, _moved(sets, of_set, beyond)),
    ]
    table = np.concatenate([rows[:MOST] for rows in made])
    return {
        "kind": table[:, 0],
        "image": table[:, 1],
        "other": table[:, 2],
        "bits": table[:, 3],
        "posts": table[:, 4],
        "n_found": np.array([len(rows) for rows in made], np.int64),
    }


def _undecided(sets: Sets, pairs: np.ndarray, decided: np.ndarray) -> np.ndarray:
    return pairs[~np.isin(sets.keys(pairs), decided)]


def _between_sets(sets: Sets, pairs: np.ndarray, settled: np.ndarray) -> np.ndarray:
    """Of any two sets one pair, the nearest by hash; none of sets whose leads' key is settled."""
    leads = sets.lead[pairs]
    keys = sets.keys(leads)
    open_ = (leads[:, 0] != leads[:, 1]) & ~np.isin(keys, settled)
    pairs, keys = pairs[open_], keys[open_]
    bits = hamming.distances(sets.hashes[pairs[:, 0]], sets.hashes[pairs[:, 1]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], bits, keys))
    return pairs[order[np.unique(keys[order], return_index=True)[1]]]


def _moved(sets: Sets, of_set: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(k,) int64: posts of the lesser of each pair's sets, which a decision joins or parts."""
    return of_set[sets.lead[pairs]].min(axis=1, initial=2**62)


def _rows(sets: Sets, kind: int, pairs: np.ndarray, posts: np.ndarray) -> np.ndarray:
    """(k, 5) int64 of kind, image, other, bits, posts; the image earlier in order comes first."""
    pairs = np.sort(pairs, axis=1)
    bits = hamming.distances(sets.hashes[pairs[:, 0]], sets.hashes[pairs[:, 1]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], bits, -posts))
    ids = sets.ids[pairs]
    columns = [np.full(len(pairs), kind), ids[:, 0], ids[:, 1], bits, posts]
    return np.stack(columns, axis=1)[order].astype(np.int64)


def _pairs(event: Event, place: dict[int, int], kind: str) -> np.ndarray:
    rows = Decision.objects.active().filter(event=event, kind=kind)
    return _placed(rows.values_list("image_id", "other_id"), place)


def _matches(event: Event, place: dict[int, int], *, proven: bool) -> np.ndarray:
    rows = Match.objects.filter(event=event, proven=proven)
    return _placed(rows.values_list("image_id", "other_id").iterator(5000), place)


def _placed(pairs: object, place: dict[int, int]) -> np.ndarray:
    """(k, 2) int64 indices of those pairs of ids whose images are both among the sets."""
    kept = [(place[a], place[b]) for a, b in pairs if a in place and b in place]  # type: ignore[attr-defined]
    return np.array(kept, np.int64).reshape(-1, 2)


def _within(event: Event, sets: Sets, place: dict[int, int]) -> np.ndarray:
    """(k, 2) int64: representative and member; those proven otherwise left out."""
    members = doubts.just_within(sets.distance, event.dedup_threshold)
    members = members[~sets.flat[members]]
    pairs = np.stack([sets.lead[members], members], axis=1)
    return pairs[~np.isin(sets.keys(pairs), sets.keys(_matches(event, place, proven=True)))]


def _beyond(event: Event, sets: Sets, of_set: np.ndarray) -> np.ndarray:
    leads = np.unique(sets.lead)
    leads = leads[~sets.flat[leads]]
    pairs, _ = doubts.just_beyond(sets.hashes[leads], event.dedup_threshold, of_set[leads])
    return leads[pairs]


def write(event: Event, made: snapshots.Arrays) -> None:
    inputs = snapshots.digest(*(made[name].tobytes() for name in sorted(made)))
    if snapshots.inputs_of(event, Snapshot.Kind.DOUBTFUL) != inputs:
        snapshots.write(event, Snapshot.Kind.DOUBTFUL, made, inputs)


# Reading -------------------------------------------------------------------------------------


def waiting(event: Event, kinds: Sequence[str] = KINDS) -> list[Doubt]:
    """Pairs of those kinds that nobody decided about since, in their order: by kind's urgency
    where it is "unmet", then by posts."""
    held = snapshots.read(event, Snapshot.Kind.DOUBTFUL)
    if not len(held["kind"]):
        return []
    said: dict[tuple[int, int], str] = {
        (image, other): kind
        for image, other, kind in Decision.objects.active()
        .filter(event=event, kind__in=(Decision.Kind.SAME, Decision.Kind.DIFFERENT))
        .values_list("image_id", "other_id", "kind")
    }
    columns = (held[name].tolist() for name in ("kind", "image", "other", "bits", "posts"))
    found = []
    for kind, image, other, bits, posts in zip(*columns, strict=True):
        word = said.get((min(image, other), max(image, other)))
        is_open = word is None or (KINDS[kind] == "unmet" and word == Decision.Kind.SAME)
        if is_open and KINDS[kind] in kinds:
            found.append(Doubt(KINDS[kind], image, other, bits, posts))
    found.sort(key=lambda doubt: (doubt.kind != "unmet", -doubt.posts, doubt.bits))
    return found


def n_waiting(event: Event) -> int:
    return len(waiting(event))
