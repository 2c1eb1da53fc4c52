"""Images → unique images (A3). One writer per event; the same images give the same sets.

Images are taken by first post, then SHA-256: order of arrival plays no part. Two sets of sets are
made: by perceptual hash alone (`Image.near`, the paper's), and those in use (`Image.unique`), in
which people's decisions hold and, where the event wants every version, what geometry proved.
A unique image keeps its id as long as its representative is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import CharField, Count, Min
from django.db.models.functions import Cast

from imagery import doubts, marks, showings, version_marks
from imagery.core import uniqueness
from imagery.models import Decision, Event, Image, Match, Moved, PostLink, UniqueImage
from imagery.writing import update_rows

WRITE = 500
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """What the sets are made of, of one image."""

    pk: int
    sha256: str
    phash: str
    is_blank: bool
    signature: bytes
    unique_id: int | None
    distance: int | None
    near_id: int | None


@dataclass(frozen=True, slots=True)
class Looks:
    """How n images look: hashes (n, 8) uint8, flat (n,) bool, signatures (n, 192) uint8."""

    hashes: np.ndarray
    flat: np.ndarray
    signatures: np.ndarray


@dataclass(frozen=True, slots=True)
class Said:
    """What holds of pairs of images, as indices into the rows.

    same, different: people's, newest first; different also near copies that pixels tell apart.
    found: proven by geometry, the strongest first.
    chosen: images that are to stand for their sets, the latest last.
    """

    same: list[Pair]
    found: list[Pair]
    different: list[Pair]
    chosen: list[int]


def run(event: Event) -> int:
    """Make the event's sets anew; rows that stay as they are are not written. Returns how many."""
    first = first_posts(event)
    rows = _in_time_order(event, first)
    looks, said = _looks(rows), _said(event, rows)
    near = _assign(looks, event.dedup_threshold, [], [])
    made = near
    if said.same or said.found or said.different:
        # In this order: people's word is not given up for what a machine found.
        together = said.same + said.found
        made = _assign(looks, event.dedup_threshold, together, said.different)
    lead = _leads(made.representative, said.chosen)
    distance = uniqueness.between(
        looks.hashes, looks.flat, looks.signatures, np.arange(len(rows)), lead
    )
    sets = doubts.Sets(
        ids=np.array([row.pk for row in rows], np.int64),
        hashes=looks.hashes,
        flat=looks.flat,
        lead=lead,
        distance=distance,
        posts=np.array([first[row.pk][1] for row in rows], np.int64),
        unmet=made.unmet,
    )
    doubtful = doubts.find(event, sets)
    with transaction.atomic():
        of_lead = _write_sets(event, rows, lead)
        _write_images(event, rows, of_lead, lead, distance, near.representative)
        marks.apply(event)
        doubts.write(event, doubtful)
    return len(of_lead)


def near_leads(event: Event) -> dict[int, int]:
    """Image → the one that stands for its set by perceptual hash, itself where it does.

    Flat pictures are left out. Near copies that were told apart stand for sets of their own.
    """
    rows = _in_time_order(event, first_posts(event))
    apart = _told_apart(event, {row.pk: i for i, row in enumerate(rows)}, [])
    near = _assign(_looks(rows), event.dedup_threshold, [], apart)
    return {
        row.pk: rows[lead].pk
        for row, lead in zip(rows, near.representative.tolist(), strict=True)
        if not row.is_blank
    }


def first_posts(
    event: Event, images: Collection[int] | None = None
) -> dict[int, tuple[datetime, int]]:
    """When each image, or each of those, was first posted, and how often, in posts the rules
    select."""
    shown = PostLink.objects.filter(
        link__event=event, link__image__failed_at=None, post__selected=True
    )
    if images is not None:
        shown = shown.filter(link__image__in=images)
    found = (
        shown.exclude(link__image=None)
        .values_list("link__image_id")
        .annotate(at=Cast(Min("post__posted_at"), CharField()), n=Count("post_id"))
        .order_by()
    )
    rows = list(found)
    times = map(showings.moment, showings.micros(tuple(at for _, at, _ in rows)).tolist())
    return {pk: (at, n) for (pk, _, n), at in zip(rows, times, strict=True)}


def _in_time_order(event: Event, first: dict[int, tuple[datetime, int]]) -> list[Row]:
    fields = (
        "pk", "sha256", "phash", "is_blank", "signature", "unique_id", "distance", "near_id",
    )  # fmt: skip
    seen = event.images.seen().filter(failed_at=None).values_list(*fields)
    rows = [Row(*values) for values in seen.iterator(5000) if values[0] in first]
    rows.sort(key=lambda row: (first[row.pk][0], row.sha256))
    return rows


def _looks(rows: list[Row]) -> Looks:
    hashes = np.frombuffer(bytes.fromhex("".join(row.phash for row in rows)), np.uint8)
    signatures = np.frombuffer(b"".join(bytes(row.signature) for row in rows), np.uint8)
    return Looks(
        hashes.reshape(-1, 8),
        np.array([row.is_blank for row in rows], bool),
        signatures.reshape(-1, 192),
    )


def _said(event: Event, rows: list[Row]) -> Said:
    """Decisions and matches of images that are among the rows."""
    place = {row.pk: i for i, row in enumerate(rows)}
    kinds = Decision.Kind
    told: dict[str, list[Pair]] = {kind: [] for kind in kinds}
    decisions = Decision.objects.active().filter(event=event).order_by("-pk")
    for kind, image, other in decisions.values_list("kind", "image_id", "other_id"):
        if image in place and (other is None or other in place):
            told[kind].append((place[image], place[other] if other else -1))
    wide = event.copies == "versions"
    return Said(
        same=told[kinds.SAME],
        found=_found(event, rows, place) if wide else [],
        different=told[kinds.DIFFERENT]
        + (_told_apart(event, place, told[kinds.SAME]) if wide else []),
        chosen=[image for image, _ in reversed(told[kinds.REPRESENTS])],
    )


