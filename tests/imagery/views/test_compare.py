"""Two images held against each other: where they lie, how far apart they are, what differs."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image as Picture

from imagery.models import (
    Event,
    HashList,
    Image,
    KnownHash,
    KnownMatch,
    Match,
    UniqueImage,
    Vector,
)
from tests import factories
from tests.pictures import jpeg, photo

pytestmark = pytest.mark.django_db
CROP = [0.5, 0, 0.25, 0, 0.5, 0.5]


@pytest.fixture
def made(event) -> Event:
    return factories.organised(event, 6)


@pytest.fixture
def unique(made) -> UniqueImage:
    """The third: three files."""
    return UniqueImage.objects.get(event=made, rank=3)


@pytest.fixture
def cropped(made) -> tuple[Image, Image]:
    """A picture and its lower middle, mirrored, each in a set of its own."""
    whole = photo(7, (320, 240))
    crop = Picture.fromarray(np.asarray(whole)[120:, 80:240][:, ::-1])
    first, second = (
        factories.image(made, jpeg(one), phash=phash, pdq=phash * 4, signature=bytes(192))
        for one, phash in ((whole, "00" * 8), (crop, "0f" * 8))
    )
    for one in (first, second):
        one.unique = UniqueImage.objects.create(event=made, representative=one)
        one.save()
    Match.objects.create(
        event=made, image=second, other=first, kind="crop", proven=True, transform=CROP,
        mirrored=True, inliers=88, similarity=0.97, method="sift@1",
    )  # fmt: skip
    return first, second


def address(first, second, tail="", **more) -> str:
    asked = "&".join(f"{k}={v}" for k, v in ({"a": first.pk, "b": second.pk} | more).items())
    return f"/e/storm/compare/{tail}?{asked}"


def data(response) -> dict:
    found = re.search(r'<script id="compare-data"[^>]*>(.*?)</script>', response.content.decode())
    return json.loads(found[1])


def test_two_versions_side_by_side(client, viewer, unique):
    first, second, _ = unique.copies.order_by("pk")
    client.force_login(viewer)
    response = client.get(address(first, second))
    html = response.content.decode()
    assert response.status_code == 200
    assert 'data-mode="side"' in html and "Two versions of" in html
    for sha256 in (first.sha256, second.sha256):
        assert f"<code>{sha256}</code>" in html
    assert [one.image for one in response.context["held"]] == [first, second]
    assert [one.n_accounts for one in response.context["held"]] == [3, 3]
    assert (
        'data-mode="slider"' in client.get(address(first, second, mode="slider")).content.decode()
    )
    assert 'data-mode="side"' in client.get(address(first, second, mode="x")).content.decode()


def test_a_match_places_the_one_in_the_other(client, viewer, cropped):
    first, second = cropped
    client.force_login(viewer)
    response = client.get(address(first, second))
    html = response.content.decode()
    assert "Crop, mirrored." in html and "88 features agree" in html and "correlation 0.97" in html
    # The crop is 160 × 120 and lies at its own scale from (240, 120) leftwards.
    assert data(response)["placed"] == pytest.approx([-1, 0, 0, 1, 240, 120])
    assert data(response)["outlined"] and data(response)["told"]
    back = client.get(address(second, first))
    assert "Wider view, mirrored." in back.content.decode()
    assert data(back)["placed"] == pytest.approx([-1, 0, 0, 1, 240, -120])


def test_by_way_of_a_third(client, viewer, made, unique):
    """b is a crop of a's copy c: found by c's match, since near copies lie on each other."""
    first, second, third = unique.copies.order_by("pk")
    first.near, third.near, second.near = first, first, second
    for one in (first, second, third):
        one.save()
    Match.objects.create(
        event=made, image=second, other=third, kind="crop", proven=True, transform=CROP
    )
    client.force_login(viewer)
    response = client.get(address(first, second))
    assert response.context["placed"].how == "chain"
    assert response.context["placed"].placement.ravel().tolist() == CROP


def test_pictures_of_different_sets_without_a_match(client, viewer, made):
    pair = [UniqueImage.objects.get(event=made, rank=rank).representative for rank in (1, 2)]
    client.force_login(viewer)
    response = client.get(address(*pair))
    assert response.context["placed"].how == ""
    assert "Nothing says where one lies in the other" in response.content.decode()
    assert not data(response)["told"]


def test_distances_by_every_measure(client, viewer, cropped, made):
    first, second = cropped
    for one, place in ((first, 0.0), (second, 0.5)):
        for layer in ("snc", "nc"):
            values = np.array([place, 0], "<f2").tobytes()
            Vector.objects.create(
                image=one, layer=layer, embedder=factories.EMBEDDER, values=values
            )
    Image.objects.filter(pk=second.pk).update(signature=bytes([9]) * 192)
    client.force_login(viewer)
    found = {one.name: one for one in client.get(address(first, second)).context["distances"]}
    assert found["pHash"].value == "32 of 64 bits" and found["pHash"].near is False
    assert found["PDQ"].value == "128 of 256 bits"
    assert found["Mean colours, 8 × 8"].value == "9 of 255"
    vectors = [one for name, one in found.items() if "Neural Codes" in name]
    assert [one.value for one in vectors] == ["similarity 0.667"] * 2
    assert "makes the groups" in vectors[0].rule and vectors[0].near is False


def test_unsure_hashes_do_not_tell(client, viewer, cropped):
    first, second = cropped
    Image.objects.filter(pk=first.pk).update(pdq_quality=12, is_blank=True, signature=b"")
    client.force_login(viewer)
    found = {one.name: one for one in client.get(address(first, second)).context["distances"]}
    assert found["PDQ"].word == found["pHash"].word == "cannot tell"
    assert found["Mean colours, 8 × 8"].value == "—"


def test_the_difference_is_of_the_lined_up_pictures(client, viewer, cropped):
    first, second = cropped
    client.force_login(viewer)
    response = client.get(address(first, second, "difference.jpg"))
    assert response["Content-Type"] == "image/jpeg"
    assert Picture.open(io.BytesIO(response.content)).size == (640, 480)
    assert response["Afterimage-Box"] == "0.00000 0.00000 1.00000 1.00000"
    assert float(response["Afterimage-Overlap"]) == pytest.approx(0.25, abs=0.02)
    assert float(response["Afterimage-Differing"]) < 0.03
    apart = client.get(address(first, second, "difference.jpg", line=0))
    assert float(apart["Afterimage-Overlap"]) == pytest.approx(1, abs=0.02)
    assert float(apart["Afterimage-Differing"]) > 0.3
    wrong = client.get(address(first, second, "difference.jpg", mirror=1))
    assert float(wrong["Afterimage-Differing"]) > 0.3
    again = client.get(
        address(first, second, "difference.jpg"), headers={"If-None-Match": response["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("tail", ["", "difference.jpg"])
@pytest.mark.parametrize("asked", ["", "?a=1", "?a=x&b=2", "?a=1&b=1"])
def test_what_is_missing_is_said(client, viewer, made, tail, asked):
    client.force_login(viewer)
    response = client.get(f"/e/storm/compare/{tail}{asked}")
    assert response.status_code == 400
    assert "choose" in response.content.decode()


def test_two_unique_images_by_what_stands_for_them(client, viewer, made):
    one, two = (UniqueImage.objects.get(event=made, rank=rank) for rank in (2, 1))
    client.force_login(viewer)
    response = client.get(f"/e/storm/compare/?pictures={one.pk},{two.pk}")
    a, b = one.representative_id, two.representative_id
    assert response.url == f"/e/storm/compare/?a={a}&b={b}&mode=side"
    for wild in ("", "1", f"{one.pk},{one.pk}", "x,y", f"{one.pk},{two.pk},3"):
        assert client.get(f"/e/storm/compare/?pictures={wild}").status_code == 400
    assert client.get(f"/e/storm/compare/?pictures={one.pk},999999").status_code == 404


@pytest.mark.parametrize("tail", ["", "difference.jpg"])
def test_a_file_that_could_not_be_read_is_named(client, viewer, cropped, tail):
    first, second = cropped
    Image.objects.filter(pk=second.pk).update(failed_at=factories.START, reason="cut off")
    client.force_login(viewer)
    response = client.get(address(first, second, tail))
    assert response.status_code == 400
    assert f"The file {second} cannot be shown: cut off" in response.content.decode()


def test_a_file_that_is_gone_has_no_difference(client, viewer, cropped):
    first, second = cropped
    Image.objects.filter(pk=second.pk).update(sha256="f" * 64)
    client.force_login(viewer)
    assert client.get(address(first, second, "difference.jpg")).status_code == 404


@pytest.mark.parametrize("tail", ["", "difference.jpg"])
def test_strangers_annotators_and_other_events_find_nothing(
    client, viewer, stranger, annotator, unique, tail
):
    other = factories.organised(Event.objects.create(slug="other", name="Other"), 3)
    first, second, _ = unique.copies.order_by("pk")
    for user in (stranger, annotator):
        client.force_login(user)
        assert client.get(address(first, second, tail)).status_code == 404
    client.force_login(viewer)
    assert client.get(address(first, other.images.first(), tail)).status_code == 404


def test_queries_stay_few(client, viewer, unique, cropped, django_assert_num_queries):
    first, second, _ = unique.copies.order_by("pk")
    client.force_login(viewer)
    client.get(address(first, second))
    # session, user, event, images, match, others' matches, accounts, links, first links (2),
    # vectors, versions, their matches, decisions, growth, may edit, decision, progress (2)
    with django_assert_num_queries(19):
        client.get(address(first, second))
    with django_assert_num_queries(14):
        client.get(address(*cropped))


def test_a_blocked_picture_says_so_and_is_shown_on_demand(client, viewer, made, unique) -> None:
    one, other = unique.copies.order_by("pk")[:2]
    client.force_login(viewer)
    address = f"/e/storm/compare/?a={one.pk}&b={other.pk}"
    assert b"data-show-covered" not in client.get(address).content
    held = HashList.objects.create(event=made, name="Theirs", action=HashList.Action.BLOCK)
    hashed = KnownHash.objects.create(hash_list=held, pdq="0" * 64, quality=100)
    KnownMatch.objects.create(known=hashed, image=one, distance=0)
    Event.objects.filter(pk=made.pk).update(known_revision=1)
    for page in (address, f"/e/storm/review/?pair={one.pk}-{other.pk}"):
        html = client.get(page).content.decode()
        assert "blocked by Theirs" in html
        assert "data-show-covered" in html
    drawn = f"/e/storm/compare/difference.jpg?a={one.pk}&b={other.pk}"
    blurred, asked_for = client.get(drawn), client.get(f"{drawn}&shown=1")
    assert blurred.status_code == asked_for.status_code == 200
    assert blurred["ETag"] != asked_for["ETag"]
    assert blurred["Afterimage-Differing"] == asked_for["Afterimage-Differing"]
    a, b = (Picture.open(io.BytesIO(answer.content)) for answer in (blurred, asked_for))
    assert a.size == b.size
    assert _detail(a) < 0.5 * _detail(b)


def _detail(picture: Picture.Image) -> float:
    """Mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(np.asarray(picture.convert("L"), np.float64))).mean())
