"""Looking a picture up over the API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import look_ups
from imagery.models import Event, Image, LookUp
from tests import factories
from tests.imagery.api.test_schema import agree, schema

__all__ = ["schema"]
pytestmark = pytest.mark.django_db
URL = "/api/look-ups/"


def picture(index: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", factories.jpeg(index, (96, 72), 88), "image/jpeg")


def first(event: Event) -> Image:
    return Image.objects.get(event=event, represents__rank=1)


def test_a_file_is_looked_up(client, made: Event, schema: dict) -> None:
    answer = client.post(URL, {"file": picture(), "event": "storm"}, format="multipart")
    assert answer.status_code == 202
    row = LookUp.objects.get()
    if row.is_unfinished:
        look_ups.run(row.pk)
    assert answer["Location"].endswith(f"/api/look-ups/{row.key}/")
    told = client.get(answer["Location"]).json()
    shapes = schema["components"]["schemas"]
    agree(told, shapes["LookUp"], shapes, "look-up")
    assert told["state"] == "done" and told["event"] == "storm"
    assert told["found"]["exact"][0]["image"] == first(made).unique_id
    assert told["found"]["exact"][0]["sha256"] == told["sha256"] == first(made).sha256
    assert told["first_seen"]["url"] == "https://posts.example/1000"
    assert told["first_seen"]["account"]["handle"] == "person0"
    assert (told["n_images"], told["n_events"]) == (made.n_images, 1)
    assert client.get(told["page"]).status_code in (200, 302)


def test_a_hash_is_answered_at_once(client, made: Event) -> None:
    told = client.post(URL, {"hash": first(made).phash}, format="json").json()
    assert told["state"] == "done" and told["event"] is None
    assert told["found"]["near"][0]["bits"] == 0
    assert told["found"]["alike"] is None and told["notes"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "detail"),
        ({"url": "https://a.example/a.jpg", "hash": "0" * 16}, "detail"),
        ({"hash": "zz"}, "hash"),
        ({"url": "ftp://a.example/a.jpg"}, "url"),
        ({"url": "http://127.0.0.1/a.jpg"}, "url"),
        ({"hash": "0" * 16, "where": "all"}, "where"),
    ],
)
def test_what_is_wrong_is_named(client, made: Event, body: dict, field: str) -> None:
    answer = client.post(URL, body, format="json")
    assert answer.status_code == 400 and set(answer.json()) == {field}
    assert not LookUp.objects.exists()


def test_too_large_is_told_before_it_is_read(client, made: Event, settings) -> None:
    settings.IMAGERY_MAX_BYTES = 10
    big = SimpleUploadedFile("a.jpg", b"\xff\xd8" * 2**20, "image/jpeg")
    answer = client.post(URL, {"file": big}, format="multipart")
    assert answer.status_code == 413
    answer = client.post(URL, {"file": picture()}, format="multipart")
    assert answer.status_code == 400 and "a.jpg" in answer.json()["file"][0]


def test_too_many_are_told_to_wait(client, made: Event, monkeypatch) -> None:
    monkeypatch.setattr(look_ups, "PER_MINUTE", 0)
    answer = client.post(URL, {"hash": "0" * 16}, format="json")
    assert answer.status_code == 429 and answer["Retry-After"] == "60"


@pytest.mark.parametrize("who", ["viewer", "annotator", "stranger", "nobody"])
def test_who_may_look_and_see(client, made: Event, by_token, who: str, request) -> None:
    from rest_framework.test import APIClient

    row = LookUp.objects.get(key=client.post(URL, {"hash": "0" * 16}).json()["key"])
    theirs = APIClient() if who == "nobody" else by_token(request.getfixturevalue(who))
    want = {"viewer": 202, "nobody": 401}.get(who, 404)
    assert theirs.post(URL, {"hash": "0" * 16}).status_code == want
    assert theirs.post(URL, {"hash": "0" * 16, "event": "storm"}).status_code == want
    assert theirs.get(f"{URL}{row.key}/").status_code == {202: 200}.get(want, want)
    assert theirs.get(f"{URL}none/").status_code == (401 if who == "nobody" else 404)
