"""Who is answered what: every address the router knows, every role, every method."""

from __future__ import annotations

import logging
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.test import Client

from imagery.models import Event
from tests.access_rules import (
    ADMIN,
    ADMIN_OPEN,
    API_REFUSED,
    CAST,
    REFUSED,
    RULES,
    Rule,
    Sent,
)
from tests.routes import Route, furnished, routes

CSRF = "a" * 32
METHODS = ("post", "patch", "put", "delete")
LAST = {"imagery:event-delete", "api:event"}  # a deleted event's files do not come back


@pytest.fixture
def values(event: Event, owner, analyst, annotator, viewer, stranger) -> dict[str, Any]:
    User.objects.create_user("newcomer")
    return furnished(event, owner)


@pytest.fixture(autouse=True)
def refusals_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "django")


class Writes:
    """Counts statements that change rows, other than sessions and when somebody last came."""

    n = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        writes = sql.startswith(("INSERT", "UPDATE", "DELETE"))
        if writes and "django_session" not in sql and 'SET "last_login"' not in sql:
            self.n += 1
        return execute(sql, params, many, context)


def rule_of(route: Route) -> Rule | None:
    if route.is_admin:
        return ADMIN_OPEN.get(route.name, ADMIN)
    return RULES.get(route.name)


def in_turn() -> list[Route]:
    return sorted(routes(), key=lambda route: route.name in LAST)


def test_every_address_has_a_rule_and_every_rule_an_address() -> None:
    names = [route.name for route in routes()]
    missing = [
        name for name in names if name not in RULES and not name.startswith(("admin:", "<admin/"))
    ]
    assert not missing, (
        f"Nobody has said who may open {', '.join(missing)}: add to RULES in tests/access_rules.py"
        ' a line such as "imagery:example": reads(), or both(EDITS, body) where it takes a POST.'
    )
    assert not set(RULES) - set(names), "rules of addresses that are gone"


class Person:
    """A browser of one of the cast; each request begins with the cookies of the login."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client = Client(enforce_csrf_checks=True)
        if name != "nobody":
            self.client.force_login(User.objects.get(username=name))
        self.cookies = self.client.cookies.output(header="", sep=";")

    def ask(self, method: str, address: str, data: Any, *, csrf: bool = True) -> tuple[Any, int]:
        """The answer, read to its end, and how many rows' statements it took; all undone."""
        self.client.cookies = SimpleCookie(self.cookies)
        more: dict[str, Any] = {}
        if csrf:
            self.client.cookies["csrftoken"] = CSRF
            more["headers"] = {"X-CSRFToken": CSRF}
        files = any(isinstance(value, UploadedFile) for value in data.values())
        of_api = method == "post" and address.startswith("/api/") and not files
        if of_api or method in ("patch", "put", "delete"):
            more["content_type"] = "application/json"
        writes = Writes()
        with transaction.atomic(), connection.execute_wrapper(writes):
            answer = getattr(self.client, method)(address, data, **more)
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        return answer, writes.n


def address_of(route: Route, rule: Rule, values: dict[str, Any]) -> str:
    return route.address(values | rule.values(values))


@pytest.mark.django_db
@pytest.mark.parametrize("name", CAST)
def test_looking(values: dict[str, Any], name: str) -> None:
    person, wrong = Person(name), []
    for route in in_turn():
        rule = rule_of(route)
        if rule is None:
            continue
        refused = rule.others or (API_REFUSED if route.is_api else REFUSED)
        want = (rule.get or refused)[CAST.index(name)]
        answer, n_writes = person.ask("get", address_of(route, rule, values), rule.query(values))
        if answer.status_code != want or not honest(answer, want, name):
            wrong.append(f"GET {route.name}: {answer.status_code}, not {want}")
        if n_writes:
            wrong.append(f"GET {route.name}: {n_writes} writes by looking")
    assert not wrong, f"{name}: " + "; ".join(wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("name", CAST)
def test_changing(values: dict[str, Any], name: str) -> None:
    person, wrong = Person(name), []
    for route in in_turn():
        rule = rule_of(route)
        for method in METHODS if rule else ():
            sent = getattr(rule, method) or unnamed(route, rule)
            want = sent.answers[CAST.index(name)]
            address = address_of(route, rule, values)
            answer, n_writes = person.ask(method, address, sent.body(values))
            if answer.status_code != want or not honest(answer, want, name):
                wrong.append(f"{method} {route.name}: {answer.status_code}, not {want}")
            may = want < 400 and not (name == "nobody" and to_login(answer))
            if bool(n_writes) != (may and sent.writes):
                wrong.append(f"{method} {route.name}: {n_writes} writes")
    assert not wrong, f"{name}: " + "; ".join(wrong)


def unnamed(route: Route, rule: Rule) -> Sent:
    refused = API_REFUSED if route.is_api else REFUSED
    return Sent(rule.others or refused, writes=False)


def to_login(answer: Any) -> bool:
    return answer.status_code == 302 and "login/?next=" in answer["Location"]


def honest(answer: Any, want: int, name: str) -> bool:
    """A redirect to the login is for nobody, or for the administration."""
    return want != 302 or name == "nobody" or not answer["Location"].startswith("/login/?")


@pytest.mark.django_db
def test_nothing_is_changed_by_a_session_without_its_csrf_token(values: dict[str, Any]) -> None:
    person, wrong = Person("owner"), []
    for route in in_turn():
        rule = rule_of(route)
        if rule is None or not rule.csrf:
            continue
        for method in METHODS:
            sent = getattr(rule, method)
            if sent is None:
                continue
            address = address_of(route, rule, values)
            answer, n_writes = person.ask(method, address, sent.body(values), csrf=False)
            if answer.status_code != 403 or n_writes:
                wrong.append(f"{method} {route.name}: {answer.status_code}, {n_writes} writes")
    assert not wrong, "; ".join(wrong)


@pytest.mark.django_db
def test_tables_of_members_are_the_owners(values: dict[str, Any]) -> None:
    told = [
        Person(name).ask("get", "/e/storm/tables/members.csv", {})[0].status_code for name in CAST
    ]
    assert told == [200, 404, 404, 404, 404, 302]


@pytest.mark.django_db
def test_who_administers_reaches_its_pages_and_no_event_by_that_alone(values) -> None:
    User.objects.create_superuser("keeper")
    keeper = Person("keeper")
    for route in routes():
        if route.is_admin and not route.parameters and route.name not in ADMIN_OPEN:
            answer, _ = keeper.ask("get", route.address(values), {})
            assert answer.status_code in (200, 302, 403, 404, 405), route.name
            assert not to_login(answer), route.name
    assert keeper.ask("get", "/admin/auth/user/", {})[0].status_code == 200
    assert keeper.ask("get", "/e/storm/", {})[0].status_code == 404
