"""Images → matches: which are versions of each other, cropped, framed, written on, mirrored.

Sought among the images that stand for their sets by perceptual hash; their near copies go with
them, but for those that pixels tell apart, such as another text on the same template: these stand
for themselves. Each is described by local features; those that share an arrangement of them with
it are its candidates; geometry and then pixels prove or refuse each. A pair is examined once both
are described, by whichever comes later, so the order of arrival plays no part, and what was
examined is not examined again. Which proofs join sets is settled when all are there
(core.version_links).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from django.db import transaction
from django.db.models import Q
from threadpoolctl import threadpool_limits

from imagery import dedup, describing, version_marks
from imagery.core import decode, features, version_links
from imagery.core.hashing import from_hex
from imagery.core.placements import from_transform
from imagery.core.verification import (
    MOST_SWAPPED_NEAR,
    VERSION,
    Picture,
    Verified,
    surely_same,
    verify,
)
from imagery.models import Event, Image, Landmarks, Match
from imagery.version_marks import ASIDE, NEAR, WAITING
from imagery.writing import update_rows

METHOD = f"{features.VERSION}/{VERSION}"
BATCH = 32
WRITE = 500
Item = TypeVar("Item")
NEVER = datetime.max.replace(tzinfo=UTC), 0  # posted, and how often


# The stage -----------------------------------------------------------------------------------


def pending(event: Event) -> list[int]:
    """Ids of near copies to hold against theirs; then of images to describe, then to compare."""
    if event.copies != "versions":
        return []
    _choose(event)
    near = event.images.filter(versions_by__startswith=WAITING).order_by("pk")
    if ids := list(near.values_list("pk", flat=True)):
        return ids
    waiting = event.images.filter(versions_by="").order_by("pk")
    described = waiting.filter(landmarks__version=features.VERSION).values_list("pk", flat=True)
    held = set(described)
    ids = list(waiting.values_list("pk", flat=True))
    return [pk for pk in ids if pk not in held] or ids


def run(
    event: Event, ids: Sequence[int], progress: Callable[[int, int], None] | None = None
) -> None:
    """Tell near copies apart, describe those of the images that are not yet described, compare
    the others; safe to repeat and to kill."""
    import cv2

    cv2.setNumThreads(1)
    near = list(event.images.filter(pk__in=ids, versions_by__startswith=WAITING).order_by("pk"))
    images = list(event.images.filter(pk__in=ids, versions_by="").order_by("pk"))
    described = set(
        Landmarks.objects.filter(image__in=ids, version=features.VERSION).values_list(
            "pk", flat=True
        )
    )
    bare = [image for image in images if image.pk not in described]
    ready = [image for image in images if image.pk in described]
    # Products this small are slower on two threads than on one.
    with threadpool_limits(1, user_api="blas"):
        for work, rows in ((_tell_apart, near), (_describe, bare), (_compare, ready)):
            for batch in _parts(rows, BATCH):
                work(event, batch)
                if progress:
                    progress(len(batch), 0)


def settle(event: Event) -> int:
    """Say of each match whether it joins sets (`proven`). Returns how many do."""
    matches = list(event.matches.order_by("pk"))
    names: dict[int, str] = {}
    for part in _parts(sorted({pk for m in matches for pk in (m.image_id, m.other_id)})):
        names |= dict(Image.objects.filter(pk__in=part).values_list("pk", "sha256"))
    same = [m for m in matches if m.verdict == "same"]
    proofs = [
        version_links.Proof(m.image_id, m.other_id, placement, m.inliers or 0)
        for m in same
        if (placement := from_transform(m.transform, m.mirrored)) is not None
    ]
    apart = [(m.image_id, m.other_id) for m in matches if m.verdict == "differs"]
    ends = {(proofs[i].image, proofs[i].other) for i in version_links.links(proofs, apart, names)}
    changed = []
    for match in matches:
        holds = (match.image_id, match.other_id) in ends
        if match.proven != holds:
            match.proven = holds
            changed.append(match)
    update_rows(changed, ["proven"])
    return len(ends)


def _choose(event: Event) -> None:
    """Set aside who stands for no set; let wait who does and was not seen by this method."""
    leads = dedup.near_leads(event)
    held = event.images.values_list("pk", "versions_by")
    changed = [
        Image(pk=pk, versions_by=wanted[0])
        for pk, by in held.iterator(5000)
        if by not in (wanted := _wanted(pk, leads.get(pk)))
    ]
    with transaction.atomic():
        for part in _parts([image.pk for image in changed]):
            found = Match.objects.filter(Q(image__in=part) | Q(other__in=part), event=event)
            # What tells near copies apart stays: else they would be put together again.
            found.exclude(method=METHOD + NEAR).delete()
        update_rows(changed, ["versions_by"])


def _wanted(image: int, lead: int | None) -> tuple[str, ...]:
    """What `versions_by` may be, by who stands for the image; else it becomes the first."""
    if lead is None:
        return (ASIDE,)
    if lead == image:
        return "", METHOD
    return version_marks.waiting(lead), version_marks.gone_with(lead, METHOD)


def _parts(items: Sequence[Item], size: int = WRITE) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# Near copies ---------------------------------------------------------------------------------


def _tell_apart(event: Event, images: Sequence[Image]) -> None:
    """Near copies that show something else than the image that stands for them leave it."""
    leads = {
        image.pk: lead
        for image in images
        if (lead := version_marks.lead_of(image.versions_by)) is not None
    }
    digests = dict(Image.objects.filter(pk__in=leads.values()).values_list("pk", "sha256"))
    found = []
    for image in images:
        lead = leads[image.pk]
        image.versions_by = version_marks.gone_with(lead, METHOD)
        verified = _differing(image.sha256, digests.get(lead, ""))
        if verified is not None:
            image.versions_by = ""  # it stands for itself from now on
            found.append(_match(event, image.pk, lead, verified))
            found[-1].method += NEAR
    _keep(event, images, found)


def _differing(sha256: str, lead: str) -> Verified | None:
    """How the near copies differ, where they do for sure."""
    ours, theirs = describing.luma(sha256), describing.luma(lead)
    if ours is None or theirs is None or surely_same(ours, theirs):
        return None
    picture, source = describing.picture(sha256), describing.picture(lead)
    verified = verify(picture, source, mirrored=False) if picture and source else None
    if verified is None or verified.verdict == "same" or verified.swapped <= MOST_SWAPPED_NEAR:
        return None
    return verified


# Describing ----------------------------------------------------------------------------------


def _describe(event: Event, images: Sequence[Image]) -> None:
    from imagery.core import feature_codes

    rows = []
    for image in images:
        found = describing.features_of(image.sha256)
        packed = feature_codes.rows_of(found).tobytes() if found else b""
        rows.append(Landmarks(image=image, version=features.VERSION, rows=packed))
    with transaction.atomic():
        if Event.objects.filter(pk=event.pk).exists():  # else it was deleted meanwhile
            Landmarks.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["image"],
                update_fields=["version", "rows"],
            )


# Comparing -----------------------------------------------------------------------------------


def _compare(event: Event, images: Sequence[Image]) -> None:
    pictures = {image.pk: describing.picture(image.sha256) for image in images}
    there = {pk: one for pk, one in pictures.items() if one is not None}
    pairs = _pairs(event, there)
    digests = dict(Image.objects.filter(pk__in=_ends(pairs)).values_list("pk", "sha256"))
    first = dedup.first_posts(event, _ends(pairs))
    found = []
    for pk, other, mirrored in pairs:
        # The one posted first is the source of the other.
        early, late = sorted((pk, other), key=lambda i: (first.get(i, NEVER), digests[i]))
        picture, source = describing.picture(digests[late]), describing.picture(digests[early])
        if picture is not None and source is not None:
            verified = verify(picture, source, mirrored)
            if verified is not None:
                found.append(_match(event, late, early, verified))
    for image in images:
        image.versions_by = METHOD
    _keep(event, images, found)


def _pairs(event: Event, pictures: dict[int, Picture]) -> list[tuple[int, int, bool]]:
    """(image, other, mirrored) to examine now: others before it, and those done already.

    Any other one waits, and will find this one.
    """
    held = describing.indexed(event, ("", METHOD))
    found = held.search(list(pictures.values()))
    ids = list(pictures)
    others = held.ids[found.owner].tolist()
    near = event.matches.filter(Q(image__in=ids) | Q(other__in=ids), method=METHOD + NEAR)
    told = {frozenset(pair) for pair in near.values_list("image_id", "other_id")}
    done = set()
    for part in _parts(sorted(set(others))):
        rows = event.images.filter(pk__in=part, versions_by=METHOD)
        done |= set(rows.values_list("pk", flat=True))
    return [
        (ids[query], other, mirrored)
        for query, other, mirrored in zip(
            found.query.tolist(), others, found.mirrored.tolist(), strict=True
        )
        if other != ids[query]
        and (other < ids[query] or other in done)
        and frozenset((ids[query], other)) not in told
    ]


def _ends(pairs: Iterable[tuple[int, int, bool]]) -> set[int]:
    return {pk for pair in pairs for pk in pair[:2]}


def _match(event: Event, image: int, other: int, verified: Verified) -> Match:
    return Match(
        event=event,
        image_id=image,
        other_id=other,
        kind=verified.kind,
        verdict=verified.verdict,
        transform=list(verified.transform),
        mirrored=verified.mirrored,
        inliers=verified.inliers,
        similarity=verified.similarity,
        method=METHOD,
    )


def _keep(event: Event, images: Sequence[Image], found: Sequence[Match]) -> None:
    """What was found, and what is known of the images by it, in one transaction."""
    ends = {pk for match in found for pk in (match.image_id, match.other_id)}
    hashes = dict(Image.objects.filter(pk__in=ends).values_list("pk", "phash"))
    for match in found:
        ours, theirs = from_hex(hashes[match.image_id]), from_hex(hashes[match.other_id])
        match.bits = int(np.bitwise_count(ours ^ theirs).sum())
    with transaction.atomic():
        if not Event.objects.filter(pk=event.pk).exists():  # deleted meanwhile
            return
        for match in found:
            pair = {match.image_id, match.other_id}
            Match.objects.filter(image__in=pair, other__in=pair).delete()
        Match.objects.bulk_create(found, batch_size=WRITE)
        update_rows(images, ["versions_by"])


# Look-ups ------------------------------------------------------------------------------------


def candidates_for(event: Event, picture: Picture) -> list[tuple[int, bool]]:
    """Images of the event that may show the picture, the likeliest first, and whether as a
    mirror does. Near copies by hash are not among them: only one of each set is.

    picture: describing.picture_of(data). The first call reads the event's index.
    """
    held = describing.indexed(event, ("", METHOD))
    found = held.search([picture])
    ids = held.ids[found.owner].tolist()
    return list(zip(ids, found.mirrored.tolist(), strict=True))


def found_in(event: Event, data: bytes) -> list[tuple[int, Verified]]:
    """Images of the event that show what the file shows, the surest first. Raises Refused."""
    found = []
    with threadpool_limits(1, user_api="blas"):
        picture = describing.picture_of(data)
        candidates = dict(candidates_for(event, picture))
        rows = Image.objects.filter(pk__in=candidates).values_list("pk", "sha256")
        for pk, sha256 in rows:
            source = describing.picture(sha256)
            verified = source and verify(picture, source, candidates[pk])
            if verified:
                found.append((pk, verified))
    return sorted(found, key=lambda one: (one[1].verdict != "same", -one[1].inliers, one[0]))


def verify_files(data: bytes, source: bytes) -> Verified | None:
    """Whether one file is a version of another; None where nothing proves it, or one of them is
    no picture."""
    try:
        return verify(describing.picture_of(data), describing.picture_of(source))
    except decode.Refused:
        return None
