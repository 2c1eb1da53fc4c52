import errno
import sqlite3

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from imagery.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(owner) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    return client


def _failing(error: Exception):
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error, told",
    [
        (OperationalError("database is locked"), "database is busy"),
        (OperationalError("connection refused"), "out of reach"),
        (InterfaceError("the connection is closed"), "out of reach"),
        (OperationalError("database or disk is full"), "disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
    ],
)
@pytest.mark.parametrize("path", ["/e/{}/", "/api/events/{}/"])
def test_what_may_work_later_is_told_so(browser, event, monkeypatch, error, told, path):
    monkeypatch.setattr(Event.objects.__class__, "visible_to", _failing(error))
    response = browser.get(path.format(event.slug))
    assert response.status_code == 503
    assert response["Retry-After"]
    assert told in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_anything_else_is_our_fault(browser, event, monkeypatch):
    monkeypatch.setattr(Event.objects.__class__, "visible_to", _failing(ZeroDivisionError()))
    page, answer = browser.get(f"/e/{event.slug}/"), browser.get(f"/api/events/{event.slug}/")
    assert (page.status_code, answer.status_code) == (500, 500)
    assert "Something broke on our side" in page.content.decode()
    assert "Something broke on our side" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL locks rows, not all")
def test_a_database_that_stays_locked(browser, event):
    made = factories.organised(event, n_unique=1)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        page = browser.get(f"/e/{event.slug}/")
        saved = browser.post(f"/e/{event.slug}/settings/", {"name": "Other", "timezone": "UTC"})
        told = browser.post(f"/e/{event.slug}/process/")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 60000")
    assert made.n_unique == 1
    assert page.status_code == 200  # readers do not wait for writers
    assert saved.status_code in (422, 503)
    assert told.status_code == 503
    assert "database is busy" in told.content.decode()
