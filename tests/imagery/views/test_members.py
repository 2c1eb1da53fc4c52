"""Members: added, changed, removed; the last owner stays."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import Event, Membership, Role

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:members", args=["storm"])


def place(event, user) -> str:
    return reverse("imagery:member", args=["storm", event.memberships.get(user=user).pk])


def test_a_member_is_added(client: Client, event, owner, stranger) -> None:
    client.force_login(owner)
    client.post(PAGE, {"username": "stranger", "role": "analyst"})
    assert event.role_of(stranger) == Role.ANALYST


@pytest.mark.parametrize(
    ("username", "role", "words"),
    [
        ("nobody", "viewer", "Nobody here is called"),
        ("viewer", "analyst", "a member already"),
        ("stranger", "emperor", "emperor"),
        ("", "viewer", "required"),
    ],
)
def test_bad_members_are_named(
    client: Client, event, owner, viewer, stranger, username, role, words
) -> None:
    client.force_login(owner)
    answer = client.post(PAGE, {"username": username, "role": role})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert event.memberships.count() == 2


def test_a_role_changes(client: Client, event, owner, viewer) -> None:
    client.force_login(owner)
    client.post(place(event, viewer), {"role": "analyst"})
    assert event.role_of(viewer) == Role.ANALYST
    client.post(place(event, viewer), {"role": "emperor"})
    assert event.role_of(viewer) == Role.ANALYST


def test_a_member_is_removed(client: Client, event, owner, viewer) -> None:
    client.force_login(owner)
    client.post(place(event, viewer), {"role": ""})
    assert event.role_of(viewer) is None


@pytest.mark.parametrize("role", ["", "viewer"])
def test_the_last_owner_stays(client: Client, event, owner, role) -> None:
    client.force_login(owner)
    answer = client.post(place(event, owner), {"role": role}, follow=True)
    assert event.role_of(owner) == Role.OWNER
    assert "last owner" in answer.content.decode()


def test_an_owner_may_leave_to_another(client: Client, event, owner, viewer) -> None:
    Membership.objects.filter(event=event, user=viewer).update(role=Role.OWNER)
    client.force_login(owner)
    answer = client.post(place(event, owner), {"role": ""})
    assert answer["Location"] == reverse("imagery:events")
    assert event.role_of(owner) is None


def test_another_events_member_stays(client: Client, event, owner, stranger) -> None:
    other = Event.objects.create(slug="other", name="Other")
    member = Membership.objects.create(event=other, user=stranger, role=Role.VIEWER)
    client.force_login(owner)
    answer = client.post(reverse("imagery:member", args=["storm", member.pk]), {"role": ""})
    assert answer.status_code == 404
    assert other.memberships.exists()


@pytest.mark.parametrize("who", ["analyst", "viewer", "stranger"])
def test_only_owners_change_members(client: Client, event, owner, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    assert client.post(PAGE, {"username": "owner", "role": "viewer"}).status_code == 404
    assert client.post(place(event, owner), {"role": ""}).status_code == 404
    assert client.get(PAGE).status_code == (404 if who == "stranger" else 200)


def test_queries(client: Client, event, owner, viewer, django_assert_num_queries) -> None:
    client.force_login(owner)
    # session, person, event, members, role; the bar asks for an import and a job
    with django_assert_num_queries(8):
        client.get(PAGE)
