"""Logging in, the pause after wrong passwords, and pages for what went wrong."""

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from imagery.views import login

pytestmark = pytest.mark.django_db
RIGHT = {"username": "owner", "password": "correct horse battery"}
WRONG = {"username": "owner", "password": "wrong"}
PAGE = reverse("login")


@pytest.fixture(autouse=True)
def nobody_failed_yet() -> None:
    cache.clear()


def test_logging_in_leads_where_one_was_going(client: Client, owner) -> None:
    answer = client.post(PAGE, {**RIGHT, "next": "/e/storm/"})
    assert answer["Location"] == "/e/storm/"


def test_not_to_other_sites(client: Client, owner) -> None:
    answer = client.post(PAGE, {**RIGHT, "next": "https://evil.example/"})
    assert answer["Location"] == reverse("imagery:events")


def test_a_pause_follows_repeated_wrong_passwords(client: Client, owner, stranger) -> None:
    for _ in range(login.MOST):
        assert "Too many" not in client.post(PAGE, WRONG).content.decode()
    assert "Try again in 15 minutes" in client.post(PAGE, RIGHT).content.decode()
    # Somebody else at the same address is let in.
    assert client.post(PAGE, {**RIGHT, "username": "stranger"}).status_code == 302


def test_a_right_password_starts_the_count_anew(client: Client, owner) -> None:
    for _ in range(login.MOST - 1):
        client.post(PAGE, WRONG)
    assert client.post(PAGE, RIGHT).status_code == 302
    client.logout()
    for _ in range(login.MOST - 1):
        client.post(PAGE, WRONG)
    assert client.post(PAGE, RIGHT).status_code == 302


def test_trying_many_names_is_paused_too(client: Client, owner, monkeypatch) -> None:
    monkeypatch.setattr(login, "MOST_ADDRESS", 3)
    for n in range(3):
        client.post(PAGE, {"username": f"guess{n}", "password": "x"})
    assert "Too many" in client.post(PAGE, RIGHT).content.decode()
    assert client.post(PAGE, RIGHT, REMOTE_ADDR="10.9.8.7").status_code == 302


def test_password_is_changed(client: Client, owner) -> None:
    client.force_login(owner)
    new = "a longer passphrase 7"
    form = {"old_password": RIGHT["password"], "new_password1": new, "new_password2": new}
    answer = client.post(reverse("password_change"), form, follow=True)
    assert "Your password is changed" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_a_missing_page_says_what_to_do(client: Client, owner) -> None:
    client.force_login(owner)
    answer = client.get("/e/nowhere/")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()
    assert "Go to your events" in answer.content.decode()


@pytest.mark.parametrize("name", ["500.html", "403_csrf.html"])
def test_error_pages_stand_alone(name: str) -> None:
    page = render_to_string(name)
    assert page.startswith("<!doctype html>")
    assert "<script" not in page


def test_scripts_are_ours_alone(client: Client, owner, event) -> None:
    client.force_login(owner)
    answer = client.get(event.get_absolute_url())
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    page = answer.content.decode()
    assert "<script>" not in page
    assert " onclick=" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
