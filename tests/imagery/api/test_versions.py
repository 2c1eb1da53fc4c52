"""The versions of one unique image as the API tells them."""

import pytest

from imagery.models import Event, Match, UniqueImage

CROP = [0.5, 0, 0.25, 0, 0.5, 0.5]


@pytest.fixture
def three(made: Event) -> UniqueImage:
    """The third has three files: the second a crop of the first, the third a mirrored one of it."""
    unique = UniqueImage.objects.get(event=made, rank=3)
    first, second, third = unique.copies.order_by("pk")
    for image, other, kind in ((second, first, "crop"), (third, second, "mirror")):
        Match.objects.create(
            event=made, image=image, other=other, kind=kind, mirrored=kind == "mirror",
            transform=CROP if kind == "crop" else [1, 0, 0, 0, 1, 0], proven=True, inliers=40,
        )  # fmt: skip
    return unique


def address(unique: UniqueImage) -> str:
    return f"/api/events/storm/images/{unique.pk}/versions/"


@pytest.mark.django_db
def test_versions_by_their_ways(client, three: UniqueImage) -> None:
    first, second, third = three.copies.order_by("pk")
    told = client.get(address(three)).json()["results"]
    assert [row["id"] for row in told] == [first.pk, second.pk, third.pk]
    assert [row["representative"] for row in told] == [True, False, False]
    assert [row["kind"] for row in told] == [None, "crop", "mirror"]
    assert [row["found_in"] for row in told] == [None, first.pk, second.pk]
    assert [row["mirrored"] for row in told] == [None, False, True]
    assert [row["derived"] for row in told] == [None, True, True]
    assert told[1]["placement"] == CROP
    assert told[2]["placement"] == [-0.5, 0, 0.75, 0, 0.5, 0.5]
    assert told[0]["sha256"] == first.sha256 and told[0]["posts"] == first.n_posts


@pytest.mark.django_db
def test_what_is_not_proven_leads_nowhere(client, three: UniqueImage) -> None:
    Match.objects.update(proven=False)
    assert {row["kind"] for row in client.get(address(three)).json()["results"]} == {None}


@pytest.mark.django_db
def test_versions_come_in_pages(client, three: UniqueImage) -> None:
    one = client.get(f"{address(three)}?limit=2").json()
    rest = client.get(one["next"]).json()
    assert [len(one["results"]), len(rest["results"])] == [2, 1]
    assert rest["results"][0]["kind"] == "mirror" and rest["next"] is None


@pytest.mark.django_db
def test_strangers_and_unknown_images_find_nothing(
    client, stranger, by_token, three: UniqueImage
) -> None:
    assert by_token(stranger).get(address(three)).status_code == 404
    assert client.get("/api/events/storm/images/999999/versions/").status_code == 404
    assert client.get(f"{address(three)}?wild=1").status_code == 400
