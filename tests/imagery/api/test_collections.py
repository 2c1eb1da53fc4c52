"""Collections over the API: made, changed, steered, read; errors by field."""

from datetime import timedelta

import pytest
from django.utils import timezone

from imagery.models import Collection, Event, Post, Reading

pytestmark = pytest.mark.django_db
ALL = "/api/events/storm/collections/"
MASTODON = {
    "source": "mastodon", "name": "Town", "token": "t0p-secret",
    "options": {"server": "town.example", "hashtags": ["storm"]},
    "rules": [{"kind": "hashtag", "value": "#storm"}],
}  # fmt: skip


def test_sources_are_told_with_their_options(client, event) -> None:
    told = {one["name"]: one for one in client.get("/api/live-sources/").json()}
    assert {"mastodon", "bluesky", "feed"} <= set(told)
    assert "server" in {option["name"] for option in told["mastodon"]["options"]}
    assert told["feed"]["readable_again"] is False


def test_from_making_to_deleting(client, event: Event) -> None:
    made = client.post(ALL, MASTODON, format="json")
    assert made.status_code == 201, made.json()
    told = made.json()
    assert (told["state"], told["has_token"], "token" in told) == ("paused", True, False)
    assert told["rules"] == [{"kind": "hashtag", "value": "storm"}]
    assert told["revisit_days"] == list(range(1, 31))
    one = f"{ALL}{told['id']}/"
    assert client.get(ALL).json()["results"] == [client.get(one).json()]
    changed = client.patch(one, {"name": "City", "revisit_days": [7, 1, 7]}, format="json").json()
    assert (changed["name"], changed["revisit_days"]) == ("City", [1, 7])
    assert (changed["rules"], changed["options"]) == (told["rules"], told["options"])
    assert client.patch(one, {"rules": [], "token": ""}, format="json").json()["rules"] == []
    assert client.get(one).json()["has_token"] is False
    for act, state in (("start", "on"), ("pause", "paused"), ("stop", "stopped")):
        assert client.post(f"{one}{act}/").json()["state"] == state
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_one_that_starts_at_once(client, event) -> None:
    assert client.post(ALL, MASTODON | {"start": True}, format="json").json()["state"] == "on"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": "radio"}, "source"),
        ({"name": ""}, "name"),
        ({"options": {"server": "not a host"}}, "options"),
        ({"options": {"server": "town.example", "colour": 1}}, "options"),
        ({"options": {"server": "town.example", "hashtags": ["a\0b"]}}, "options"),
        ({"rules": [{"kind": "bbox", "value": "here"}]}, "rules"),
        ({"rules": [{"kind": "smell", "value": "x"}]}, "rules"),
        ({"revisit_days": [0]}, "revisit_days"),
        ({"starts_at": "2026-03-02T00:00Z", "stops_at": "2026-03-01T00:00Z"}, "stops_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(client, event, changes, field) -> None:
    answer = client.post(ALL, MASTODON | changes, format="json")
    assert answer.status_code == 400 and list(answer.json()) == [field], answer.json()
    assert not Collection.objects.exists()


def test_a_time_that_passed_cannot_be_started(client, event) -> None:
    ended = (timezone.now() - timedelta(days=1)).isoformat()
    made = client.post(ALL, MASTODON | {"stops_at": ended}, format="json").json()
    answer = client.post(f"{ALL}{made['id']}/start/")
    assert answer.status_code == 400 and "stops_at" in answer.json()


def test_what_came_of_it(client, made: Event) -> None:
    held = Collection.objects.create(event=made, name="Sky", source="bluesky")
    now = timezone.now().replace(second=0, microsecond=0)
    for ago in range(3):
        held.minutes.create(at=now - timedelta(minutes=ago), n_seen=ago)
    held.gaps.create(begins_at=now, ends_at=now, state="lost")
    held.gaps.create(begins_at=now)
    one = f"{ALL}{held.pk}/"
    page = client.get(f"{one}minutes/?limit=2").json()
    assert [row["seen"] for row in page["results"]] == [0, 1]
    assert [row["seen"] for row in client.get(page["next"]).json()["results"]] == [2]
    assert len(client.get(f"{one}gaps/").json()["results"]) == 2
    assert len(client.get(f"{one}gaps/?state=lost").json()["results"]) == 1
    post = Post.objects.earliest("pk")
    Reading.objects.create(
        post=post, day=2, due_at=now, read_at=now + timedelta(seconds=5), likes=None, views=0
    )
    (row,) = client.get(f"/api/events/storm/posts/{post.pk}/readings/").json()
    assert (row["day"], row["late_s"], row["likes"], row["views"]) == (2, 5.0, None, 0)


def test_of_another_event_it_is_not_there(client, event, owner) -> None:
    other = Event.objects.create(slug="other", name="Other")
    held = Collection.objects.create(event=other, name="Sky", source="bluesky")
    for path in ("", "minutes/", "gaps/"):
        assert client.get(f"{ALL}{held.pk}/{path}").status_code == 404
    assert client.delete(f"{ALL}{held.pk}/").status_code == 404
    assert client.get("/api/events/storm/posts/1/readings/").status_code == 404
