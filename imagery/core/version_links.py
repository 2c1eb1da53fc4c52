"""Which proofs join sets: versions of one picture, and not whatever was shown beside it.

A collage holds two pictures: each is proven to be part of it, and still the two are not versions
of one another. A template is part of two memes whose texts differ. So proofs are taken the
strongest first, and one is left out that would bring two pictures into a set that share too
little of their surface, or that would join two sets between which as many pairs were told apart
as were proven: one pair with two watermarks splits no large set. The same proofs give the same
links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from imagery.core import placements

LEAST_SHARED = 0.3  # of the smaller one's surface, between any two pictures of a set


@dataclass(frozen=True, slots=True)
class Proof:
    """`image` lies in `other` as `placement` says, (2, 3) in fractions, mirroring included."""

    image: int
    other: int
    placement: np.ndarray
    inliers: int


def links(
    proofs: Sequence[Proof], apart: Iterable[tuple[int, int]], names: dict[int, str]
) -> list[int]:
    """Indices of the proofs that hold, the strongest first.

    apart: pairs that geometry joins and pixels tell apart. names: of every image in the proofs,
    what orders equally strong ones, such as its SHA-256, so that ids play no part.
    """
    sets = _Sets(apart, ((proof.image, proof.other) for proof in proofs))
    order = sorted(range(len(proofs)), key=lambda i: _rank(proofs[i], names))
    return [i for i in order if sets.join(proofs[i])]


def _rank(proof: Proof, names: dict[int, str]) -> tuple[float, int, list[str]]:
    shared = float(_shared(_box(proof.placement), _UNIT, of_larger=True))
    both = sorted((names[proof.image], names[proof.other]))
    # In steps, so that how the last decimals fall does not decide between equals.
    return -round(shared * 10), -proof.inliers, both


_UNIT = np.array([0.0, 0.0, 1.0, 1.0])


def _box(placement: np.ndarray) -> np.ndarray:
    """(4,) left, top, right, bottom of where a picture lies."""
    corners = placements.corners(placement)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _shared(boxes: np.ndarray, others: np.ndarray, of_larger: bool = False) -> np.ndarray:
    """Share of the smaller surface (or the larger) that boxes (…, 4) have in common."""
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., 2:], others[..., 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=-1)
    surfaces = [np.prod(b[..., 2:] - b[..., :2], axis=-1) for b in (boxes, others)]
    against = np.maximum(*surfaces) if of_larger else np.minimum(*surfaces)
    return common / np.maximum(against, 1e-12)


def _neighbours(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for a, b in pairs:
        found.setdefault(a, set()).add(b)
        found.setdefault(b, set()).add(a)
    return found


class _Sets:
    """Growing sets, each on the frame of one of its pictures."""

    def __init__(self, apart: Iterable[tuple[int, int]], same: Iterable[tuple[int, int]]) -> None:
        self._root: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}
        self._place: dict[int, np.ndarray] = {}
        self._apart, self._same = _neighbours(apart), _neighbours(same)

    def join(self, proof: Proof) -> bool:
        """Whether the proof holds beside those taken before."""
        for image in (proof.image, proof.other):
            if image not in self._root:
                self._root[image] = image
                self._members[image] = [image]
                self._place[image] = placements.IDENTITY
        ours, theirs = self._root[proof.image], self._root[proof.other]
        if ours == theirs:
            return True
        # From the frame of our set to the frame of theirs.
        move = placements.compose(
            placements.compose(self._place[proof.other], proof.placement),
            placements.inverse(self._place[proof.image]),
        )
        if len(self._members[ours]) > len(self._members[theirs]):
            ours, theirs, move = theirs, ours, placements.inverse(move)
        if not self._may_meet(ours, theirs, move):
            return False
        for image in self._members.pop(ours):
            self._root[image] = theirs
            self._place[image] = placements.compose(move, self._place[image])
            self._members[theirs].append(image)
        return True

    def _may_meet(self, ours: int, theirs: int, move: np.ndarray) -> bool:
        here, there = self._members[ours], self._members[theirs]
        n_apart, n_same = (
            sum(len(of.get(image, set()).intersection(there)) for image in here)
            for of in (self._apart, self._same)
        )
        if n_apart >= max(n_same, 1):
            return False
        boxes = np.array([_box(self._place[image]) for image in there])
        for image in here:
            box = _box(placements.compose(move, self._place[image]))
            if (_shared(boxes, box) < LEAST_SHARED).any():
                return False
        return True
