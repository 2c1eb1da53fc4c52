"""Two images of one event held against each other: where one lies in the other, and how far apart
they are by everything that was measured of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.core.files.storage import default_storage
from django.db.models import Q
from PIL import Image as Picture

from imagery import blobs, placing, version_names
from imagery.core import decode, differences, hamming, hashing, placements, shades
from imagery.models import Event, Image, Match, Vector

PDQ_NEAR, PDQ_QUALITY = 31, 50  # of the hash's own authors
BITS, PDQ_BITS = 64, 256
LAYERS = {
    "snc": "Softmax Neural Codes",
    "nc": "Neural Codes",
    "classic": "Colour and edges",
}
SIDE = 640  # px of the difference picture


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the second picture lies in the first.

    how: "match" of the two, "chain" of matches, "hash" (near copies lie on each other), or ""
    where nothing tells: then it is set in the middle. placement: (2, 3) from second to first.
    """

    placement: np.ndarray
    how: str
    match: Match | None = None
    back: bool = False  # the first is the derived one
    n_steps: int = 0

    @property
    def name(self) -> str:
        """What the second picture is to the first."""
        if self.match is None:
            return ""
        return version_names.by_match(self.match.kind, back=self.back, mirrored=self.match.mirrored)


@dataclass(frozen=True, slots=True)
class Distance:
    """One measure of how far apart two images are. near is None where it cannot tell."""

    name: str
    value: str
    near: bool | None
    rule: str
    part: float | None = None  # 0 (the same) to 1, for a bar
    cut: float | None = None  # where near ends, on the same bar

    @property
    def word(self) -> str:
        return {True: "near", False: "far", None: "cannot tell"}[self.near]


# Where one lies in the other -----------------------------------------------------------------


def placed(event: Event, first: Image, second: Image) -> Placed:
    match = match_of(first, second)
    if match is not None:
        back = match.image_id == first.pk
        placement = placing.between(match, back=back)
        if placement is not None:
            return Placed(placement, "match", match, back, 1)
    if (way := _way(first, second)) is not None and way.placement is not None:
        return Placed(way.placement, "chain", match, n_steps=way.n_steps)
    if _near_by_hash(event, first, second):
        return Placed(placements.IDENTITY, "hash", match)
    middle = placements.centred(
        (second.width or 1, second.height or 1), of=(first.width or 1, first.height or 1)
    )
    return Placed(middle, "", match)


def match_of(first: Image, second: Image) -> Match | None:
    """The match of the two, proven or not, whichever is the source."""
    both = Q(image=first, other=second) | Q(image=second, other=first)
    return Match.objects.filter(both).order_by("-proven", "-inliers", "pk").first()


def _way(first: Image, second: Image) -> placing.Way | None:
    root, key = placing.key_of(first), placing.key_of(second)
    if first.unique is None or first.unique_id != second.unique_id or root == key:
        return None
    return placing.ways_to(root, placing.matches_of(first.unique)).get(key)


def _near_by_hash(event: Event, first: Image, second: Image) -> bool:
    if placing.key_of(first) == placing.key_of(second):
        return True
    if first.is_blank or second.is_blank or not (first.phash and second.phash):
        return False
    return _bits(first.phash, second.phash) < event.dedup_threshold


# How far apart they are ----------------------------------------------------------------------


def distances(event: Event, first: Image, second: Image) -> list[Distance]:
    """By every hash and every vector that both have; two queries."""
    return [
        _phash(event, first, second),
        _pdq(first, second),
        _colours(first, second),
        *_vectors(event, first, second),
    ]


def _bits(one: str, other: str) -> int:
    return int(hamming.distances(hashing.from_hex(one)[None], hashing.from_hex(other))[0])


def _phash(event: Event, first: Image, second: Image) -> Distance:
    name, rule = "pHash", f"near below {event.dedup_threshold} of {BITS} bits"
    if not (first.phash and second.phash):
        return Distance(name, "—", None, rule)
    bits = _bits(first.phash, second.phash)
    near: bool | None = bits < event.dedup_threshold
    if first.is_blank or second.is_blank:
        near, rule = None, "flat pictures are told apart by their colours"
    value = f"{bits} of {BITS} bits"
    return Distance(name, value, near, rule, bits / BITS, event.dedup_threshold / BITS)


