"""What is known of an event's pictures as one page that opens alone: a record to file or print.

Each picture with the digests of all its files, where and when it was posted, how its copies were
told, and what people decided; made a picture at a time, so that none but one is held.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone

from imagery import blobs, histories, known, pictures, version_marks, version_names
from imagery.core import decode
from imagery.models import Decision, Event, Image, Link, Match, Post, UniqueImage

MOST = 200  # pictures
SIDE = 960  # px of a picture on the page; its files are named by their digests
FILES = 200
URLS = 20
POSTS = 20
HERE = "<!-- pictures -->"  # in the template: where the pictures' records come


@dataclass(frozen=True, slots=True)
class File:
    image: Image
    told: str  # how it was told to be the same picture


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture's record. `data` is a JPEG as a data: URI; empty where `unseen` says why."""

    row: UniqueImage
    name: str
    data: str
    unseen: str
    files: list[File]
    links: list[Link]
    posts: list[Post]
    decisions: list[Decision]

    @property
    def n_more_files(self) -> int:
        return self.row.n_copies - len(self.files)

    @property
    def n_more_links(self) -> int:
        return self.row.n_links - len(self.links)

    @property
    def n_more_posts(self) -> int:
        return self.row.n_posts - len(self.posts)


def page(event: Event, ids: Sequence[int], user: Any) -> Iterator[str]:
    """The page in parts, pictures in the order of their ids."""
    made_at = timezone.now()
    found = UniqueImage.objects.filter(event=event).select_related("representative").in_bulk(ids)
    rows = [found[pk] for pk in ids if pk in found]
    marks = known.marks(event, [row.pk for row in rows])
    context = {
        "event": event,
        "user": user,
        "made_at": made_at,
        "version": settings.VERSION,
        "n_pictures": len(rows),
        "methods": _methods(event, rows),
        "rules": list(event.rules.all()),
    }
    begin, _, end = render_to_string("imagery/evidence.html", context).partition(HERE)
    yield begin
    for row in rows:
        blocking = [mark.name for mark in marks.get(row.pk, ()) if mark.blocks]
        context["sheet"] = sheet(event, row, ", ".join(blocking))
        yield render_to_string("imagery/evidence_picture.html", context)
    yield end


def _methods(event: Event, rows: Sequence[UniqueImage]) -> dict[str, list[str]]:
    """Names and versions of what made the numbers, as these pictures' files carry them."""
    files = Image.objects.filter(unique__in=[row.pk for row in rows])
    unmade = ("",)  # not yet
    names = {"hashes": "hash_version", "vectors": "embedder", "versions": "versions_by"}
    made = {
        title: sorted(
            set(files.order_by().values_list(name, flat=True).distinct()).difference(unmade)
        )
        for title, name in names.items()
    }
    made["versions"] = [name for name in made["versions"] if version_marks.names_method(name)]
    matches = Match.objects.filter(event=event, proven=True, image__in=files)
    made["proofs"] = sorted(matches.order_by().values_list("method", flat=True).distinct())
    return made


def sheet(event: Event, row: UniqueImage, blocked_by: str = "") -> Sheet:
    data, unseen = ("", f"Covered: blocked by {blocked_by}.") if blocked_by else _seen(row)
    oldest = F("first_posted_at").asc(nulls_last=True)
    images = list(row.copies.defer("signature", "top_classes").order_by(oldest, "sha256")[:FILES])
    held = [image.pk for image in images]
    decisions = Decision.objects.active().filter(event=event)
    card = pictures.card(event, row)
    return Sheet(
        row=row,
        name=row.described or card.caption or f"Picture no. {row.rank:,}",
        data=data,
        unseen=unseen,
        files=_told(event, row, images),
        links=histories.links_of(row, URLS),
        posts=histories.post_page(row, limit=POSTS).posts,
        decisions=list(
            decisions.filter(Q(image__in=held) | Q(other__in=held))
            .select_related("user", "image", "other")
            .order_by("pk")
        ),
    )


def _seen(row: UniqueImage) -> tuple[str, str]:
    """(data: URI, "") or ("", why there is none)."""
    sha256 = row.representative.sha256
    try:
        data = blobs.get_thumb(sha256, SIDE)
    except FileNotFoundError:
        try:
            data, _, _ = decode.render(blobs.get(sha256), SIDE)
        except FileNotFoundError:
            return "", "Its file is gone."
        except decode.Refused as error:
            return "", f"It cannot be shown: {error}."
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", ""


def _told(event: Event, row: UniqueImage, images: Sequence[Image]) -> list[File]:
    """How each file was told to be the picture: by hash, by a proof, or through others."""
    root = row.representative
    held = {image.pk for image in images}
    proofs: dict[int, Match] = {}
    matches = Match.objects.filter(image__in=held, other__in=held, proven=True)
    for match in matches.order_by("pk"):
        proofs.setdefault(match.image_id, match)
        proofs.setdefault(match.other_id, match)
    digests = {image.pk: image.sha256 for image in images}
    return [
        File(image, _way(event, image, root, proofs.get(image.pk), digests)) for image in images
    ]


def _way(
    event: Event, image: Image, root: Image, match: Match | None, digests: dict[int, str]
) -> str:
    if image.pk == root.pk:
        return "stands for the picture"
    if image.distance is not None and image.distance < event.dedup_threshold:
        return f"perceptual hash, {image.distance} of 64 bits from it"
    if match:
        back = match.other_id == image.pk
        other = digests[match.image_id if back else match.other_id]
        kind = version_names.by_match(match.kind, back=back, mirrored=match.mirrored)
        proof = f", {match.inliers} features agree" if match.inliers else ""
        alike = f", pixels correlate at {match.similarity:.2f}" if match.similarity else ""
        return f"{kind} by geometry, against {other[:12]}{proof}{alike} ({match.method})"
    if image.distance is not None:
        return f"through other files or people, {image.distance} of 64 bits from it"
    return "through other files or people"


def name_of(event: Event, at: datetime) -> str:
    """Of the file: ours, never made of what people sent."""
    return f"{event.slug}-evidence-{at:%Y%m%d-%H%M}.html"
