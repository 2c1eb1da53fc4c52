"""How a picture changed: names, ways, folds, growth and who decided."""

import pytest

from imagery import placing, version_history, version_names
from imagery.models import Decision, Event, Image, Match, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db
CROP = [0.5, 0, 0.25, 0, 0.5, 0.5]


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, 6)


@pytest.fixture
def unique(made: Event) -> UniqueImage:
    """The third: three files, of 3, 3 and 2 posts."""
    return UniqueImage.objects.get(event=made, rank=3)


def match(event: Event, image: Image, other: Image, kind: str, **more: object) -> Match:
    more = {"transform": CROP, "proven": True, "inliers": 40} | more
    return Match.objects.create(event=event, image=image, other=other, kind=kind, **more)


def files(unique: UniqueImage) -> list[Image]:
    return list(unique.copies.order_by("pk"))


def add(unique: UniqueImage, n: int, near: Image) -> list[Image]:
    """n more files of it, near copies of one."""
    made = [
        factories.image(
            unique.event, factories.jpeg(500 + i), unique=unique, near=near, distance=1,
            first_posted_at=factories.START,
        )
        for i in range(n)
    ]  # fmt: skip
    unique.n_copies += n
    unique.save()
    return made


def test_a_chain_is_told_by_what_each_was_found_in(made, unique):
    first, second, third = files(unique)
    match(made, second, first, "crop")
    match(made, third, second, "mirror", mirrored=True, transform=[1, 0, 0, 0, 1, 0])
    told = {one.image.pk: one for one in version_history.of(made, unique, 48).versions}
    assert [told[one.pk].name for one in (first, second, third)] == [
        "Representative", "Crop", "Mirrored",
    ]  # fmt: skip
    assert told[second.pk].found_in is None and told[third.pk].found_in == second
    assert told[second.pk].outline == "25.00,50.00 75.00,50.00 75.00,100.00 25.00,100.00"
    assert told[third.pk].outline == "75.00,50.00 25.00,50.00 25.00,100.00 75.00,100.00"
    assert told[third.pk].mirrored and not told[second.pk].mirrored
    assert version_history.joined_by(told.values()) == {"hash": 0, "geometry": 2}


def test_the_representative_may_be_the_derived_one(made, unique):
    first, second, _ = files(unique)
    match(made, first, second, "crop")
    found = version_history.of(made, unique, 48).versions
    wide = next(one for one in found if one.image == second)
    assert wide.name == "Wider view"
    assert wide.outline.startswith("-50.00,-100.00")
    assert wide.glyph_box == "-56 -106 212 212"


def test_the_shorter_way_is_told(made, unique):
    first, second, third = files(unique)
    match(made, third, second, "screenshot", inliers=900)
    match(made, second, first, "crop", inliers=30)
    match(made, third, first, "border", inliers=20)
    way = placing.ways_to(first.pk, placing.matches_of(unique))[third.pk]
    assert (way.kind, way.found_in, way.n_steps) == ("border", first.pk, 1)


def test_a_match_of_a_near_copy_holds_for_its_fellows(made, unique):
    first, second, third = files(unique)
    for image, near in ((first, first), (second, second), (third, second)):
        Image.objects.filter(pk=image.pk).update(near=near)
    match(made, third, first, "caption")
    told = {one.image.pk: one.name for one in version_history.of(made, unique, 48).versions}
    assert told[second.pk] == told[third.pk] == "Caption added"


def test_people_who_joined_it_are_named(made, unique, analyst):
    first, _, third = files(unique)
    Image.objects.filter(pk=third.pk).update(distance=30)
    held = Decision.objects.create(event=made, kind="same", image=first, other=third, user=analyst)
    told = {one.image.pk: one for one in version_history.of(made, unique, 48).versions}
    assert (told[third.pk].by, told[third.pk].decision) == ("people", held)
    Decision.objects.update(undone_at=factories.START)
    told = {one.image.pk: one for one in version_history.of(made, unique, 48).versions}
    assert (told[third.pk].by, told[third.pk].name) == ("", "Version")


def test_many_near_copies_are_one_version(made, unique):
    first, second, third = files(unique)
    Image.objects.filter(pk__in=[first.pk, second.pk]).update(near=first)
    Image.objects.filter(pk=third.pk).update(near=third)
    match(made, third, first, "border")
    add(unique, 30, near=first)
    history = version_history.of(made, unique, 48)
    assert history.folded and history.n_versions == 2
    assert [(one.name, one.n_files) for one in history.versions] == [
        ("Representative", 32), ("Border added", 1),
    ]  # fmt: skip
    assert [one.n_posts for one in history.versions] == [6, 2]
    assert version_history.joined_by(history.versions) == {"hash": 31, "geometry": 1}
    fellows = version_history.of(made, unique, 10, near=first.pk)
    assert not fellows.folded and fellows.n_versions == 32 and len(fellows.versions) == 10


def test_versions_beyond_the_limit_are_counted(made, unique):
    for one in add(unique, 30, near=files(unique)[0]):
        Image.objects.filter(pk=one.pk).update(near=one)
    assert version_history.of(made, unique, 5).n_versions == 33


def test_growth_is_of_posts_that_the_rules_select(made, unique):
    first = files(unique)[0]
    counted = version_history.of(made, unique, 48).versions[0]
    assert counted.image == first and counted.n_posts == 3
    made.posts.filter(links__image=first).update(selected=False)
    again = next(one for one in version_history.of(made, unique, 48).versions if one.image == first)
    assert again.n_posts == 0 and again.curve == ""


def test_queries_do_not_grow(made, unique, django_assert_num_queries):
    first = files(unique)[0]
    unique = UniqueImage.objects.select_related("representative").get(pk=unique.pk)
    with django_assert_num_queries(4):  # files, matches, decisions, growth
        version_history.of(made, unique, 48)
    for one in add(unique, 30, near=first):
        match(made, one, first, "crop")
    with django_assert_num_queries(5):
        version_history.of(made, unique, 48)


def test_near_copies_by_what_differs_most():
    of = Image(pk=1, width=400, height=300, format="jpeg", signature=bytes(192))
    plain = {"width": 400, "height": 300, "format": "jpeg", "signature": bytes(192), "distance": 0}
    for name, differs in (
        ("Saved again", {}),
        ("Saved as PNG", {"format": "png"}),
        ("Smaller", {"width": 200, "height": 150}),
        ("Larger", {"width": 800, "height": 600}),
        ("Other proportions", {"width": 300}),
        ("Colours changed", {"signature": bytes([7]) * 192, "width": 200, "height": 150}),
        ("Slightly changed", {"distance": 6}),
        ("Near copy", {"width": 0}),
    ):
        assert version_names.by_hash(Image(pk=2, **plain | differs), of) == name
    assert version_names.by_hash(of, of) == "The same file"


def test_names_of_matches():
    assert version_names.by_match("crop", mirrored=True) == "Crop, mirrored"
    assert version_names.by_match("mirror", mirrored=True) == "Mirrored"
    assert version_names.by_match("screenshot", back=True) == "Not a screenshot"
    assert version_names.by_match("put_on_paper") == "Put on paper"
