"""People's word on pairs of images, "same" and "not the same", made consistent."""

from collections.abc import Iterable

import numpy as np


class Decisions:
    """Bonds (images that people said are the same) and which bonds must stay apart.

    "Same" is transitive: if a is b and b is c, the three are one bond. "Not the same" wins: a
    "same" pair that would put a "not the same" pair into one bond is left out, and listed in
    `unmet`. "Same" pairs are taken in the order given, so among contradicting ones the first
    holds; give the ones to be trusted most (say, the newest) first.
    """

    def __init__(
        self, must: Iterable[tuple[int, int]], cannot: Iterable[tuple[int, int]], n_images: int
    ) -> None:
        self.unmet: list[tuple[int, int]] = []
        self._parent: dict[int, int] = {}
        self._apart: dict[int, set[int]] = {}
        for a, b in _checked(cannot, n_images):
            if a == b:
                raise ValueError(f"image {a} cannot be kept apart from itself")
            self._apart.setdefault(self.bond(a), set()).add(self.bond(b))
            self._apart.setdefault(self.bond(b), set()).add(self.bond(a))
        for a, b in _checked(must, n_images):
            if self.are_apart(self.bond(a), self.bond(b)):
                self.unmet.append((a, b))
            else:
                self._join(self.bond(a), self.bond(b))

    @property
    def images(self) -> np.ndarray:
        """(k,) int64: every image that somebody decided about, ascending."""
        return np.array(sorted(self._parent), np.int64)

    def bond(self, image: int) -> int:
        """The bond of an image, named by one of its images."""
        root = self._parent.setdefault(image, image)
        while root != self._parent[root]:
            root = self._parent[root]
        while image != root:
            image, self._parent[image] = self._parent[image], root
        return root

    def are_apart(self, bond: int, other: int) -> bool:
        return other in self._apart.get(bond, ())

    def may_meet(self, bonds: Iterable[int], others: set[int]) -> bool:
        """Whether no bond of the one set must stay apart from one of the other set."""
        return not self._apart or all(
            self._apart.get(bond, set()).isdisjoint(others) for bond in bonds
        )

    def _join(self, bond: int, other: int) -> None:
        if bond == other:
            return
        self._parent[other] = bond
        for third in self._apart.pop(other, set()):
            self._apart[third].discard(other)
            self._apart[third].add(bond)
            self._apart.setdefault(bond, set()).add(third)


def _checked(pairs: Iterable[tuple[int, int]], n_images: int) -> list[tuple[int, int]]:
    checked = [(int(a), int(b)) for a, b in pairs]
    for a, b in checked:
        if not (0 <= a < n_images and 0 <= b < n_images):
            raise ValueError(f"pair ({a}, {b}) is outside of {n_images} images")
    return checked
