"""Sets of near-duplicate images, each around one representative (A3).

Images are taken in the order given: the caller sorts by first post, then SHA-256, so the sets
depend on the images alone. An image joins the nearest representative that is closer than the
threshold (of equally near ones, the earliest), else it becomes a representative. So sets do not
chain: every member lies within the threshold of its own representative. An image whose hash was
seen before goes where that hash went. Later images never move earlier ones.

Flat pictures (see quality.py) are compared with flat pictures alone, and by their mean colours:
their pHash is noise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from imagery.core.decisions import Decisions
from imagery.core.hamming import Index, collapse, distances
from imagery.core.shades import Shades

BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which set each of n images belongs to.

    representative: (n,) int64, index of the set's earliest image; its own where it is that.
    distance: (n,) int64 from the representative: bits of the hash, or, between two flat pictures,
        the largest difference of their mean colours (0–255).
    unmet: (k, 2) int64, "same" pairs that a "not the same" decision overruled.
    """

    representative: np.ndarray
    distance: np.ndarray
    unmet: np.ndarray


def assign(
    hashes: np.ndarray,
    threshold: int = 8,
    *,
    flat: np.ndarray | None = None,
    signatures: np.ndarray | None = None,
    must: Iterable[tuple[int, int]] = (),
    cannot: Iterable[tuple[int, int]] = (),
) -> Assignment:
    """Sets of images that are alike: d < threshold from their representative.

    hashes: (n, b) uint8, in time order. flat: (n,) bool, and signatures: (n, 192) uint8 of
    hashing.signature, needed where any image is flat (rows of the others are not read).

    must: index pairs that people called the same: their two sets are one, whatever the distance;
    all who were near either stay, and the earliest image represents them, so such a set may be
    wider than the threshold. cannot: pairs called not the same: they never share a set, neither
    by distance nor through others' "same"; the later one goes to the next nearest representative
    or becomes one, and with it go those nearer to it than to where they were. Where the two
    contradict, cannot wins (see Decisions).

    Raises ValueError for wrong shapes or pairs. 100,000 hashes take seconds; memory stays flat
    however many images are alike.
    """
    n_images = len(hashes)
    flat = np.zeros(n_images, bool) if flat is None else np.asarray(flat, bool)
    if hashes.ndim != 2 or hashes.dtype != np.uint8 or flat.shape != (n_images,):
        raise ValueError(
            f"want (n, b) uint8 and (n,) flat, got {hashes.shape} {hashes.dtype} and {flat.shape}"
        )
    if flat.any() and (signatures is None or len(signatures) != n_images):
        raise ValueError("flat images need a signature for every image")
    if signatures is None:
        signatures = np.zeros((n_images, 0), np.uint8)
    decisions = Decisions(must, cannot, n_images)
    leader = _leaders(hashes, flat, signatures, decisions.images)
    placing = _Placing(hashes, flat, signatures, threshold, decisions, np.unique(leader))
    representative = placing.run()[leader]
    return Assignment(
        representative,
        between(hashes, flat, signatures, np.arange(n_images), representative),
        np.array(decisions.unmet, np.int64).reshape(-1, 2),
    )


def _leaders(
    hashes: np.ndarray, flat: np.ndarray, signatures: np.ndarray, decided: np.ndarray
) -> np.ndarray:
    """(n,) int64: the first image that looks the same; decided images stand for themselves."""
    leader = np.arange(len(hashes))
    plain = np.ones(len(hashes), bool)
    plain[decided] = False
    for rows, values in ((plain & ~flat, hashes), (plain & flat, signatures)):
        where = np.flatnonzero(rows)
        if len(where):
            first, inverse = collapse(values[where])
            leader[where] = where[first[inverse]]
    return leader


def between(
    hashes: np.ndarray,
    flat: np.ndarray,
    signatures: np.ndarray,
    images: np.ndarray,
    others: np.ndarray,
) -> np.ndarray:
    """(k,) int64 distances of (k,) images from (k,) others, as in Assignment.distance."""
    found = distances(hashes[images], hashes[others])
    both = np.flatnonzero(flat[images] & flat[others])
    if len(both):
        ours, theirs = signatures[images[both]], signatures[others[both]]
        found[both] = np.abs(ours.astype(np.int16) - theirs).max(axis=1)
    return found


