"""Images told by their perceptual hashes alone: what the making of sets is tried on."""

from __future__ import annotations

from datetime import timedelta

from imagery import snapshots
from imagery.models import Event, Image, Link, Match, Post, PostLink
from tests.factories import START


def image(event: Event, name: str, bits: int, *minutes: int) -> Image:
    """An image whose 64-bit hash is `bits`, posted that many minutes after START, each time by
    a post of its own. SHA-256 and address are made of the name."""
    sha256 = snapshots.digest(name)
    file = Image.objects.create(
        event=event, sha256=sha256, n_bytes=1, width=40, height=30, format="JPEG",
        phash=f"{bits:016x}", pdq=sha256, signature=bytes(192), hash_version="test",
    )  # fmt: skip
    link = Link.objects.create(
        event=event, url=f"https://p.example/{name}", key=sha256[:32], image=file,
        state=Link.State.FETCHED,
    )  # fmt: skip
    for minute in minutes:
        post(event, link, minute)
    return file


def post(event: Event, link: Link, minute: int) -> Post:
    made = Post.objects.create(
        event=event, platform="twitter", uid=f"{link.pk}-{minute}", has_images=True,
        posted_at=START + timedelta(minutes=minute),
    )  # fmt: skip
    PostLink.objects.create(post=made, link=link)
    return made


def ones(n: int, start: int = 0) -> int:
    """n bits set, from bit `start` on."""
    return ((1 << n) - 1) << start


def proven(image: Image, other: Image, inliers: int = 30, **fields: object) -> Match:
    return Match.objects.create(
        event=image.event, image=image, other=other, kind="crop", inliers=inliers, method="test",
        **({"proven": True} | fields),
    )  # fmt: skip


def sets(event: Event) -> set[frozenset[int]]:
    """Ids of the images of each set in use."""
    held: dict[int, set[int]] = {}
    for unique, pk in event.images.exclude(unique=None).values_list("unique_id", "pk"):
        held.setdefault(unique, set()).add(pk)
    return {frozenset(members) for members in held.values()}