def _found(event: Event, rows: list[Row], place: dict[int, int]) -> list[Pair]:
    """Proven matches, the strongest first: where people's word breaks a chain of them, its
    weakest goes."""
    matches = Match.objects.filter(event=event, proven=True).values_list(
        "image_id", "other_id", "inliers", "similarity", "bits"
    )
    kept = []
    for image, other, inliers, similarity, bits in matches.iterator(5000):
        if image in place and other in place:
            one, two = sorted((place[image], place[other]))
            names = rows[one].sha256, rows[two].sha256
            strength = -(inliers or 0), -(similarity or 0.0), 64 if bits is None else bits
            kept.append((strength, names, (one, two)))
    return [pair for _, _, pair in sorted(kept)]


def _told_apart(event: Event, place: dict[int, int], same: Iterable[Pair]) -> list[Pair]:
    """Near copies by hash whose pixels differ, such as two texts on one template, unless people
    called them the same."""
    word = {frozenset(pair) for pair in same}
    rows = event.matches.filter(verdict="differs", method__endswith=version_marks.NEAR).order_by(
        "pk"
    )
    apart = []
    for image, other, by in rows.values_list("image_id", "other_id", "image__versions_by"):
        # Who stands for the image by now: what people say of that one holds for its copies.
        lead = version_marks.lead_of(by) or image
        pairs = [(place[i], place[other]) for i in (image, lead) if i in place and other in place]
        if image in place and other in place and not any(frozenset(p) in word for p in pairs):
            apart.append((place[image], place[other]))
    return apart


def _assign(
    looks: Looks, threshold: int, must: Iterable[Pair], cannot: Iterable[Pair]
) -> uniqueness.Assignment:
    return uniqueness.assign(
        looks.hashes,
        threshold=threshold,
        flat=looks.flat,
        signatures=looks.signatures,
        must=must,
        cannot=cannot,
    )


def _leads(earliest: np.ndarray, chosen: Iterable[int]) -> np.ndarray:
    """(n,) int64: who stands for each image's set, its earliest unless people chose another."""
    lead = earliest.copy()
    for image in chosen:
        lead[earliest == earliest[image]] = image
    return lead


def _write_sets(event: Event, rows: list[Row], lead: np.ndarray) -> dict[int, int]:
    """Row of each set's representative → id of its unique image.

    A set takes over the unique image that its representative has, else the oldest of those whose
    representatives are in it. The others go, and their addresses lead to the set from then on.
    """
    held = dict(event.unique_images.values_list("representative_id", "pk"))
    owned: dict[int, tuple[bool, int]] = {}
    for i, row in enumerate(rows):
        if row.pk in held:
            offer = int(lead[i]) != i, held[row.pk]
            owned[int(lead[i])] = min(owned.get(int(lead[i]), offer), offer)
    of_lead = {i: pk for i, (_, pk) in owned.items()}
    _forget(event, held, set(of_lead.values()))
    renamed = [
        UniqueImage(pk=pk, representative_id=rows[i].pk)
        for i, pk in of_lead.items()
        if held.get(rows[i].pk) != pk
    ]
    update_rows(renamed, ["representative"])
    new = [i for i in np.unique(lead).tolist() if i not in of_lead]
    UniqueImage.objects.bulk_create(
        [UniqueImage(event=event, representative_id=rows[i].pk) for i in new], batch_size=WRITE
    )
    ids = dict(event.unique_images.values_list("representative_id", "pk"))
    return of_lead | {i: ids[rows[i].pk] for i in new}


def _forget(event: Event, held: dict[int, int], kept: set[int]) -> None:
    gone = [(pk, image) for image, pk in held.items() if pk not in kept]
    Moved.objects.bulk_create(
        [Moved(was=pk, event=event, image_id=image) for pk, image in gone],
        ignore_conflicts=True,
        batch_size=WRITE,
    )
    for start in range(0, len(gone), WRITE):
        ids = [pk for pk, _ in gone[start : start + WRITE]]
        UniqueImage.objects.filter(pk__in=ids).delete()


def _write_images(
    event: Event,
    rows: list[Row],
    of_lead: dict[int, int],
    lead: np.ndarray,
    distance: np.ndarray,
    near: np.ndarray,
) -> None:
    """Each image's set, distance and near set; who is in no selected post leaves both."""
    changed = []
    for row, at, bits, by_hash in zip(
        rows, lead.tolist(), distance.tolist(), near.tolist(), strict=True
    ):
        want = of_lead[at], bits, rows[by_hash].pk
        if (row.unique_id, row.distance, row.near_id) != want:
            changed.append(Image(pk=row.pk, unique_id=want[0], distance=want[1], near_id=want[2]))
    update_rows(changed, ["unique", "distance", "near"])
    placed = {row.pk for row in rows}
    held = event.images.exclude(unique=None, near=None).values_list("pk", flat=True)
    stray = [pk for pk in held.iterator(5000) if pk not in placed]
    for start in range(0, len(stray), WRITE):
        left = Image.objects.filter(pk__in=stray[start : start + WRITE])
        left.update(unique=None, distance=None, near=None)