class _Placing:
    """One pass over the images that look different, in order; `anchors` attract the later ones.

    An anchor is a representative by distance. People's "same" joins the sets of several anchors;
    the earliest of them represents them all.
    """

    def __init__(
        self,
        hashes: np.ndarray,
        flat: np.ndarray,
        signatures: np.ndarray,
        threshold: int,
        decisions: Decisions,
        images: np.ndarray,
    ) -> None:
        self._hashes, self._flat, self._signatures = hashes, flat, signatures
        self._threshold, self._decisions, self._images = threshold, decisions, images
        self._index = Index(hashes.shape[1], threshold, expected=len(images))
        self._indexed: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._shades = Shades()
        self._anchor = np.full(len(hashes), -1, np.int64)
        self._set_of: dict[int, int] = {}
        self._bonds_in: dict[int, set[int]] = {}
        self._home: dict[int, int] = {}
        self._decided = set(decisions.images.tolist())
        self._refused: dict[int, Sequence[int]] = {}

    def run(self) -> np.ndarray:
        """(n,) int64: the representative of each of the images; -1 for those not passed in."""
        for start in range(0, len(self._images), BLOCK):
            self._place_block(self._images[start : start + BLOCK])
        for anchor, refused in self._refused.items():
            self._draw_along(anchor, refused)
        stands_for = np.arange(len(self._anchor))
        for anchor in self._set_of:
            stands_for[anchor] = self._root(anchor)
        root = stands_for[self._anchor[self._images]]
        earliest = np.arange(len(self._anchor))
        np.minimum.at(earliest, root, self._images)
        representative = np.full(len(self._anchor), -1, np.int64)
        representative[self._images] = earliest[root]
        return representative

    def _place_block(self, block: np.ndarray) -> None:
        textured = block[~self._flat[block]]
        hashes = self._hashes[textured]
        known = np.concatenate(self._indexed)
        self._indexed = [known]
        earlier = self._index.search(hashes)
        among = Index(hashes.shape[1], self._threshold, expected=len(self._images))
        among.add(hashes)
        within = among.search(hashes).before_self()
        bits, anchors = earlier.nearest(known)
        # Whoever no image of this block and no person has a say about is placed at once.
        alone = np.diff(within.indptr) == 0
        alone &= ~np.isin(textured, self._decisions.images)
        self._anchor[textured[alone]] = np.where(anchors >= 0, anchors, textured)[alone]
        row_of = dict(zip(textured[~alone].tolist(), np.flatnonzero(~alone).tolist(), strict=True))
        for image in block[self._anchor[block] < 0].tolist():
            if self._flat[image]:
                self._place(image, self._shades.near(self._signatures[image]))
                continue
            row = row_of[image]
            fellows, fellow_bits = within.row(row)
            fellow_images = textured[fellows]
            new = self._anchor[fellow_images] == fellow_images
            if image in self._decided:
                near, near_bits = earlier.row(row)
                candidates = known[near]
            else:
                has_near = int(anchors[row] >= 0)
                near_bits, candidates = bits[row : row + has_near], anchors[row : row + has_near]
            candidates = np.concatenate([candidates, fellow_images[new]])
            self._place(image, (np.concatenate([near_bits, fellow_bits[new]]), candidates))
        anchors = textured[self._anchor[textured] == textured]
        self._index.add(self._hashes[anchors])
        self._indexed.append(anchors)

    def _place(self, image: int, candidates: tuple[np.ndarray, np.ndarray]) -> None:
        """Join the nearest of (distances, anchors), or become an anchor."""
        bits, anchors = candidates
        if image in self._decided:
            order = np.lexsort((anchors, bits))
            self._place_decided(image, anchors[order].tolist())
        elif len(anchors):
            nearest = bits == bits.min()
            self._anchor[image] = anchors[nearest].min()
        else:
            self._become_anchor(image)

    def _place_decided(self, image: int, candidates: Sequence[int]) -> None:
        bond = self._decisions.bond(image)
        home = self._home.get(bond)
        ours = self._bonds_of(home) if home is not None else {bond}
        for anchor in candidates:
            theirs = self._bonds_of(anchor)
            if ours is theirs or self._decisions.may_meet(ours, theirs):
                self._anchor[image] = anchor
                break
        else:
            self._become_anchor(image)
            if candidates:
                self._refused[image] = candidates
        anchor = int(self._anchor[image])
        self._bonds_of(anchor).add(bond)
        if home is not None:
            self._merge(home, anchor)
        self._home[bond] = anchor

    def _become_anchor(self, image: int) -> None:
        self._anchor[image] = image
        if self._flat[image]:
            self._shades.add(image, self._signatures[image])

    def _draw_along(self, anchor: int, refused: Sequence[int]) -> None:
        """What nobody decided about, and is nearer to it than to where it is, goes with it."""
        held = np.isin(self._anchor[self._images], np.array(refused, np.int64))
        images = self._images[held]
        free = [i for i in images.tolist() if i not in self._decided and self._anchor[i] != i]
        images = np.array(free, np.int64)
        images = images[self._flat[images] == self._flat[anchor]]
        looks = self._hashes, self._flat, self._signatures
        now = between(*looks, images, self._anchor[images])
        then = between(*looks, images, np.full(len(images), anchor))
        self._anchor[images[then < now]] = anchor

    def _root(self, anchor: int) -> int:
        while (above := self._set_of.get(anchor, anchor)) != anchor:
            self._set_of[anchor] = self._set_of.get(above, above)
            anchor = above
        return anchor

    def _bonds_of(self, anchor: int) -> set[int]:
        return self._bonds_in.setdefault(self._root(anchor), set())

    def _merge(self, anchor: int, other: int) -> None:
        first, second = sorted((self._root(anchor), self._root(other)))
        if first != second:
            self._bonds_in.setdefault(first, set()).update(self._bonds_in.pop(second, set()))
            self._set_of[second] = first
