"""Where a picture is among events: the same file, near copies, pictures that look alike.

What is found is plain values for LookUp.found: ids of images, with how near they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from threadpoolctl import threadpool_limits

from imagery import hash_tables, look
from imagery.core import hamming, hash_lists, hashing, known_hashes, likeness, quality
from imagery.core.decode import Decoded
from imagery.core.shades import TOLERANCE
from imagery.models import Event, Image, Landmarks, Vector

MOST = 300  # images told of each kind
ALIKE = 24
LEAST_LIKE = 0.6
BLOCK = 2000

Near = list[tuple[int, int | None, int | None]]  # image, pHash bits, PDQ bits


@dataclass(slots=True)
class Picture:
    """What is looked for: as much as is known of it. decoded: where there are pixels."""

    sha256: str = ""
    phash: str = ""
    pdq: str = ""
    pdq_quality: int | None = None
    is_flat: bool = False
    decoded: Decoded | None = None

    @classmethod
    def of(cls, sha256: str, decoded: Decoded) -> Picture:
        pdq, pdq_quality = hashing.pdq(decoded.small)
        return cls(
            sha256=sha256,
            phash=hashing.to_hex(hashing.phash(decoded.luma)),
            pdq=hashing.to_hex(pdq),
            pdq_quality=pdq_quality,
            is_flat=quality.measure(decoded.small, decoded.width, decoded.height).is_flat,
            decoded=decoded,
        )


def exact(events: Sequence[Event], sha256: str) -> list[int]:
    """Images that are the same file."""
    if not sha256:
        return []
    found = Image.objects.filter(event__in=events, sha256=sha256, unique__isnull=False)
    return list(found.order_by("pk").values_list("pk", flat=True)[:MOST])


def near(events: Iterable[Event], picture: Picture) -> Near:
    """Images within an event's own pHash threshold, or 31 bits of PDQ; nearest first.

    A flat picture's pHash is noise: it is held against flat ones alone, by their mean colours.
    PDQ's own rule leaves pictures below quality 50 aside.
    """
    found: dict[int, list[int | None]] = {}
    phash = picture.phash if not picture.is_flat else ""
    unrated = picture.pdq_quality is None
    rated = picture.pdq and (unrated or picture.pdq_quality >= hash_lists.LEAST_QUALITY)  # type: ignore[operator]
    for event in events:
        table = hash_tables.of(event)
        if phash and len(table):
            bits = hamming.distances(table.phash, hashing.from_hex(phash))
            for row in np.flatnonzero((bits < event.dedup_threshold) & ~table.flat).tolist():
                found.setdefault(int(table.image[row]), [None, None])[0] = int(bits[row])
        if rated and len(table):
            bits = hamming.distances(table.pdq, hashing.from_hex(picture.pdq))
            good = table.pdq_quality >= hash_lists.LEAST_QUALITY
            for row in np.flatnonzero((bits < known_hashes.THRESHOLD) & good).tolist():
                found.setdefault(int(table.image[row]), [None, None])[1] = int(bits[row])
    if picture.is_flat and picture.decoded is not None:
        for image in _same_shade(events, hashing.signature(picture.decoded.small)):
            found.setdefault(image, [None, None])

    def place(one: tuple[int, int | None, int | None]) -> tuple[float, int]:
        image, by_phash, by_pdq = one
        shares = [b / n for b, n in ((by_phash, 64), (by_pdq, 256)) if b is not None]
        return min(shares, default=0.0), image

    return sorted(((i, bits[0], bits[1]) for i, bits in found.items()), key=place)[:MOST]


def _same_shade(events: Iterable[Event], signature: np.ndarray) -> list[int]:
    flat = Image.objects.filter(event__in=list(events), is_blank=True, unique__isnull=False)
    rows = [row for row in flat.values_list("pk", "signature") if len(row[1]) == len(signature)]
    if not rows:
        return []
    held = np.frombuffer(b"".join(bytes(row[1]) for row in rows), np.uint8)
    apart = np.abs(held.reshape(len(rows), -1).astype(np.int16) - signature).max(axis=1)
    return [rows[i][0] for i in np.flatnonzero(apart <= TOLERANCE).tolist()]


# Versions --------------------------------------------------------------------------------------


def versions(
    events: Iterable[Event], data: bytes
) -> tuple[list[tuple[int, str, int]], list[tuple[int, str, int]], list[str]]:
    """(image, kind, features that agree) of images proven to show what the file shows; the same
    of those that do but for a part; and events whose images were not described yet."""
    from imagery import versions as of_images

    same: list[tuple[int, str, int]] = []
    differs: list[tuple[int, str, int]] = []
    notes: list[str] = []
    for event in events:
        if not Landmarks.objects.filter(image__event=event).exists():
            notes.append(f"{event.name}: no versions are looked for in it yet.")
            continue
        for image, proof in of_images.found_in(event, data):
            into = same if proof.verdict == "same" else differs
            into.append((image, proof.kind, proof.inliers))

    def order(one: tuple[int, str, int]) -> tuple[int, int]:
        return -one[2], one[0]

    return sorted(same, key=order)[:MOST], sorted(differs, key=order)[:ALIKE], notes


# Alike -----------------------------------------------------------------------------------------


def alike(events: Iterable[Event], picture: Decoded) -> tuple[list[tuple[int, float]], list[str]]:
    """(representative, similarity) of the pictures most alike, and what could not be compared.

    Events are compared by the vectors they have; one whose network is not here is said so.
    """
    found: list[tuple[int, float]] = []
    notes: list[str] = []
    made = sorted(events, key=lambda event: (event.embedder, event.descriptor, event.backbone))
    for (embedder, descriptor, backbone), group in groupby(
        made, key=lambda event: (event.embedder, event.descriptor, event.backbone)
    ):
        group_events = list(group)
        if not embedder:
            continue
        try:
            vector = _vector(picture, embedder, descriptor, backbone)
        except NotHere as error:
            notes.append(f"{', '.join(event.name for event in group_events)}: {error}")
            continue
        blocks = (block for event in group_events for block in _blocks(event, len(vector)))
        ids, similar = likeness.most_like(vector, blocks, ALIKE)
        found += zip(ids.tolist(), similar.tolist(), strict=True)
    found = [(image, round(s, 4)) for image, s in found if s > LEAST_LIKE]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:ALIKE], notes


class NotHere(Exception):
    """An event's vectors cannot be made of another picture; the text says why."""


