"""The list of events, new ones, and the palette."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.event_cards import TILES
from imagery.forms import slug_of
from imagery.models import Event, Job, Membership, Role
from tests.factories import organised

pytestmark = pytest.mark.django_db
LIST = reverse("imagery:events")
NEW = reverse("imagery:event-new")


def test_everything_needs_a_login(client: Client) -> None:
    for address in (LIST, NEW, reverse("imagery:palette")):
        assert client.get(address)["Location"].startswith("/login/?next=")


def test_an_event_is_a_card_with_its_pictures_and_state(client: Client, event, viewer) -> None:
    organised(event)
    client.force_login(viewer)
    page = client.get(LIST).content.decode()
    assert page.count('class="tile"') == TILES
    assert "Organised" in page
    assert "20 Sep 2017" in page


def test_a_running_job_shows_how_far_it_is(client: Client, event, viewer) -> None:
    Job.objects.create(event=event, stage="look", state="running", n_done=30, n_total=120)
    client.force_login(viewer)
    assert "Looking at images, 25%" in client.get(LIST).content.decode()


def test_a_failed_job_is_named(client: Client, event, viewer) -> None:
    Job.objects.create(event=event, stage="fetch", state="failed")
    client.force_login(viewer)
    assert "Stopped: fetching links" in client.get(LIST).content.decode()


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_others_events_are_not_listed(client: Client, event, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    page = client.get(LIST).content.decode()
    assert "Storm" not in page
    assert "No events yet" in page


def test_queries_do_not_grow_with_events(
    client: Client, owner, event, django_assert_num_queries
) -> None:
    organised(event, 3)
    for n in range(5):
        other = Event.objects.create(slug=f"other-{n}", name=f"Other {n}")
        Membership.objects.create(event=other, user=owner, role=Role.OWNER)
    client.force_login(owner)
    with django_assert_num_queries(4):  # session, person, events with their state, pictures
        client.get(LIST)


def test_more_events_come_after_the_last_one(client: Client, owner) -> None:
    for n in range(26):
        other = Event.objects.create(slug=f"other-{n}", name=f"Other {n}")
        Membership.objects.create(event=other, user=owner, role=Role.OWNER)
    client.force_login(owner)
    first = client.get(LIST)
    before = first.context["before"]
    part = client.get(LIST, {"before": before}, headers={"HX-Request": "true"})
    shown = [card.event.pk for page in (first, part) for card in page.context["cards"]]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) == 27
    assert "<html" not in part.content.decode()


def test_a_new_event_belongs_to_who_made_it(client: Client, stranger) -> None:
    client.force_login(stranger)
    form = {"name": "Hurricane María, 2017", "timezone": "America/Puerto_Rico"}
    answer = client.post(NEW, form)
    event = Event.objects.get(slug="hurricane-maria-2017")
    assert answer["Location"] == reverse("imagery:import", args=[event.slug])
    assert event.role_of(stranger) == Role.OWNER


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"slug": "Not OK"}, "lower-case letters"),
        ({"slug": "storm"}, "is an event at"),
        ({"name": "???"}, "enter one"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_made(
    client: Client, event, stranger, changed, words
) -> None:
    client.force_login(stranger)
    answer = client.post(NEW, {"name": "A", "timezone": "UTC", **changed})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Event.objects.count() == 1


def test_slugs() -> None:
    assert slug_of("Ünwetter — Köln!") == "unwetter-koln"
    assert slug_of("x" * 80) == "x" * 63
    assert slug_of("台風") == ""


def test_palette_finds_pages_events_and_pictures(client: Client, event, viewer) -> None:
    organised(event, 3)
    picture = event.unique_images.get(rank=1)
    client.force_login(viewer)

    def found(query: str, slug: str = "storm") -> list[str]:
        address = reverse("imagery:palette")
        answer = client.get(address, {"q": query, "event": slug}).json()
        return [row["url"] for row in answer["results"] if row["hint"] != "search"]

    own = reverse("imagery:image", args=["storm", picture.pk])
    assert found("1") == [own]
    assert own in found(picture.representative.sha256[:10])
    assert found("time") == [reverse("analytics:timeline", args=["storm"])]
    assert found("storm", slug="") == [event.get_absolute_url()]
    assert found("9" * 30) == []
    assert own in found(picture.representative.pdq[:20])
    assert found("HARB") == [own, *found("harbor")[1:]]
    event.unique_images.filter(pk=picture.pk).update(described="Boats on the quay")
    assert found("on the quay") == [own]


def test_palette_leads_to_the_search(client: Client, event, viewer) -> None:
    client.force_login(viewer)

    def searches(query: str, slug: str = "storm") -> list[str]:
        answer = client.get(reverse("imagery:palette"), {"q": query, "event": slug}).json()
        return [row["url"] for row in answer["results"] if row["hint"] == "search"]

    assert searches("Big flood") == ["/e/storm/search/?q=Big+flood", "/search/?q=Big+flood"]
    assert searches("flood", slug="") == ["/search/?q=flood"]
    assert searches("-- !") == []


def test_palette_tells_strangers_nothing(client: Client, event, stranger) -> None:
    organised(event, 3)
    client.force_login(stranger)
    address = reverse("imagery:palette")
    answer = client.get(address, {"q": "storm", "event": "storm"}).json()
    assert answer == {"results": []}
