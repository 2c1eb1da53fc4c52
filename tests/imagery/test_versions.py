"""The stage, on real photographs put through edits; what is asked of it from outside."""

import io
import random
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from imagery import blobs, dedup, describing, orphans, version_marks, versions
from imagery.core import decode, edits, features, hashing
from imagery.models import Account, Decision, Event, Image, Landmarks, Match, Post, PostLink
from imagery.pictures import SMALL
from tests import factories
from tests.photographs import photograph

pytestmark = pytest.mark.django_db
MADE = ("same", "crop15", "mirror", "screenshot")


def file_of(pixels: np.ndarray, quality: int = 88) -> bytes:
    out = io.BytesIO()
    Picture.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def files() -> dict[str, bytes]:
    """Two photographs in four versions each, and one that is flat."""
    made = {}
    for name in ("coffee", "chelsea"):
        for kind in MADE:
            pixels = edits.apply(kind, photograph(name), np.random.default_rng(3))
            made[f"{name}-{kind}"] = file_of(pixels)
    made["flat"] = file_of(np.full((90, 120, 3), 200, np.uint8))
    return made


def add(event: Event, name: str, data: bytes, minute: int) -> Image:
    """A file as looking leaves it, posted once."""
    decoded = decode.decode(data)
    sha256 = blobs.put(data)
    blobs.put_thumb(sha256, SMALL, decode.thumbnail(decoded.small, SMALL)[0])
    image = Image.objects.create(
        event=event,
        sha256=sha256,
        n_bytes=len(data),
        phash=hashing.to_hex(hashing.phash(decoded.luma)),
        signature=hashing.signature(decoded.small).tobytes(),
        is_blank=name == "flat",
        embedder=factories.EMBEDDER,
    )
    link = factories.link(event, f"https://pictures.example/{sha256}", image=image)
    account, _ = Account.objects.get_or_create(event=event, platform="twitter", uid="1")
    post = Post.objects.create(
        event=event,
        platform="twitter",
        uid=sha256,
        account=account,
        posted_at=factories.START + timedelta(minutes=minute),
        has_images=True,
    )
    PostLink.objects.create(post=post, link=link, position=0)
    return image


def find(event: Event) -> None:
    for _ in range(6):
        ids = versions.pending(event)
        versions.run(event, ids)
    assert versions.pending(event) == []
    versions.settle(event)
    dedup.run(event)


def proven(event: Event) -> list[tuple[int, int]]:
    """Pairs that are versions of each other, the most features agreeing first."""
    rows = event.matches.filter(proven=True).order_by("-inliers", "-similarity", "pk")
    return list(rows.values_list("image_id", "other_id"))


def sets(event: Event) -> set[frozenset[str]]:
    """The event's sets, by their files' digests."""
    found: dict[int, set[str]] = {}
    for unique, sha256 in event.images.values_list("unique_id", "sha256"):
        found.setdefault(unique, set()).add(sha256)
    return {frozenset(members) for members in found.values()}


@pytest.fixture
def event(event: Event) -> Event:
    describing.picture.cache_clear()
    return event


def test_versions_of_one_picture_become_one_set(event):
    images = {name: add(event, name, data, at) for at, (name, data) in enumerate(files().items())}
    find(event)
    wanted = {
        frozenset(images[f"{name}-{kind}"].sha256 for kind in MADE)
        for name in ("coffee", "chelsea")
    }
    assert sets(event) == wanted | {frozenset([images["flat"].sha256])}
    kinds = {
        (match.image.sha256, match.kind)
        for match in event.matches.filter(other=images["coffee-same"], proven=True)
    }
    assert kinds == {
        (images[f"coffee-{kind}"].sha256, name)
        for kind, name in (("crop15", "crop"), ("mirror", "mirror"), ("screenshot", "screenshot"))
    }
    mirror = event.matches.get(image=images["coffee-mirror"], other=images["coffee-same"])
    assert mirror.mirrored and mirror.method == versions.METHOD
    assert mirror.inliers > 20 and mirror.similarity > 0.9 and mirror.bits > 8
    assert set(proven(event)) == set(
        event.matches.filter(proven=True).values_list("image_id", "other_id")
    )
    flat = Image.objects.get(pk=images["flat"].pk)
    assert flat.versions_by == versions.ASIDE and not Landmarks.objects.filter(image=flat).exists()


def test_the_order_of_arrival_plays_no_part(event):
    made = list(files().items())
    once = Event.objects.create(name="At once", slug="at-once")
    for at, (name, data) in enumerate(made):
        add(once, name, data, at)
    find(once)
    order = list(enumerate(made))
    random.Random(4).shuffle(order)
    for begin in range(0, len(order), 3):
        for at, (name, data) in order[begin : begin + 3]:
            add(event, name, data, at)
        find(event)
    assert sets(event) == sets(once)
    held = [
        set(e.matches.filter(proven=True).values_list("image__sha256", "other__sha256", "kind"))
        for e in (event, once)
    ]
    assert held[0] == held[1]


def test_a_second_run_does_nothing_and_a_broken_one_is_taken_up(event):
    for at, (name, data) in enumerate(files().items()):
        add(event, name, data, at)
    ids = versions.pending(event)
    versions.run(event, ids[:3])  # and no more: killed here
    assert set(versions.pending(event)) == set(ids[3:])
    find(event)
    before = list(event.matches.order_by("pk").values())
    find(event)
    assert list(event.matches.order_by("pk").values()) == before


