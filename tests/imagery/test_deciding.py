"""Decisions made, replaced, taken back; and what they set going."""

import pytest

from imagery import deciding, dedup, doubts
from imagery.deciding import Refused, decide, undo
from imagery.models import Decision, Event, Image, Job, UniqueImage
from tests.hashed import image, ones, proven, sets

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(event: Event) -> list[Image]:
    made = [
        image(event, "a", 0, 0, 10, 20),
        image(event, "b", ones(7), 5),
        image(event, "c", ones(10, 20), 8, 9),
    ]
    dedup.run(event)
    return made


@pytest.fixture(autouse=True)
def passes(monkeypatch) -> list[str]:
    """Stages that passes were asked to begin with; none is run."""
    from imagery import pipeline

    begun: list[str] = []
    monkeypatch.setattr(pipeline, "start", lambda event_id, at: begun.append(at))
    return begun


def test_a_pair_is_decided_once_whichever_comes_first(event, analyst, three, passes):
    a, b, _ = three
    made = decide(event, analyst, "same", b, a)
    assert (made.image, made.other, made.user) == (a, b, analyst)
    assert decide(event, analyst, "same", a, b) == made
    assert Decision.objects.count() == 1
    assert passes == ["dedup"]


def test_a_later_word_replaces_the_earlier_and_undoing_brings_it_back(event, analyst, owner, three):
    a, b, _ = three
    first = decide(event, analyst, "same", a, b)
    second = decide(event, owner, "different", b, a)
    first.refresh_from_db()
    assert first.undone_by == owner
    assert deciding.of_pair(b.pk, a.pk) == second
    undo(event, owner, second)
    first.refresh_from_db()
    assert (first.undone_at, first.undone_by) == (None, None)
    assert (second.undone_by, second.undone_at is None) == (owner, False)
    undo(event, analyst, second)  # a second time: nothing
    assert deciding.of_pair(a.pk, b.pk) == first
    assert list(deciding.history(event)) == [second, first]


def test_what_cannot_be_is_refused_by_name(event, analyst, three):
    a, b, _ = three
    stray = image(Event.objects.create(slug="flood", name="Flood"), "z", 0, 0)
    for words, arguments in {
        "'sane' is no decision": ("sane", a, b),
        "Image .* is not of this event": ("same", a, stray),
        "takes a second image": ("same", a),
        "takes no second image": ("apart", a, b),
        "same as itself": ("different", a, a),
        "1 to 120 characters": ("name", a, None, "  "),
        "Only a name takes text": ("apart", a, None, "x"),
    }.items():
        with pytest.raises(Refused, match=words):
            decide(event, analyst, *arguments)
    with pytest.raises(Refused, match="120"):
        decide(event, analyst, "name", a, text="x" * 121)
    assert not Decision.objects.exists()


def test_names_and_moves_show_at_once(event, analyst, three, passes):
    a = three[0]
    unique = UniqueImage.objects.get(copies=a)
    named = decide(event, analyst, "name", a, text="  The  harbour ")
    moved = decide(event, analyst, "apart", a)
    unique.refresh_from_db()
    assert (unique.name, unique.apart) == ("The harbour", True)
    assert passes == ["group"]
    decide(event, analyst, "name", a, text="The pier")
    undo(event, analyst, moved)
    unique.refresh_from_db()
    assert (unique.name, unique.apart) == ("The pier", False)
    undo(event, analyst, deciding.of_set(unique.pk, "name").get())
    unique.refresh_from_db()
    assert unique.name == named.text == "The harbour"


def test_taking_back_reaches_every_file_of_the_picture(event, analyst, three):
    a, b, c = three
    unique = UniqueImage.objects.get(copies=a)
    for file in (a, b, c):
        decide(event, analyst, "apart", file)
    assert deciding.take_back(event, analyst, "apart", unique) == 2
    unique.refresh_from_db()
    assert not unique.apart
    assert UniqueImage.objects.get(copies=c).apart


def test_of_choices_in_one_set_the_latest_holds(event, analyst, three):
    a, b, _ = three
    for file in (b, a, a, b):
        decide(event, analyst, "represents", file)
    assert Decision.objects.count() == 3  # a, said twice in a row, once
    dedup.run(event)
    assert UniqueImage.objects.get(copies=a).representative == b


def test_being_applied_until_a_pass_has_read_it(event, analyst, three):
    assert not deciding.being_applied(event)
    decision = decide(event, analyst, "same", three[0], three[2])
    assert deciding.being_applied(event)

    def passed() -> None:
        now = "2999-01-01T00:00Z"
        Job.objects.create(event=event, stage="dedup", state="done", started_at=now)
        Event.objects.filter(pk=event.pk).update(organised_at=now)

    Job.objects.create(event=event, stage="dedup", state="done", started_at="2020-01-01T00:00Z")
    Event.objects.filter(pk=event.pk).update(organised_at="2999-01-01T00:00Z")
    assert deciding.being_applied(event)  # counted since, of sets made before
    passed()
    assert not deciding.being_applied(event)
    assert decision.pk


def test_doubts_are_those_near_the_threshold(event, three):
    a, b, c = three
    found = [(doubt.kind, doubt.image_id, doubt.other_id, doubt.bits, doubt.posts)
             for doubt in doubts.waiting(event)]  # fmt: skip
    assert found == [("beyond", a.pk, c.pk, 10, 2), ("within", a.pk, b.pk, 7, 1)]
    assert doubts.n_waiting(event) == 2
    assert [doubt.key for doubt in doubts.waiting(event, ["within"])] == [f"{a.pk}-{b.pk}"]


def test_what_is_decided_or_proven_is_no_doubt(event, analyst, three):
    a, b, c = three
    decision = decide(event, analyst, "different", a, c)
    assert [doubt.kind for doubt in doubts.waiting(event)] == ["within"]
    proven(b, a)
    dedup.run(event)
    assert doubts.waiting(event) == []
    undo(event, analyst, decision)
    dedup.run(event)
    assert [doubt.kind for doubt in doubts.waiting(event)] == ["beyond"]


def test_unproven_matches_and_contradictions_are_doubts(event, analyst, three):
    a, b, c = three
    far = image(event, "far", ones(30, 30), 40)
    proven(far, a, proven=False)
    dedup.run(event)
    assert ("unproven", a.pk, far.pk) in {
        (doubt.kind, doubt.image_id, doubt.other_id) for doubt in doubts.waiting(event)
    }
    decide(event, analyst, "different", a, far)
    decide(event, analyst, "same", a, c)
    decide(event, analyst, "same", c, far)
    dedup.run(event)
    unmet = doubts.waiting(event, ["unmet"])
    assert [(doubt.image_id, doubt.other_id) for doubt in unmet] == [(a.pk, c.pk)]
    assert doubts.waiting(event)[0].kind == "unmet"
    decide(event, analyst, "different", a, c)  # settles it
    dedup.run(event)
    assert doubts.waiting(event, ["unmet"]) == []
    assert sets(event) == {frozenset((a.pk, b.pk)), frozenset((c.pk, far.pk))}


def test_two_sets_are_one_doubt(event, analyst, three):
    """However many of their files are alike: the pair nearest by hash stands for them."""
    a, b, c = three
    near_c = image(event, "near c", ones(11, 20), 50)
    for file in (a, b):
        proven(c, file, proven=False)
        proven(near_c, file, proven=False)
    dedup.run(event)
    assert [(doubt.kind, doubt.image_id, doubt.other_id) for doubt in doubts.waiting(event)] == [
        ("unproven", a.pk, c.pk),
        ("within", a.pk, b.pk),
    ]
