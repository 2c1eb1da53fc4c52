"""The review: doubtful pairs one after the other, decided by those who may."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery import dedup, doubts, rollup
from imagery.models import Decision, Event, Image
from tests.hashed import image, ones

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:review", args=["storm"])
DECIDE = reverse("imagery:decide", args=["storm"])


@pytest.fixture(autouse=True)
def no_pass(monkeypatch) -> None:
    monkeypatch.setattr("imagery.pipeline.start", lambda event_id, at: None)


@pytest.fixture
def three(event: Event) -> list[Image]:
    """A–C just apart, 2 posts to move; A–B just joined, 1 post."""
    made = [
        image(event, "a", 0, 0, 10, 20),
        image(event, "b", ones(7), 5),
        image(event, "c", ones(10, 20), 8, 9),
    ]
    dedup.run(event)
    rollup.run(event)
    return made


def fields(a: Image, b: Image, kind: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "image": str(a.pk), "other": str(b.pk), "queue": "1", **more}


def test_the_pair_that_moves_most_comes_first(client: Client, viewer, three) -> None:
    client.force_login(viewer)
    page = client.get(PAGE)
    assert page.context["doubt"].kind == "beyond"
    assert [side.image for side in page.context["sides"]] == [three[0], three[2]]
    html = page.content.decode()
    assert "1 of 2 to review" in html
    assert "Two pictures now." in html and "10 of the 64 bits" in html
    assert 'name="kind"' not in html  # a viewer sees, and goes on
    assert client.get(page.context["ahead"]).context["doubt"].kind == "within"
    assert client.get(PAGE, {"kind": "within"}).context["n_left"] == 1


def test_deciding_leads_to_the_next_and_can_be_undone(client: Client, analyst, three) -> None:
    client.force_login(analyst)
    page = client.get(PAGE)
    a, _, c = three
    answer = client.post(DECIDE, fields(a, c, "same", next=page.context["ahead"]), follow=True)
    decision = Decision.objects.get()
    assert (decision.kind, decision.user, decision.image, decision.other) == ("same", analyst, a, c)
    assert answer.context["doubt"].kind == "within"
    assert answer.context["n_left"] == 1
    html = answer.content.decode()
    assert "Same picture: kept." in html and "being applied" in html
    undo = reverse("imagery:undo", args=["storm", decision.pk])
    back = {"queue": "1", "next": f"{PAGE}?pair={a.pk}-{c.pk}"}
    answer = client.post(undo, back, follow=True)
    assert answer.context["doubt"].key == f"{a.pk}-{c.pk}"
    assert answer.context["n_left"] == 2


def test_skipping_comes_to_an_end(client: Client, analyst, three) -> None:
    client.force_login(analyst)
    page = client.get(PAGE)
    page = client.get(page.context["ahead"])
    page = client.get(page.context["ahead"])
    assert "2 pairs were left undecided" in page.content.decode()


def test_any_pair_may_be_asked_for_and_none_of_another_event(client: Client, viewer, three) -> None:
    client.force_login(viewer)
    _, b, c = three
    assert client.get(PAGE, {"pair": f"{b.pk}-{c.pk}"}).context["position"] == 0
    stray = image(Event.objects.create(slug="flood", name="Flood"), "z", 0, 0)
    for odd in (f"{b.pk}-{stray.pk}", "x", "1-", f"{b.pk}-{b.pk}", "9" * 40 + "-1", "²-3"):
        page = client.get(PAGE, {"pair": odd})
        assert page.status_code == 200 and page.context["position"] == 1, odd


def test_nothing_to_review_says_why(client: Client, viewer, event) -> None:
    client.force_login(viewer)
    assert "Nothing to review" in client.get(PAGE).content.decode()
    assert "of this kind" in client.get(PAGE, {"kind": "unmet"}).content.decode()


def test_who_may_decide(client: Client, viewer, stranger, annotator, owner, three) -> None:
    a, b, _ = three
    for user in (viewer, stranger, annotator):
        client.force_login(user)
        assert client.post(DECIDE, fields(a, b, "same")).status_code == 404
    assert not Decision.objects.exists()
    client.force_login(owner)
    assert client.get(DECIDE).status_code == 405
    assert client.post(DECIDE, fields(a, b, "same")).status_code == 302
    decision = Decision.objects.get()
    client.force_login(viewer)
    assert client.post(reverse("imagery:undo", args=["storm", decision.pk])).status_code == 404
    assert Decision.objects.active().exists()


def test_bad_fields_are_told_and_decide_nothing(client: Client, analyst, three) -> None:
    client.force_login(analyst)
    a, b, _ = three
    answer = client.post(DECIDE, fields(a, a, "same"), follow=True)
    assert "name two images" in answer.content.decode()
    answer = client.post(DECIDE, fields(a, b, "sane"), follow=True)
    assert "&#x27;sane&#x27; is no decision" in answer.content.decode()
    assert client.post(DECIDE, {"kind": "same", "image": "x"}).status_code == 404
    for odd in ("https://elsewhere.example/", "//elsewhere.example", "javascript:1", ""):
        answer = client.post(DECIDE, {"kind": "apart", "image": a.pk, "next": odd})
        assert answer.url == reverse("imagery:decisions", args=["storm"])
    assert not Decision.objects.exclude(kind="apart").exists()


def test_the_overview_tells_of_it(client: Client, viewer, event, three) -> None:
    client.force_login(viewer)
    assert doubts.n_waiting(event) == 2
    html = client.get(reverse("imagery:event", args=["storm"])).content.decode()
    assert "pairs of files that may be the same picture" in html
