"""Looking a picture up: what is asked, found, kept and forgotten."""

import errno
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from imagery import fetch, look, look_up_answers, look_up_search, look_ups
from imagery.core import decode, descriptors, hashing
from imagery.core.safe_http import FetchError, Response
from imagery.models import (
    Account,
    Event,
    Image,
    Link,
    LookUp,
    Membership,
    Post,
    PostLink,
    UniqueImage,
    Vector,
)
from imagery.storing import link_key
from tests import factories
from tests.pictures import jpeg, photo, smaller

pytestmark = pytest.mark.django_db


def put(event: Event, seed: int, data: bytes | None = None, posted: int | None = None) -> Image:
    """A picture of the event, looked at as the pipeline would, alone in its set."""
    data = data or jpeg(photo(seed))
    decoded = decode.decode(data)
    pdq, pdq_quality = hashing.pdq(decoded.small)
    image = factories.image(
        event,
        data,
        phash=hashing.to_hex(hashing.phash(decoded.luma)),
        pdq=hashing.to_hex(pdq),
        pdq_quality=pdq_quality,
        signature=hashing.signature(decoded.small).tobytes(),
        embedder=descriptors.VERSION,
    )
    at = factories.START + timedelta(hours=posted) if posted is not None else None
    image.unique = UniqueImage.objects.create(
        event=event, representative=image, n_posts=1, rank=seed + 1, first_posted_at=at
    )
    image.save()
    Vector.objects.create(
        image=image,
        layer="classic",
        embedder=descriptors.VERSION,
        values=descriptors.classic(decoded.pixels).astype("<f2").tobytes(),
    )
    if at is not None:
        url = f"https://pictures.example/{event.slug}-{seed}.jpg"
        link = Link.objects.create(event=event, url=url, key=link_key(url), image=image)
        who = Account.objects.create(event=event, platform="x", uid=str(seed), handle=f"a{seed}")
        post = Post.objects.create(
            event=event, platform="x", uid=str(seed), posted_at=at, account=who
        )
        PostLink.objects.create(post=post, link=link)
    return image


@pytest.fixture
def filled(event: Event) -> Event:
    """Pictures 0 to 5; classic vectors."""
    Event.objects.filter(pk=event.pk).update(embedder=descriptors.VERSION, revision=1, n_images=6)
    for seed in range(6):
        put(event, seed, posted=seed)
    return event


@pytest.fixture
def other(viewer) -> Event:
    """Another event, which the viewer sees too; it has picture 2, and posted it earlier."""
    made = Event.objects.create(
        slug="flood", name="Flood", embedder=descriptors.VERSION, revision=1, n_images=2
    )
    Membership.objects.create(event=made, user=viewer, role="viewer")
    put(made, 2, posted=-5)
    put(made, 40, posted=3)
    return made


def upload(data: bytes, name: str = "asked.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/jpeg")


def ask(user, event=None, **asked) -> LookUp:
    """Asked, and answered by the worker."""
    row = look_ups.ask(user, event, **asked)
    look_ups.run(row.pk)
    return LookUp.objects.get(pk=row.pk)


def of(event: Event, seed: int) -> Image:
    return Image.objects.get(event=event, unique__rank=seed + 1)


# Found ---------------------------------------------------------------------------------------


def test_the_same_file_is_found(filled, viewer) -> None:
    row = ask(viewer, filled, file=upload(jpeg(photo(3))))
    assert row.state == "done", row.reason
    assert row.found["exact"] == [of(filled, 3).pk]
    assert row.found["near"][0] == [of(filled, 3).pk, 0, 0]
    assert row.sha256 == of(filled, 3).sha256 and row.phash == of(filled, 3).phash
    assert row.found["alike"][0] == [of(filled, 3).pk, pytest.approx(1, abs=0.01)]


