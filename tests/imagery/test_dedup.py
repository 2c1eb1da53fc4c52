"""Sets by hash, by people's word and by proof; unique images that keep their ids."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery import dedup, rollup
from imagery.models import Decision, Event, Image, Match, Moved, UniqueImage
from tests.hashed import image, ones, post, proven, sets

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(event: Event) -> list[Image]:
    """A and its copy B 3 bits away; C is another picture."""
    return [
        image(event, "a", 0, 0, 10, 20),
        image(event, "b", ones(3), 5),
        image(event, "c", ones(30, 20), 8, 9),
    ]


def say(kind: str, image: Image, other: Image | None = None, text: str = "") -> Decision:
    if other is not None and other.pk < image.pk:
        image, other = other, image
    return Decision.objects.create(
        event=image.event, kind=kind, image=image, other=other, text=text
    )


def unique_of(image: Image) -> UniqueImage:
    return UniqueImage.objects.get(copies=image)


def together(*images: Image) -> frozenset[int]:
    return frozenset(image.pk for image in images)


def test_copies_are_one_set_around_the_earliest(event, three):
    a, b, c = three
    assert dedup.run(event) == 2
    assert sets(event) == {together(a, b), together(c)}
    assert unique_of(b).representative == a
    b.refresh_from_db()
    assert (b.distance, b.near_id) == (3, a.pk)


def test_people_join_and_part_whatever_the_distance(event, three):
    a, b, c = three
    dedup.run(event)
    say("same", a, c)
    say("different", a, b)
    dedup.run(event)
    assert sets(event) == {together(a, c), together(b)}
    c.refresh_from_db()
    assert c.distance == 30
    # The paper's sets know nothing of it.
    assert dict(event.images.values_list("pk", "near_id")) == {a.pk: a.pk, b.pk: a.pk, c.pk: c.pk}
    rollup.run(event)
    event.refresh_from_db()
    assert (event.n_unique, event.n_near) == (2, 2)


def test_an_undone_decision_leaves_no_trace(event, three):
    dedup.run(event)
    before = list(event.images.order_by("pk").values())
    decisions = [say("same", three[0], three[2]), say("different", three[0], three[1])]
    dedup.run(event)
    for decision in decisions:
        decision.undone_at = decision.made_at
        decision.save()
    dedup.run(event)
    after = list(event.images.order_by("pk").values())
    for row in (*before, *after):  # B and C came back with new ids, A kept its own
        row["unique_id"] = UniqueImage.objects.filter(copies=row["id"]).exists()
    assert after == before


def test_a_decision_about_what_no_selected_post_shows_waits(event, three):
    a, b, _ = three
    say("different", a, b)
    gone = event.posts.filter(links__image=a)
    gone.update(selected=False)
    assert dedup.run(event) == 2
    a.refresh_from_db()
    assert (a.unique_id, a.near_id, a.distance) == (None, None, None)
    gone.update(selected=True)
    assert dedup.run(event) == 3


def test_a_unique_image_keeps_its_id_when_an_earlier_copy_comes(event, three):
    a, b, _ = three
    dedup.run(event)
    unique = unique_of(a)
    earlier = image(event, "earlier", ones(1), -60)
    dedup.run(event)
    assert unique_of(earlier) == unique_of(a) == unique_of(b) == unique
    unique.refresh_from_db()
    assert unique.representative == earlier
    assert not Moved.objects.exists()


def test_merged_sets_take_the_representatives_id_and_the_other_leads_there(event, three):
    a, _, c = three
    dedup.run(event)
    kept, gone = unique_of(a), unique_of(c)
    say("same", a, c)
    dedup.run(event)
    assert unique_of(c) == kept
    moved = Moved.objects.get(was=gone.pk)
    assert (moved.event, moved.image.unique) == (event, kept)


def test_a_third_that_joins_two_sets_keeps_the_oldest_id(event, three):
    a, _, c = three
    dedup.run(event)
    oldest = min(unique_of(a).pk, unique_of(c).pk)
    first = image(event, "first", ones(3, 60), -5)
    say("same", first, a)
    say("same", first, c)
    dedup.run(event)
    assert unique_of(c).pk == unique_of(a).pk == oldest
    assert unique_of(a).representative == first


def test_parting_leaves_the_id_with_the_representative(event, three):
    a, b, _ = three
    dedup.run(event)
    unique = unique_of(a)
    say("different", a, b)
    dedup.run(event)
    assert unique_of(a) == unique != unique_of(b)


def test_people_choose_who_stands_for_a_set(event, three):
    a, b, c = three
    dedup.run(event)
    unique = unique_of(a)
    say("represents", b)
    dedup.run(event)
    unique.refresh_from_db()
    assert unique.representative == b
    assert dict(unique.copies.values_list("pk", "distance")) == {a.pk: 3, b.pk: 0}
    latest = say("represents", a)  # the latest in the set holds
    dedup.run(event)
    unique.refresh_from_db()
    assert unique.representative == a
    latest.delete()
    say("different", a, b)
    dedup.run(event)  # a set follows its representative
    latest = unique_of(a)
    assert latest == unique
    assert unique_of(b).representative == b
    assert unique_of(c).representative == c


def test_marks_follow_their_files(event, three):
    a, _, c = three
    dedup.run(event)
    say("apart", c)
    say("name", c, text="Two")
    say("name", a, text="One")
    dedup.run(event)
    assert (unique_of(c).apart, unique_of(c).name) == (True, "Two")
    assert (unique_of(a).apart, unique_of(a).name) == (False, "One")
    Decision.objects.update(undone_at="2024-01-01T00:00Z")
    dedup.run(event)
    assert not event.unique_images.filter(apart=True).exists()
    assert not event.unique_images.exclude(name="").exists()


def test_proof_joins_where_the_event_wants_every_version(event, three):
    a, b, c = three
    proven(c, a)
    dedup.run(event)
    assert sets(event) == {together(a, b, c)}
    event.copies = "near"
    dedup.run(event)
    assert sets(event) == {together(a, b), together(c)}


def test_what_is_not_proven_joins_nothing(event, three):
    proven(three[2], three[0], proven=False)
    dedup.run(event)
    assert len(sets(event)) == 2


def test_people_overrule_proof_through_its_weakest_link(event):
    a, b, c, d = (image(event, name, ones(15, 16 * i), i) for i, name in enumerate("abcd"))
    proven(b, a, inliers=50)
    proven(c, b, inliers=12)
    proven(d, c, inliers=90)
    say("different", a, d)
    dedup.run(event)
    assert sets(event) == {together(a, b), together(c, d)}
    Match.objects.filter(image=c).update(inliers=60)
    dedup.run(event)
    assert sets(event) == {together(a), together(b, c, d)}


def test_peoples_word_goes_before_proof_however_strong(event):
    a, b, c = (image(event, name, ones(15, 16 * i), i) for i, name in enumerate("abc"))
    proven(c, b, inliers=500)
    say("different", a, c)
    say("same", a, b)
    dedup.run(event)
    assert sets(event) == {together(a, b), together(c)}


def test_of_contradicting_words_the_newest_holds(event):
    a, b, c = (image(event, name, ones(15, 16 * i), i) for i, name in enumerate("abc"))
    say("different", a, c)
    say("same", a, b)
    say("same", b, c)
    dedup.run(event)
    assert sets(event) == {together(a), together(b, c)}


def _make(event: Event, hashes: list[int], order: list[int]) -> dict[int, Image]:
    return {i: image(event, f"{i}", hashes[i], i) for i in order}


def test_order_of_arrival_plays_no_part_beside_decisions(event):
    rng = random.Random(4)
    hashes = [ones(rng.choice((0, 2, 5, 8, 20)), rng.choice((0, 3, 40))) for _ in range(14)]
    pairs = [(kind, *rng.sample(range(14), 2)) for kind in ("same", "different") * 3]
    found = []
    for n in range(2):
        one = Event.objects.create(slug=f"storm-{n}", name="Storm")
        order = list(range(14))
        rng.shuffle(order)
        images = _make(one, hashes, order[:9])
        dedup.run(one)
        images |= _make(one, hashes, order[9:])
        for kind, i, j in pairs:
            if not Decision.objects.filter(image__in=(images[i], images[j]), event=one).exists():
                say(kind, images[i], images[j])
        proven(images[0], images[13])
        dedup.run(one)
        names = {file.pk: file.sha256 for file in images.values()}
        leads = one.unique_images.values_list("representative_id", flat=True)
        found.append(
            ({frozenset(names[pk] for pk in held) for held in sets(one)}, {names[x] for x in leads})
        )
    assert found[0] == found[1]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_decided_what_is_different_shares_no_set(event, data):
    event = Event.objects.create(slug=f"storm-{Event.objects.count()}", name="Storm")
    n = data.draw(st.integers(2, 9))
    hashes = data.draw(
        st.lists(st.sampled_from([0, 1, 3, 127, 255, ones(20)]), min_size=n, max_size=n)
    )
    images = [image(event, f"{event.slug}-{i}", hashes[i], i) for i in range(n)]
    index = st.integers(0, n - 1)
    word = st.tuples(
        st.sampled_from(["same", "different", "proof", "represents", "pass"]), index, index
    )
    for kind, i, j in data.draw(st.lists(word, max_size=14)):
        low, high = images[min(i, j)], images[max(i, j)]
        if kind == "pass":
            dedup.run(event)
        elif kind == "represents" and not low.decisions.filter(kind=kind).exists():
            say(kind, low)
        elif kind == "proof" and low != high:
            Match.objects.filter(image=high, other=low).delete()
            proven(high, low, inliers=12 + i)
        elif kind in ("same", "different") and low != high:
            Decision.objects.filter(image=low, other=high).delete()
            say(kind, low, high)
    addresses = dict(event.unique_images.values_list("pk", "representative_id"))
    dedup.run(event)
    of = dict(event.images.values_list("pk", "unique_id"))
    words = Decision.objects.filter(event=event).exclude(other=None)
    for kind, one, other in words.values_list("kind", "image_id", "other_id"):
        assert kind == "same" or of[one] != of[other]
    assert None not in of.values()
    for unique in event.unique_images.all():
        assert of[unique.representative_id] == unique.pk
    for was, representative in addresses.items():  # an address that was, still leads somewhere
        kept = event.unique_images.filter(pk=was).exists()
        assert kept or Moved.objects.get(was=was).image_id == representative
    before = list(event.unique_images.order_by("pk").values())
    dedup.run(event)
    assert list(event.unique_images.order_by("pk").values()) == before


def test_later_posts_change_no_decision(event, three):
    a, b, c = three
    say("same", a, c)
    say("different", a, b)
    dedup.run(event)
    unique = unique_of(a)
    post(event, c.links.get(), -100)
    dedup.run(event)
    assert sets(event) == {together(a, c), together(b)}
    assert unique_of(c) == unique
    unique.refresh_from_db()
    assert unique.representative == c