def _vector(picture: Decoded, embedder: str, descriptor: str, backbone: str) -> np.ndarray:
    from imagery.core import descriptors
    from imagery.core.backbones import WeightsMissing

    if descriptor == "classic":
        if embedder != descriptors.VERSION:
            raise NotHere(f"its vectors are of {embedder}, an earlier version: process it again")
        return descriptors.classic(picture.pixels)
    try:
        network = look.backbone(backbone)
    except WeightsMissing as error:
        raise NotHere(str(error)) from error
    if network.version != embedder:
        raise NotHere(f"its vectors are of {embedder}, here is {network.version}")
    with threadpool_limits(1, user_api="blas"):
        snc, nc = network.encode([network.prepare(picture.pixels)])
    return (snc if descriptor == "snc" else nc)[0]


def _blocks(event: Event, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image ids, vectors) of the event's representatives; those of another size are left out."""
    rows = Vector.objects.filter(
        image__represents__event=event, layer=event.descriptor, embedder=event.embedder
    ).values_list("image_id", "values")
    held: list[tuple[int, bytes]] = []
    for image, values in rows.iterator(BLOCK):
        if len(values) == 2 * size:
            held.append((image, bytes(values)))
        if len(held) == BLOCK:
            yield _unpacked(held, size)
            held = []
    if held:
        yield _unpacked(held, size)


def _unpacked(held: list[tuple[int, bytes]], size: int) -> tuple[np.ndarray, np.ndarray]:
    vectors = np.frombuffer(b"".join(values for _, values in held), "<f2")
    return np.array([image for image, _ in held], np.int64), vectors.reshape(-1, size)
