"""Searching through the API."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from imagery.models import Event
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/api/events/storm/search/"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def test_images_by_posts_found(client: APIClient, made: Event) -> None:
    answer = client.get(URL, {"q": "#tag1"}).json()
    assert [(one["rank"], one["posts_found"], one["posts"]) for one in answer["images"]] == [
        (2, 12, 12)
    ]
    assert (answer["n_images"], answer["n_posts"], answer["more_posts"]) == (1, 12, False)
    assert answer["images"][0]["event"] == "storm" and answer["posts"] == []
    assert client.get(answer["images"][0]["thumb"]).status_code == 200


def test_images_turn_their_pages(client: APIClient, made: Event) -> None:
    seen, url = [], f"{URL}?limit=3"
    while url:
        answer = client.get(url).json()
        seen += [one["rank"] for one in answer["images"]]
        url = answer["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("ordering", ["posted_at", "-posted_at"])
def test_posts_turn_their_pages(client: APIClient, made: Event, ordering: str) -> None:
    seen, url = [], f"{URL}?q=storm&show=posts&limit=20&ordering={ordering}"
    while url:
        answer = client.get(url).json()
        seen += [(post["posted_at"], post["id"]) for post in answer["posts"]]
        url = answer["next"]
    assert len(seen) == answer["n_posts"] and seen == sorted(seen, reverse=ordering[0] == "-")
    assert answer["posts"][0]["event"] == "storm" and answer["images"] == []


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"after": "soon"}, "after"), ({"box": "1,2"}, "box"), ({"blurry": "very"}, "blurry"),
        ({"copies": "-1"}, "copies"), ({"word": "x"}, "word"), ({"cursor": "x"}, "cursor"),
        ({"cursor": "x", "show": "posts"}, "cursor"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(client: APIClient, made: Event, asked, name) -> None:
    answer = client.get(URL, asked)
    assert answer.status_code == 400 and name in answer.json()


def test_cursors_of_another_list_are_refused(client: APIClient, made: Event) -> None:
    images = client.get(URL, {"limit": 1}).json()["next"]
    cursor = images.split("cursor=")[1].split("&")[0]
    assert client.get(URL, {"show": "posts", "cursor": cursor}).status_code == 400


def test_all_events_are_those_one_may_see(client: APIClient, made: Event, by_token, stranger):
    factories.organised(Event.objects.create(slug="secret", name="Secret"), 2)
    answer = client.get("/api/search/", {"q": "#tag1"}).json()
    assert {one["event"] for one in answer["images"]} == {"storm"}
    nothing = by_token(stranger).get("/api/search/", {"q": "#tag1"}).json()
    assert (nothing["n_images"], nothing["images"], nothing["posts"]) == (0, [], [])
    assert by_token(stranger).get(URL).status_code == 404
    assert APIClient().get("/api/search/").status_code == 401
