"""The history of decisions; names and moves made on the pages of groups; old addresses."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery import deciding, grouping, groups, snapshots
from imagery.models import Decision, Event, Moved, Snapshot, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:decisions", args=["storm"])
DECIDE = reverse("imagery:decide", args=["storm"])
GROUPS = reverse("imagery:groups", args=["storm"])


@pytest.fixture(autouse=True)
def no_pass(monkeypatch) -> None:
    monkeypatch.setattr("imagery.pipeline.start", lambda event_id, at: None)


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, n_unique=7)


@pytest.fixture
def uniques(made: Event) -> list[UniqueImage]:
    return list(made.unique_images.order_by("rank").select_related("representative"))


def test_history_tells_who_what_when_and_undoes(client: Client, analyst, owner, uniques) -> None:
    one, other = (unique.representative for unique in uniques[:2])
    event = uniques[0].event
    client.force_login(analyst)
    assert "No decisions" in client.get(PAGE).content.decode()
    made = deciding.decide(event, owner, "same", one, other)
    deciding.decide(event, analyst, "name", one, text="=Harbour")
    page = client.get(PAGE)
    html = page.content.decode()
    assert [row.kind for row in page.context["decisions"]] == ["name", "same"]
    assert "owner" in html and "analyst" in html and "=Harbour" in html
    client.post(reverse("imagery:undo", args=["storm", made.pk]), {"next": PAGE})
    assert [r.kind for r in client.get(PAGE, {"state": "undone"}).context["decisions"]] == ["same"]
    assert "undone by analyst" in client.get(PAGE).content.decode()
    lines = b"".join(client.get(reverse("imagery:decisions-csv", args=["storm"]))).decode()
    assert "'=Harbour" in lines and lines.count("\r\n") == 3


def test_every_decision_is_on_one_page(client: Client, viewer, uniques) -> None:
    image = uniques[0].representative
    for n in range(60):
        Decision.objects.create(
            event=uniques[0].event, kind="name", image=image, text=f"{n}",
            undone_at="2024-01-01T00:00Z",
        )  # fmt: skip
    client.force_login(viewer)
    first = client.get(PAGE)
    after = {"after": first.context["after"]}
    part = client.get(PAGE, after, headers={"HX-Request": "true"})
    texts = [row.text for page in (first, part) for row in page.context["decisions"]]
    assert texts == [f"{n}" for n in reversed(range(60))]
    assert "<html" not in part.content.decode()


def test_strangers_find_nothing(client: Client, stranger, annotator, made) -> None:
    for user in (stranger, annotator):
        client.force_login(user)
        for page in (PAGE, reverse("imagery:decisions-csv", args=["storm"])):
            assert client.get(page).status_code == 404
        take_back = reverse("imagery:take-back", args=["storm"])
        assert client.post(take_back, {"kind": "apart", "unique": 1}).status_code == 404


def test_a_name_stays_with_its_picture_at_any_similarity(client: Client, analyst, uniques) -> None:
    lead, second = uniques[:2]
    client.force_login(analyst)
    client.post(DECIDE, {"kind": "name", "unique": second.pk, "text": "Harbour"})
    client.post(DECIDE, {"kind": "name", "unique": lead.pk, "text": "Flood"})
    event = lead.event
    for theta, want in ((0.6, ["Flood", "Harbour"]), (0.99, ["Flood"])):
        found = groups.at(event, theta)
        names = groups.names(event, found)[found.position_with(lead.pk)]
        assert [name.text for name in names] == want
    html = client.get(GROUPS, {"similarity": "0.6"}).content.decode()
    assert "Flood" in html and "also Harbour" in html
    page = client.get(f"{GROUPS}{lead.pk}/", {"similarity": "0.99"}).content.decode()
    assert '<h1 dir="auto">Flood</h1>' in page and "Rename" in page
    assert client.get(f"{GROUPS}{second.pk}/", {"similarity": "0.99"}).context["card"].name == (
        "Harbour"
    )


def test_a_picture_moved_out_stands_alone_at_any_similarity(
    client: Client, analyst, viewer, uniques
) -> None:
    lead, second, third = uniques[:3]
    event = lead.event
    assert groups.at(event).position_with(lead.pk) == groups.at(event).position_with(second.pk)
    client.force_login(analyst)
    assert "Move out of its group" in client.get(f"{GROUPS}{lead.pk}/").content.decode()
    client.post(DECIDE, {"kind": "apart", "unique": second.pk})
    for theta in (0.45, 0.8):
        found = groups.at(event, theta)
        assert found.n_members[found.position_with(second.pk)] == 1
        assert found.position_with(lead.pk) == found.position_with(third.pk)  # the tree holds them
    assert "Put it back" in client.get(f"{GROUPS}{second.pk}/").content.decode()
    client.force_login(viewer)
    assert "Put it back" not in client.get(f"{GROUPS}{second.pk}/").content.decode()
    client.force_login(analyst)
    client.post(
        reverse("imagery:take-back", args=["storm"]), {"kind": "apart", "unique": second.pk}
    )
    assert groups.at(event).position_with(lead.pk) == groups.at(event).position_with(second.pk)


def test_the_next_tree_parts_what_was_together_through_it(made, uniques) -> None:
    import numpy as np

    from imagery.models import Vector

    for place, unique in enumerate(uniques[:3]):  # on a line, 0.2 apart: similar above 0.8
        values = np.array([0.2 * place, 0], "<f2").tobytes()
        Vector.objects.create(
            image=unique.representative, layer="snc", embedder=made.embedder, values=values
        )
    grouping.run(made)
    first, middle, last = (unique.pk for unique in uniques[:3])
    found = groups.at(made, 0.8)
    assert found.position_with(first) == found.position_with(last)
    UniqueImage.objects.filter(pk=middle).update(apart=True)
    grouping.run(made)
    found = groups.at(made, 0.8)
    assert len({found.position_with(pk) for pk in (first, middle, last)}) == 3
    near = snapshots.read(made, Snapshot.Kind.NEIGHBOURS)
    assert middle in near["unique"].tolist()  # its own page still shows what is near


def test_addresses_of_merged_pictures_lead_on(client: Client, viewer, stranger, uniques) -> None:
    lead, second = uniques[:2]
    was = second.pk
    Moved.objects.create(was=was, event=lead.event, image=second.representative)
    second.copies.update(unique=lead)
    second.delete()
    client.force_login(viewer)
    for name, key in (("image", "pk"), ("image-posts-csv", "pk"), ("group", "unique_id")):
        old = reverse(f"imagery:{name}", kwargs={"slug": "storm", key: was})
        new = reverse(f"imagery:{name}", kwargs={"slug": "storm", key: lead.pk})
        answer = client.get(f"{old}?similarity=0.99")
        assert (answer.status_code, answer.url) == (302, f"{new}?similarity=0.99")
    client.force_login(stranger)
    assert client.get(reverse("imagery:image", args=["storm", was])).status_code == 404
    client.force_login(viewer)
    assert client.get(reverse("imagery:image", args=["storm", 10**6])).status_code == 404
