"""Settings of an event, and its end."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import Event
from tests.factories import organised

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:settings", args=["storm"])
DELETE = reverse("imagery:event-delete", args=["storm"])
FIELDS = {
    "name": "Storm",
    "description": "",
    "timezone": "UTC",
    "dedup_threshold": 8,
    "copies": "versions",
    "similarity": 0.8,
    "backbone": "mobilenet_v2",
    "layer": "snc",
}


def test_a_new_name_organises_nothing_anew(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    client.post(PAGE, {**FIELDS, "name": "The great storm", "timezone": "Europe/Lisbon"})
    event.refresh_from_db()
    assert (event.name, event.timezone) == ("The great storm", "Europe/Lisbon")
    assert not event.jobs.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dedup_threshold", 6),
        ("copies", "near"),
        ("similarity", 0.7),
        ("backbone", "vgg16"),
        ("layer", "nc"),
    ],
)
def test_other_pictures_ask_for_a_pass(client: Client, event, analyst, name, value) -> None:
    client.force_login(analyst)
    client.post(PAGE, {**FIELDS, name: value})
    event.refresh_from_db()
    assert getattr(event, name) == value
    assert event.jobs.count() == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("name", "", "required"),
        ("timezone", "Atlantis/West", "Atlantis/West"),
        ("dedup_threshold", 0, "greater than or equal to 1"),
        ("dedup_threshold", 33, "less than or equal to 32"),
        ("similarity", "nan", "Enter a number"),
        ("similarity", 0.2, "0.45"),
        ("backbone", "clairvoyance", "clairvoyance"),
        ("layer", "middle", "middle"),
    ],
)
def test_bad_values_are_named_and_not_kept(
    client: Client, event, analyst, name, value, words
) -> None:
    client.force_login(analyst)
    answer = client.post(PAGE, {**FIELDS, name: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    was = getattr(event, name)
    event.refresh_from_db()
    assert getattr(event, name) == was


def test_viewers_read(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    page = client.get(PAGE).content.decode()
    assert "fieldset" in page
    assert "disabled" in page
    assert "Delete for good" not in page
    assert client.post(PAGE, FIELDS).status_code == 404


def test_strangers(client: Client, event, stranger) -> None:
    client.force_login(stranger)
    assert client.get(PAGE).status_code == 404
    assert client.post(DELETE, {"confirm": "storm"}).status_code == 404


def test_deleting_needs_the_address_typed(client: Client, event, owner) -> None:
    organised(event, 3)
    client.force_login(owner)
    client.post(DELETE, {"confirm": "strom"})
    assert Event.objects.filter(pk=event.pk).exists()
    assert client.post(DELETE, {"confirm": "storm"})["Location"] == reverse("imagery:events")
    assert not Event.objects.filter(pk=event.pk).exists()


def test_analysts_do_not_delete(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    assert client.post(DELETE, {"confirm": "storm"}).status_code == 404
    assert Event.objects.filter(pk=event.pk).exists()


def test_queries(client: Client, event, owner, django_assert_num_queries) -> None:
    client.force_login(owner)
    # session, person, event, role; the bar asks for an import and a job
    with django_assert_num_queries(7):
        client.get(PAGE)