def test_a_near_copy_is_found_and_others_are_not(filled, viewer) -> None:
    row = ask(viewer, filled, file=upload(jpeg(smaller(photo(4)), 70)))
    assert row.found["exact"] == []
    assert [one[0] for one in row.found["near"]] == [of(filled, 4).pk]
    stranger = ask(viewer, filled, file=upload(jpeg(photo(77))))
    assert stranger.found["exact"] == stranger.found["near"] == []


@pytest.mark.parametrize("kind", ["phash", "pdq"])
def test_a_hash_is_answered_at_once(filled, viewer, kind: str, monkeypatch) -> None:
    monkeypatch.setattr("imagery.tasks.look_up", None)  # the worker is not asked
    image = of(filled, 1)
    row = look_ups.ask(viewer, filled, words=getattr(image, kind).upper())
    assert row.state == "done"
    assert [one[0] for one in row.found["near"]] == [image.pk]
    assert "alike" not in row.found and row.found["notes"]["alike"]


def test_a_hash_one_bit_beyond_the_threshold_is_not_found(filled, viewer) -> None:
    image = of(filled, 1)
    for flips, found in ((filled.dedup_threshold - 1, True), (filled.dedup_threshold, False)):
        bits = np.unpackbits(hashing.from_hex(image.phash))
        bits[:flips] ^= 1
        row = look_ups.ask(viewer, filled, words=np.packbits(bits).tobytes().hex())
        assert (image.pk in [one[0] for one in row.found["near"]]) is found


def test_a_sha256_finds_its_file_and_with_it_the_picture(filled, viewer) -> None:
    image = of(filled, 2)
    row = ask(viewer, filled, words=image.sha256)
    assert row.found["exact"] == [image.pk]
    assert row.found["near"][0][0] == image.pk
    assert row.pdq == image.pdq and row.has_thumb


def test_pdq_of_low_quality_matches_nothing(filled, viewer) -> None:
    image = of(filled, 1)
    Image.objects.filter(pk=image.pk).update(pdq_quality=49, phash="0" * 16)
    assert look_ups.ask(viewer, filled, words=image.pdq).found["near"] == []


def test_flat_pictures_are_told_apart_by_their_colours(filled, viewer) -> None:
    from PIL import Image as Picture

    def plain(colour: tuple[int, int, int], quality: int = 90) -> bytes:
        return jpeg(Picture.new("RGB", (300, 200), colour), quality)

    red = put(filled, 20, plain((200, 20, 20)))
    blue = put(filled, 21, plain((20, 20, 200)))
    Image.objects.filter(pk__in=[red.pk, blue.pk]).update(is_blank=True)
    row = ask(viewer, filled, file=upload(plain((200, 20, 20), 60)))
    assert [one[0] for one in row.found["near"]] == [red.pk]


class Network:
    def __init__(self, data: bytes = b"", error: FetchError | None = None) -> None:
        self.data, self.error = data, error

    def get(self, url: str) -> Response:
        if self.error:
            raise self.error
        return Response(url, 200, "image/jpeg", self.data)


def test_an_address_is_fetched_by_the_worker(filled, viewer, monkeypatch) -> None:
    row = look_ups.ask(viewer, filled, words="https://elsewhere.example/a.jpg")
    assert row.state == "queued"
    monkeypatch.setattr(fetch, "fetcher", lambda: Network(jpeg(photo(5))))
    look_ups.run(row.pk)
    row.refresh_from_db()
    assert row.found["exact"] == [of(filled, 5).pk]


def test_an_address_that_is_gone_is_found_by_what_it_held(filled, viewer, monkeypatch) -> None:
    gone = FetchError("the server answered 404 (not found)", "http_status")
    monkeypatch.setattr(fetch, "fetcher", lambda: Network(error=gone))
    row = ask(viewer, filled, words="https://pictures.example/storm-4.jpg#top")
    assert row.found["exact"] == [of(filled, 4).pk]
    assert "404" in row.found["notes"]["url"][0]
    lost = ask(viewer, filled, words="https://elsewhere.example/b.jpg")
    assert lost.state == "failed" and "404" in lost.reason