def _pdq(first: Image, second: Image) -> Distance:
    name, rule = "PDQ", f"near up to {PDQ_NEAR} of {PDQ_BITS} bits"
    if not (first.pdq and second.pdq):
        return Distance(name, "—", None, rule)
    bits = _bits(first.pdq, second.pdq)
    lowest = min(first.pdq_quality or 0, second.pdq_quality or 0)
    near: bool | None = bits <= PDQ_NEAR
    if lowest < PDQ_QUALITY:
        near, rule = None, f"quality {lowest} of 100: it tells from {PDQ_QUALITY} on"
    value = f"{bits} of {PDQ_BITS} bits"
    return Distance(name, value, near, rule, bits / PDQ_BITS, (PDQ_NEAR + 1) / PDQ_BITS)


def _colours(first: Image, second: Image) -> Distance:
    name, cut = "Mean colours, 8 × 8", shades.TOLERANCE
    rule = f"near up to {cut} of 255; decides for flat pictures alone"
    ours, theirs = (np.frombuffer(bytes(row.signature), np.uint8) for row in (first, second))
    if not len(ours) or ours.shape != theirs.shape:
        return Distance(name, "—", None, rule)
    most = int(np.abs(ours.astype(np.int16) - theirs).max())
    return Distance(name, f"{most} of 255", most <= cut, rule, most / 255, (cut + 1) / 255)


def _vectors(event: Event, first: Image, second: Image) -> list[Distance]:
    rows = Vector.objects.filter(image__in=[first.pk, second.pk], layer__in=LAYERS)
    held: dict[tuple[str, str], dict[int, np.ndarray]] = {}
    for row in rows.order_by("pk"):
        values = np.frombuffer(bytes(row.values), "<f2").astype(np.float64)
        held.setdefault((row.layer, row.embedder), {})[row.image_id] = values
    found = []
    for (layer, embedder), vectors in sorted(held.items(), key=lambda item: _place(event, item[0])):
        ours, theirs = vectors.get(first.pk), vectors.get(second.pk)
        if ours is None or theirs is None or ours.shape != theirs.shape:
            continue
        alike = float(1 / (1 + np.linalg.norm(ours - theirs)))
        groups = (layer, embedder) == (event.descriptor, event.embedder)
        rule = f"near above {event.similarity:g}" + ("; makes the groups" if groups else "")
        found.append(
            Distance(
                f"{LAYERS[layer]}, {embedder}",
                f"similarity {alike:.3f}",
                alike > event.similarity,
                rule,
                1 - alike,
                1 - event.similarity,
            )
        )
    return found


def _place(event: Event, key: tuple[str, str]) -> tuple[bool, int, str]:
    layer, embedder = key
    return key != (event.descriptor, event.embedder), list(LAYERS).index(layer), embedder


# The difference picture ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawn:
    """A difference picture and its figures; see differences.Difference."""

    jpeg: bytes
    box: tuple[float, float, float, float]
    overlap: float
    added: float
    differing: float | None


@lru_cache(maxsize=32)
def drawn(first: str, second: str, placement: tuple[float, ...]) -> Drawn:
    """Of two files by SHA-256 and a placement's 6 numbers. Raises FileNotFoundError, Refused."""
    ours, theirs = (_pixels(sha256) for sha256 in (first, second))
    found = differences.difference(ours, theirs, np.array(placement).reshape(2, 3))
    out = io.BytesIO()
    Picture.fromarray(differences.painted(found)).save(out, "JPEG", quality=90)
    return Drawn(out.getvalue(), found.box, found.overlap, found.added, found.differing)


def _pixels(sha256: str) -> np.ndarray:
    """(h, w, 3) uint8 of the rendition of SIDE, made and kept where there is none yet."""
    try:
        with default_storage.open(blobs.thumb_name(sha256, SIDE)) as file:
            data = file.read()
    except FileNotFoundError:
        data, _, _ = decode.render(blobs.get(sha256), SIDE)
        blobs.put_thumb(sha256, SIDE, data)
    with Picture.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))
