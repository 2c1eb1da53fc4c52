"""Lists of known hashes: read, matched once and again, and what they mark."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from imagery import known, pictures, removal
from imagery.models import Event, HashList, Image, KnownHash, KnownMatch, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(event: Event) -> Event:
    """Uniques of 1, 2, 3, 1 files; PDQs are digests, so far apart."""
    return factories.organised(event, n_unique=4)


def near(pdq: str, n: int) -> str:
    """A hash n bits away."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(pdq), np.uint8))
    bits[5 : 5 + n] ^= 1
    return np.packbits(bits).tobytes().hex()


def bring(event: Event, text: str, name: str = "theirs", action: str = "watch") -> HashList:
    row, _ = HashList.objects.get_or_create(event=event, name=name, defaults={"action": action})
    known.accept(row, SimpleUploadedFile("theirs.csv", text.encode()), None)
    known.take(row.pk)
    return HashList.objects.get(pk=row.pk)


def images(event: Event, rank: int) -> list[Image]:
    return list(Image.objects.filter(event=event, unique__rank=rank).order_by("pk"))


def test_rows_are_read_and_counted(made) -> None:
    a, b = images(made, 1)[0].pdq, images(made, 2)[0].pdq
    row = bring(
        made, f"hash,quality,name\n{a},90,one\n{a},80,again\n{b},49,dull\nodd,90,x\n{'0' * 64}\n"
    )
    assert row.state == "done" and row.n_hashes == 2
    assert row.report == {
        "read": 5, "new": 2, "held": 1, "low": 1, "unrated": 1, "bad": 1,
        "examples": [[5, "“odd” is no PDQ hash of 64 hexadecimal digits"]],
    }  # fmt: skip
    assert list(row.hashes.order_by("pk").values_list("pdq", "quality", "name")) == [
        (a, 90, "one"), ("0" * 64, 100, "")
    ]  # fmt: skip
    assert not known._upload(row).exists()


def test_thirty_one_bits_match_and_thirty_two_do_not(made) -> None:
    one, two = images(made, 1)[0], images(made, 2)[0]
    row = bring(made, f"{near(one.pdq, 31)},90,a\n{near(two.pdq, 32)},90,b")
    (match,) = KnownMatch.objects.filter(known__hash_list=row)
    assert (match.image, match.distance, match.known.name) == (one, 31, "a")


def test_an_image_is_marked_by_the_nearest_hash_alone(made) -> None:
    one = images(made, 1)[0]
    row = bring(made, f"{near(one.pdq, 9)},90,far\n{near(one.pdq, 3)},90,close")
    (match,) = KnownMatch.objects.filter(known__hash_list=row)
    assert (match.known.name, match.distance) == ("close", 3)


def test_images_of_low_quality_are_left_aside(made) -> None:
    one = images(made, 1)[0]
    Image.objects.filter(pk=one.pk).update(pdq_quality=49)
    bring(made, f"{one.pdq},90,a")
    assert not KnownMatch.objects.exists()


def test_new_images_are_held_against_lists_that_are_there(made) -> None:
    late = factories.jpeg(500)
    sha256 = __import__("hashlib").sha256(late).hexdigest()
    row = bring(made, f"{sha256},90,late\n{images(made, 1)[0].pdq},90,here")
    marks = set(KnownMatch.objects.values_list("pk", flat=True))
    made.refresh_from_db()
    before = made.known_revision
    known.run(made)
    made.refresh_from_db()
    assert made.known_revision == before  # nothing new, nothing changed
    image = factories.image(made, late, looked_at=factories.START + timedelta(hours=1))
    known.run(made)
    made.refresh_from_db()
    assert made.known_revision == before + 1
    assert KnownMatch.objects.filter(image=image, known__hash_list=row).count() == 1
    assert marks < set(KnownMatch.objects.values_list("pk", flat=True))


def test_an_image_looked_at_anew_loses_a_mark_that_is_no_longer_true(made) -> None:
    one = images(made, 1)[0]
    bring(made, f"{one.pdq},90,a")
    Image.objects.filter(pk=one.pk).update(
        pdq="f" * 64, looked_at=factories.START + timedelta(hours=1)
    )
    known.run(made)
    assert not KnownMatch.objects.exists()