def test_a_crop_is_found_by_geometry(event, viewer) -> None:
    from PIL import Image as Picture

    from imagery import versions
    from imagery.demo import shots

    Event.objects.filter(pk=event.pk).update(embedder=descriptors.VERSION, revision=1, n_images=3)
    names = ("astronaut", "coffee", "pavilion")
    whole = [Picture.fromarray(shots.picture(shots.Shot(name, "any", name))) for name in names]
    for seed, picture in enumerate(whole):
        put(event, seed, jpeg(picture), posted=seed)
    ids = list(event.images.values_list("pk", flat=True))
    w, h = whole[1].size
    crop = jpeg(whole[1].crop((w // 4, h // 5, w, h - h // 6)))
    before = ask(viewer, event, file=upload(crop))
    assert before.found["versions"] == []
    assert before.found["notes"]["versions"] == ["Storm: no versions are looked for in it yet."]
    versions.run(event, ids)
    row = ask(viewer, event, file=upload(crop))
    assert [one[:2] for one in row.found["versions"]] == [[of(event, 1).pk, "crop"]]
    answer = look_up_answers.answer(row, viewer)
    assert answer.is_seen and answer.first.at == factories.START + timedelta(hours=1)


# Who sees what -------------------------------------------------------------------------------


def test_all_events_one_sees_and_no_other(filled, other, viewer, owner) -> None:
    both = ask(viewer, file=upload(jpeg(photo(2))))
    assert set(both.found["exact"]) == {of(filled, 2).pk, of(other, 2).pk}
    assert set(both.found["events"]) == {str(filled.pk), str(other.pk)}
    mine = ask(owner, file=upload(jpeg(photo(2))))
    assert mine.found["exact"] == [of(filled, 2).pk]
    here = ask(viewer, filled, file=upload(jpeg(photo(2))))
    assert here.found["exact"] == [of(filled, 2).pk]


def test_a_shared_look_up_shows_what_the_viewer_may_see(filled, other, viewer, owner) -> None:
    row = ask(viewer, file=upload(jpeg(photo(2))))
    mine = look_up_answers.answer(row, viewer)
    assert mine.first.event == other and mine.n_images == 8 and len(mine.events) == 2
    theirs = look_up_answers.answer(look_up_answers.visible(row.key, owner), owner)
    assert {hit.event for s in theirs.sections for hit in s.hits} == {filled}
    assert theirs.first.event == filled and theirs.n_images == 6
    Membership.objects.filter(event=other, user=viewer).delete()
    assert look_up_answers.answer(row, viewer).first.event == filled


def test_notes_name_no_event_that_the_viewer_does_not_see(filled, other, viewer, owner) -> None:
    row = ask(viewer, file=upload(jpeg(photo(2))))
    assert any(other.name in words for words in row.found["notes"]["versions"])
    assert look_up_answers.answer(row, viewer).notes == row.found["notes"]
    assert look_up_answers.answer(row, owner).notes == {}


def test_a_file_of_an_event_is_shown_to_those_who_see_one_that_holds_it(
    filled, other, viewer, owner
) -> None:
    from django.http import Http404

    Image.objects.filter(pk=of(filled, 2).pk).delete()
    row = ask(viewer, image=of(other, 2))
    assert row.has_thumb and other.name not in row.asked
    assert look_up_answers.visible(row.key, viewer) == row
    with pytest.raises(Http404):
        look_up_answers.visible(row.key, owner)
    Membership.objects.filter(event=other, user=viewer).delete()
    with pytest.raises(Http404):
        look_up_answers.visible(row.key, viewer)


def test_who_may_open_it(filled, other, viewer, owner, annotator, stranger) -> None:
    from django.http import Http404

    everywhere = ask(viewer, file=upload(jpeg(photo(2))))
    in_flood = ask(viewer, other, file=upload(jpeg(photo(2))))
    assert look_up_answers.visible(everywhere.key, owner) == everywhere
    for row, user in (
        (everywhere, annotator), (everywhere, stranger), (in_flood, owner), (in_flood, stranger)
    ):  # fmt: skip
        with pytest.raises(Http404):
            look_up_answers.visible(row.key, user)


def test_first_seen_is_the_earliest_post_of_any_of_them(filled, viewer) -> None:
    row = ask(viewer, filled, file=upload(jpeg(smaller(photo(1)))))
    answer = look_up_answers.answer(row, viewer)
    assert answer.first.at == factories.START + timedelta(hours=1)
    assert str(answer.first.post.account) == "a1"
    assert answer.n_posts == 1 and answer.is_seen
    sections = {section.name: section.hits for section in answer.sections}
    assert not sections["exact"]
    assert [hit.image for hit in sections["near"]] == [of(filled, 1)]
    assert of(filled, 1) not in [hit.image for hit in sections["alike"]]
    none = look_up_answers.answer(ask(viewer, filled, file=upload(jpeg(photo(60)))), viewer)
    assert none.first is None and not none.is_seen


# Refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({}, "one picture, one address or one hash"),
        ({"words": "   "}, "one picture"),
        ({"words": "abc"}, "3 hexadecimal digits"),
        ({"words": "http://127.0.0.1/a.jpg"}, "cannot be fetched"),
        ({"words": "https://" + "a" * 5000}, "too long"),
        ({"file": b""}, "is empty"),
        ({"file": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, "not a picture"),
    ],
)
def test_what_cannot_be_asked_is_said(filled, viewer, asked: dict, word: str) -> None:
    given = {n: upload(v, "odd.jpg") if n == "file" else v for n, v in asked.items()}
    with pytest.raises(look_ups.NotAsked, match=word):
        look_ups.ask(viewer, filled, **given)
    assert not LookUp.objects.exists()


def test_a_large_file_is_refused_unread(filled, viewer, settings) -> None:
    settings.IMAGERY_MAX_BYTES = 1000
    with pytest.raises(look_ups.NotAsked, match=r"asked\.jpg"):
        look_ups.ask(viewer, filled, file=upload(jpeg(photo(3))))


def test_a_broken_picture_fails_in_words(filled, viewer) -> None:
    row = ask(viewer, filled, file=upload(jpeg(photo(3))[:200]))
    assert row.state == "failed" and "asked.jpg cannot be opened" in row.reason
    assert not look_ups._upload(row).exists()


def test_many_look_ups_a_minute_are_refused(filled, viewer, monkeypatch) -> None:
    monkeypatch.setattr(look_ups, "PER_MINUTE", 2)
    for _ in range(2):
        look_ups.ask(viewer, filled, words="0" * 16)
    with pytest.raises(look_ups.TooMany, match="2 look-ups a minute"):
        look_ups.ask(viewer, filled, words="0" * 16)


def test_missing_weights_are_a_note(filled, viewer, monkeypatch) -> None:
    from imagery.core.backbones import WeightsMissing

    def missing(name: str) -> None:
        raise WeightsMissing("no weights of mobilenet_v2 here")

    Event.objects.filter(pk=filled.pk).update(embedder="mobilenet_v2@1")
    monkeypatch.setattr(look, "backbone", missing)
    row = ask(viewer, filled, file=upload(jpeg(photo(3))))
    assert row.state == "done" and row.found["alike"] == []
    assert row.found["notes"]["alike"] == ["Storm: no weights of mobilenet_v2 here"]
    assert row.found["exact"] == [of(filled, 3).pk]


# Kept and forgotten --------------------------------------------------------------------------


def test_of_the_asked_picture_a_small_copy_is_kept(filled, viewer) -> None:
    data = jpeg(photo(8, (1600, 1200)))
    row = look_ups.ask(viewer, filled, file=upload(data))
    look_ups.run(row.pk)
    name = look_ups.thumb_name(row.key)
    with default_storage.open(name) as file:
        kept = file.read()
    assert len(kept) < len(data) / 3 and max(decode.decode(kept).pixels.shape) <= 320
    assert not look_ups._upload(row).exists()
    sha256 = hashlib.sha256(data).hexdigest()
    assert not default_storage.exists(f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}")


def test_old_ones_are_forgotten_with_their_files(filled, viewer, owner, monkeypatch) -> None:
    monkeypatch.setattr(look_ups, "KEPT_EACH", 2)
    rows = [ask(viewer, filled, file=upload(jpeg(photo(3)))) for _ in range(4)]
    old = ask(owner, filled, file=upload(jpeg(photo(3))))
    LookUp.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert look_ups.prune() == 3
    assert set(LookUp.objects.all()) == set(rows[2:])
    kept = default_storage.listdir("look-ups")[1]
    assert sorted(kept) == sorted(f"{row.key}.jpg" for row in rows[2:])


def test_files_of_look_ups_that_are_gone_are_dropped(filled, viewer) -> None:
    row = ask(viewer, filled, file=upload(jpeg(photo(3))))
    LookUp.objects.all().delete()  # as when its event is deleted
    look_ups.prune()
    assert not default_storage.exists(look_ups.thumb_name(row.key))
    folder = settings.UPLOADS_DIR / "look-ups"
    assert not folder.exists() or not list(folder.iterdir())


def test_one_whose_worker_died_is_taken_up_again(filled, viewer, monkeypatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr("imagery.tasks.look_up.delay_on_commit", sent.append)
    row = look_ups.ask(viewer, filled, file=upload(jpeg(photo(3))))
    ago = timezone.now() - timedelta(minutes=5)
    LookUp.objects.filter(pk=row.pk).update(state="running", started_at=ago, created_at=ago)
    assert look_ups.resume() == 1 and sent == [row.pk, row.pk]
    look_ups.run(row.pk)
    row.refresh_from_db()
    assert row.state == "done" and row.found["exact"]
    LookUp.objects.filter(pk=row.pk).update(
        state="running", created_at=timezone.now() - timedelta(hours=1)
    )
    assert look_ups.resume() == 0
    row.refresh_from_db()
    assert row.state == "failed" and "too long" in row.reason


def test_one_that_runs_is_not_run_twice(filled, viewer, monkeypatch) -> None:
    row = look_ups.ask(viewer, filled, file=upload(jpeg(photo(3))))
    LookUp.objects.filter(pk=row.pk).update(state="running")
    monkeypatch.setattr(look_up_search, "near", None)
    look_ups.run(row.pk)
    assert LookUp.objects.get(pk=row.pk).state == "running"


# A full disk -----------------------------------------------------------------------------------


def _full(*args: object, **more: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_answer_does_not_need_its_small_copy(filled, viewer, client, monkeypatch) -> None:
    monkeypatch.setattr(default_storage, "save", _full)
    row = ask(viewer, filled, file=upload(jpeg(photo(3))))
    assert (row.state, row.reason, row.has_thumb) == ("done", "", False)
    assert row.found["exact"] == [of(filled, 3).pk] and row.phash
    client.force_login(viewer)
    page = client.get(f"/e/{filled.slug}/search/picture/{row.key}/")
    assert page.status_code == 200 and "These hashes, until" in page.content.decode()


def test_a_picture_that_finds_no_room_is_refused_in_words(
    filled, viewer, client, monkeypatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", _full)
    client.force_login(viewer)
    client.raise_request_exception = False
    page = client.post(f"/e/{filled.slug}/search/picture/", {"file": upload(jpeg(photo(3)))})
    assert page.status_code == 503 and "disk" in page.content.decode()
    assert not LookUp.objects.exists()
