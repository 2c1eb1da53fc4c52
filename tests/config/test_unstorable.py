"""A NUL in a request: stored or refused, never a traceback."""

import pytest
from django.db import DataError
from django.test import RequestFactory

from config.unstorable import NoNul


@pytest.mark.parametrize(
    "said",
    [
        "PostgreSQL text fields cannot contain NUL (0x00) bytes",
        "unsupported Unicode escape sequence",
    ],
)
def test_what_the_database_cannot_store_is_a_bad_request(said, rf: RequestFactory):
    answer = NoNul(lambda _: None).process_exception(rf.get("/api/events/"), DataError(said))
    assert answer is not None and answer.status_code == 400
    assert b"NUL" in answer.content


@pytest.mark.django_db
def test_pages_say_so_too(client, viewer, event, monkeypatch):
    def refuse(*_: object) -> None:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    client.force_login(viewer)
    monkeypatch.setattr("imagery.views.palette.searches", refuse)
    answer = client.get("/palette/", {"q": "a", "event": event.slug})
    assert answer.status_code == 400 and b"NUL" in answer.content


def test_other_errors_of_data_are_not_hidden(rf: RequestFactory):
    error = DataError("integer out of range")
    assert NoNul(lambda _: None).process_exception(rf.get("/"), error) is None


@pytest.mark.django_db
def test_an_address_with_one_is_refused_before_anything_is_read(client, viewer, event):
    client.force_login(viewer)
    for address in ("/palette/?q=a%00b", "/e/sto%00rm/"):
        answer = client.get(address)
        assert answer.status_code == 400 and b"NUL" in answer.content
