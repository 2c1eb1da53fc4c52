"""Settings of an event, and its end."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagery.models import Event, Post, Purge
from tests.factories import organised

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:settings", args=["storm"])
KEEPING = reverse("imagery:keeping", args=["storm"])
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
    # session, person, event, role, purges, doubtful pairs; the bar asks for an import and a job
    with django_assert_num_queries(8):
        client.get(PAGE)


def aged(event: Event, *days: int) -> None:
    for index, n in enumerate(days):
        posted = timezone.now() - timedelta(days=n)
        Post.objects.create(event=event, platform="p", uid=str(index), posted_at=posted)


def test_what_would_be_deleted_is_told_before_it_is_so(client: Client, event, owner) -> None:
    aged(event, 1, 40, 50)
    client.force_login(owner)
    page = client.post(KEEPING, {"keep_days": 30}).content.decode()
    assert "Save, and delete 2 posts" in page
    event.refresh_from_db()
    assert event.keep_days is None
    # Told of 30 days, and then asked for 45: told again.
    page = client.post(KEEPING, {"keep_days": 45, "told": "30"}).content.decode()
    assert "Save, and delete 1 post<" in page
    told = client.post(KEEPING, {"keep_days": 30, "told": "30"}, follow=True).content.decode()
    assert "2 posts will be deleted within a day" in told
    event.refresh_from_db()
    assert event.keep_days == 30
    assert event.posts.count() == 3


def test_posts_gone_at_their_source_are_told_too(client: Client, event, owner) -> None:
    aged(event, 1, 2)
    event.posts.filter(uid="1").update(gone="deleted")
    client.force_login(owner)
    assert "delete 1 post<" in client.post(KEEPING, {"purge_gone": "on"}).content.decode()
    client.post(KEEPING, {"purge_gone": "on", "told": "+gone"})
    event.refresh_from_db()
    assert event.purge_gone


def test_keeping_more_or_deleting_nothing_is_saved_at_once(client: Client, event, owner) -> None:
    aged(event, 1)
    client.force_login(owner)
    told = client.post(KEEPING, {"keep_days": 7}, follow=True).content.decode()
    assert "no post is to be deleted" in told
    client.post(KEEPING, {"keep_days": ""})
    event.refresh_from_db()
    assert event.keep_days is None


@pytest.mark.parametrize("days", [0, -1, 36501, "many", 10**12])
def test_days_that_are_none(client: Client, event, owner, days) -> None:
    client.force_login(owner)
    answer = client.post(KEEPING, {"keep_days": days})
    assert answer.status_code == 422
    event.refresh_from_db()
    assert event.keep_days is None


def test_only_owners_say_what_is_deleted(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    assert client.post(KEEPING, {"keep_days": 3}).status_code == 404
    page = client.get(PAGE).content.decode()
    assert "owners decide what is deleted" in page
    client.post(PAGE, {**FIELDS, "most_waiting": 500, "keep_days": 3, "purge_gone": "on"})
    event.refresh_from_db()
    assert (event.most_waiting, event.keep_days, event.purge_gone) == (500, None, False)
    assert not event.jobs.exists()


def test_what_was_deleted_is_told(client: Client, event, viewer) -> None:
    Purge.objects.create(event=event, gone=True, n_posts=1234)
    client.force_login(viewer)
    assert "1,234 posts" in client.get(PAGE).content.decode()