def test_near_copies_go_with_the_one_that_stands_for_them(event):
    data = files()["coffee-same"]
    first = add(event, "first", data, 5)
    again = add(event, "again", file_of(photograph("coffee"), 60), 6)
    mirror = add(event, "mirror", files()["coffee-mirror"], 7)
    find(event)
    again.refresh_from_db()
    assert again.versions_by == f"-{versions.METHOD}:{first.pk}" and again.near_id == first.pk
    assert len(sets(event)) == 1
    assert proven(event) == [(mirror.pk, first.pk)]
    # One that was posted before it stands for the set from then on.
    earlier = add(event, "earlier", file_of(photograph("coffee"), 70), 1)
    find(event)
    first.refresh_from_db()
    assert first.versions_by == f"-{versions.METHOD}:{earlier.pk}"
    assert proven(event) == [(mirror.pk, earlier.pk)]


def said(text: str) -> np.ndarray:
    """A template with words in its lower part."""
    picture = Picture.fromarray(photograph("coffee"))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(picture.height // 10)
    where = (picture.width // 2, picture.height * 0.9)
    draw.text(where, text, "white", font, "mm", stroke_width=3, stroke_fill="black")
    return np.asarray(picture)


def test_near_copies_with_other_words_are_told_apart(event):
    first, other = said("WHEN THE LIGHTS GO OUT"), said("NOBODY EXPECTED RAIN")
    one = add(event, "one", file_of(first), 0)
    two = add(event, "two", file_of(other), 1)
    again = add(event, "again", file_of(first, 60), 2)
    also = add(event, "also", file_of(other, 60), 3)
    find(event)
    two.refresh_from_db()
    assert two.near_id == one.pk  # by hash they are one
    wanted = {frozenset([one.sha256, again.sha256]), frozenset([two.sha256, also.sha256])}
    assert sets(event) == wanted
    found = event.matches.get(image=two, other=one)
    assert (found.verdict, found.proven, found.method) == (
        "differs", False, versions.METHOD + version_marks.NEAR,
    )  # fmt: skip
    matches = list(event.matches.order_by("pk").values())
    find(event)
    assert list(event.matches.order_by("pk").values()) == matches
    # People's word is stronger, and the paper's own setting knows nothing of it.
    Decision.objects.create(event=event, kind="same", image=one, other=two)
    dedup.run(event)
    assert len(sets(event)) == 1
    Decision.objects.all().delete()
    dedup.run(event)
    assert sets(event) == wanted
    event.copies = "near"
    dedup.run(event)
    assert len(sets(event)) == 1


def test_the_papers_own_setting_seeks_no_versions(event):
    event.copies = "near"
    event.save()
    add(event, "one", files()["coffee-same"], 0)
    assert versions.pending(event) == []


def test_a_lost_file_is_left_aside_by_the_others(event):
    images = [add(event, name, data, 0) for name, data in files().items()][:2]
    sha256 = images[0].sha256
    for name in (blobs.blob_name(sha256), blobs.thumb_name(sha256, SMALL)):
        blobs.default_storage.delete(name)
    find(event)
    assert versions.pending(event) == []
    assert not event.matches.filter(image=images[0]).exists()


def test_features_go_with_the_file(event):
    image = add(event, "one", files()["coffee-same"], 0)
    versions.run(event, versions.pending(event))
    name = blobs.features_name(image.sha256, features.VERSION)
    assert blobs.default_storage.exists(name)
    sha256 = image.sha256
    image.delete()
    orphans.drop([sha256])
    assert not blobs.default_storage.exists(name)


def test_told_apart_is_left_to_people(event):
    one, two = (add(event, str(i), factories.jpeg(i), i) for i in range(2))
    same = [1, 0, 0, 0, 1, 0]
    match = Match.objects.create(
        event=event, image=two, other=one, kind="copy", verdict="differs", transform=same,
        inliers=50, proven=True,
    )  # fmt: skip
    versions.settle(event)
    match.refresh_from_db()
    assert not match.proven


def test_files_are_compared_without_an_event():
    made = files()
    found = versions.verify_files(made["coffee-crop15"], made["coffee-same"])
    assert found is not None and found.kind == "crop"
    assert versions.verify_files(made["coffee-same"], made["chelsea-same"]) is None
    assert versions.verify_files(b"no picture", made["coffee-same"]) is None


def test_a_dropped_picture_is_found_in_the_event(event):
    images = {name: add(event, name, data, at) for at, (name, data) in enumerate(files().items())}
    find(event)
    dropped = file_of(edits.apply("border", photograph("coffee"), np.random.default_rng(8)), 70)
    found = versions.found_in(event, dropped)
    assert {pk for pk, _ in found} == {images[f"coffee-{kind}"].pk for kind in MADE}
    assert all(verified.verdict == "same" for _, verified in found)
    candidates = versions.candidates_for(event, describing.picture_of(dropped))
    assert dict(candidates)[images["coffee-mirror"].pk] is True
    with pytest.raises(decode.Refused):
        versions.found_in(event, b"no picture")