def test_marks_speak_of_the_whole_set(made) -> None:
    assert known.marks(made, [unique.pk for unique in made.unique_images.all()]) == {}
    second = images(made, 2)[1]  # a copy, not the representative
    bring(made, f"{second.pdq},90,a", name="watched")
    bring(made, f"{second.pdq},90,a", name="zone", action="block")
    made.refresh_from_db()
    found = known.marks(made, [unique.pk for unique in made.unique_images.all()])
    assert {pk: [mark.name for mark in marks] for pk, marks in found.items()} == {
        second.unique_id: ["zone", "watched"]
    }
    (card,) = pictures.cards(made, [second.unique_id])
    assert card.covered_by == "zone" and card.alt == "Covered: blocked by zone"
    for image in images(made, 2):
        assert known.is_covered(image)
    assert not known.is_covered(images(made, 1)[0])
    assert list(known.marked(made)) == [second.unique_id]
    assert list(known.marked(made, action="block")) == [second.unique_id]
    assert list(known.marked(made, list_id=10**6)) == []


def test_lines_are_added_and_all_images_matched_anew(made) -> None:
    one, two = images(made, 1)[0], images(made, 2)[0]
    bring(made, f"{one.pdq},90,a")
    row = bring(made, f"{one.pdq},90,a\n{two.pdq},90,b")
    assert row.n_hashes == 2 and row.report["held"] == 1
    assert set(KnownMatch.objects.values_list("image", flat=True)) == {one.pk, two.pk}


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "holds no line with a hash"), ("# only this\n", "no line"), ("x\ny\n", "could be used")],
)
def test_a_file_without_hashes_fails_in_words(made, text: str, word: str) -> None:
    row = bring(made, text)
    assert row.state == "failed" and word in row.reason and "theirs.csv" in row.reason


def test_removing_a_list_takes_its_marks(made) -> None:
    one = images(made, 1)[0]
    kept = bring(made, f"{one.pdq},90,a", name="kept")
    row = bring(made, f"{one.pdq},90,a")
    made.refresh_from_db()
    before = made.known_revision
    known.drop(row)
    made.refresh_from_db()
    assert made.known_revision == before + 1
    assert list(HashList.objects.all()) == [kept]
    assert KnownHash.objects.count() == KnownMatch.objects.count() == 1


def test_an_event_goes_with_its_lists(made) -> None:
    bring(made, f"{images(made, 1)[0].pdq},90,a")
    removal.delete(made)
    assert not HashList.objects.exists() and not KnownHash.objects.exists()


def test_a_reader_that_died_is_replaced(made, monkeypatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr("imagery.tasks.take_list.delay_on_commit", sent.append)
    row = HashList.objects.create(event=made, name="theirs")
    known.accept(row, SimpleUploadedFile("theirs.csv", b"0" * 64), None)
    assert known.resume() == 0
    HashList.objects.filter(pk=row.pk).update(
        state="reading", updated_at=timezone.now() - timedelta(minutes=5)
    )
    assert known.resume() == 1 and sent == [row.pk]
    known.take(row.pk)
    known.take(row.pk)  # a message that came twice
    row.refresh_from_db()
    assert row.state == "done" and row.n_hashes == 1


def test_a_lost_upload_is_said(made) -> None:
    row = HashList.objects.create(event=made, name="theirs", filename="a.csv", state="queued")
    known.take(row.pk)
    row.refresh_from_db()
    assert row.state == "failed" and "a.csv" in row.reason and "send it again" in row.reason


def test_cards_take_one_query_more_with_lists_and_none_without(
    made, django_assert_num_queries
) -> None:
    ids = list(UniqueImage.objects.values_list("pk", flat=True))
    with django_assert_num_queries(1):
        pictures.cards(made, ids)
    bring(made, f"{images(made, 1)[0].pdq},90,a")
    made.refresh_from_db()
    with django_assert_num_queries(2):
        pictures.cards(made, ids)
