"""No address answers 5xx, whatever stands in it, in its query or in a form sent to it."""

from __future__ import annotations

import logging
import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery import search_filters
from imagery.models import Event
from tests.access_rules import RULES
from tests.routes import Route, furnished, routes

ROOT = Path(__file__).parent.parent
READS = re.compile(
    r"""(?:GET|POST|query|asked)(?:\.get(?:list)?)?[(\[]\s*"(\w+)"|request, "(\w+)\""""
)
WILD = (
    "", " ", "nan", "-inf", "1e999", "-1", "0", "1.5", "9" * 30, str(2**63), str(2**63 - 1), "\0",
    "a\0b", "\ud800", "٣", "²", "'\"><script>", "%00", "../../etc/passwd", "1,2", "1-2", "9" * 5000,
    "😀" * 2000, "2017-09-20T10:00", "0001-01-01", "9999-12-31T23:59:59+14:00", "a" * 20_000,
    '"', "(((", "NEAR/5 OR *", "-180,-90,180,90", "nan,nan,nan,nan", "[]", "{}", "null", "all",
)  # fmt: skip


def names() -> list[str]:
    """What pages read of a query or form, as their sources say."""
    found = {"page", "cursor", "limit", "similarity", *search_filters.NAMES}
    for folder in ("imagery", "analytics"):
        for path in (ROOT / folder).glob("**/*.py"):
            found |= {one or two for one, two in READS.findall(path.read_text())}
    return sorted(found)


TOGETHER = (
    "nan",
    "-1",
    "9" * 30,
    "a\0b",
    "\ud800",
    "²",
    "NEAR/5 OR *",
    "9999-12-31T23:59:59+14:00",
)
NAMES = names()
PAGES = [route for route in routes() if route.name in RULES and RULES[route.name].get]
FORMS = [
    (route, method)
    for route in routes()
    for method in ("post", "patch")
    if route.name in RULES and getattr(RULES[route.name], method)
]
HARMLESS = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@pytest.fixture
def values(event: Event, owner, analyst, annotator, viewer, stranger) -> dict[str, Any]:
    return furnished(event, owner)


@pytest.fixture
def client(values, owner, caplog: pytest.LogCaptureFixture) -> Client:
    caplog.set_level(logging.CRITICAL, "django")
    client = Client()
    client.force_login(owner)
    return client


def asked(client: Client, method: str, address: str, data: Any = None, **more: Any) -> Any:
    """The answer, read to its end; what it changed is undone."""
    with transaction.atomic():
        answer = getattr(client, method)(address, data, **more)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


def of_query(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


def test_names_are_found_in_the_sources() -> None:
    assert {"after", "mode", "versions", "q", "interval", "kind", "pair", "n"} <= set(NAMES)


@pytest.mark.django_db
@pytest.mark.parametrize("wild", TOGETHER, ids=range(len(TOGETHER)))
def test_every_page_bears_every_name_at_once(client: Client, values, wild: str) -> None:
    query = of_query([(name, wild) for name in NAMES])
    for route in PAGES:
        address = route.address(values | RULES[route.name].values(values))
        answer = asked(client, "get", f"{address}?{query}")
        assert answer.status_code < 500, (route.name, wild[:40])


@HARMLESS
@given(data=st.data())
@pytest.mark.django_db
def test_pages_bear_any_query(client: Client, values, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(PAGES))
    rule = RULES[route.name]
    text = st.sampled_from(WILD) | st.text(max_size=40)
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), text), min_size=1, max_size=4))
    own = [(name, str(value)) for name, value in rule.query(values).items()]
    address = f"{route.address(values | rule.values(values))}?{of_query(own + pairs)}"
    headers = {"HX-Request": "true"} if data.draw(st.booleans()) else {}
    assert asked(client, "get", address, headers=headers).status_code < 500


WILD_PLACES = ("0", "9" * 30, "9" * 5000, "\0", "é")


@pytest.mark.django_db
def test_addresses_bear_any_place(client: Client, values) -> None:
    for route, method in [(route, "get") for route in PAGES] + FORMS:
        own = values | RULES[route.name].values(values)
        for parameter in route.parameters:
            for wild in WILD_PLACES:
                address = route.address(own | {parameter: quote(wild)})
                more = {} if method != "patch" else {"content_type": "application/json"}
                answer = asked(client, method, address, {}, **more)
                assert answer.status_code < 500, (method, address[:80])


def sent(client: Client, route: Route, method: str, address: str, body: Any) -> int:
    files = any(isinstance(value, UploadedFile) for value in body.values())
    if route.is_api and not files:
        # Lone surrogates come as JSON writes them.
        more = {"content_type": "application/json"}
    else:
        more = {}
        body = {name: _plain(value) for name, value in body.items()}
    return asked(client, method, address, body, **more).status_code


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # a form has no lone surrogates
    return value if isinstance(value, UploadedFile) else str(value)


def wild_bodies(body: dict[str, Any], luck: random.Random) -> list[dict[str, Any]]:
    """A form sent empty, with too much, and with each of its fields made strange in turn."""
    picture = SimpleUploadedFile("../../a\0b.jpg", b"\xff\xd8\xff" + bytes(40))
    nothing = SimpleUploadedFile("nothing", b"")
    made: list[dict[str, Any]] = [{}, {f"field{i}": "x" for i in range(1200)}]
    made += [body | {name: luck.choice(WILD)} for name in ("next", "other", "unique", "queue")]
    for name in body:
        strange = [luck.choice(WILD), "9" * 30, "a\0\ud800", "x" * 100_000]
        made += [body | {name: value} for value in strange]
        made += [{key: value for key, value in body.items() if key != name}]
        made += [body | {name: picture}, body | {name: nothing}]
    return made


@pytest.mark.django_db
def test_forms_bear_any_field(client: Client, values) -> None:
    luck = random.Random(1)
    for route, method in sorted(FORMS, key=lambda form: form[0].name == "imagery:event-delete"):
        if route.name == "logout":
            continue
        rule = RULES[route.name]
        address = route.address(values | rule.values(values))
        for body in wild_bodies(getattr(rule, method).body(values), luck):
            for file in body.values():
                if isinstance(file, UploadedFile):
                    file.seek(0)
            status = sent(client, route, method, address, body)
            assert status < 500, (method, route.name, {k: str(v)[:40] for k, v in body.items()})


WILD_JSON = (
    b"", b"{", b"[]", b"null", b"1e999", b'{"a": NaN}', b"\xff\xfe", b"\0", b'{"name": "\\ud800"}',
    b'{"name": "a\\u0000b"}', b'{"name": [[]]}', b'{"name": {"name": 1}}', b"[" * 50_000,
    b'{"kind": ["same"], "image": 1e400, "other": {}, "hash": [], "url": {}, "event": []}',
)  # fmt: skip


@pytest.mark.django_db
def test_the_api_bears_any_body(client: Client, values) -> None:
    for route, method in FORMS:
        if not route.is_api or route.name in ("api-root", "<api/^(?P<rest>.*/)$>"):
            continue
        address = route.address(values)
        for body in WILD_JSON:
            for kind in ("application/json", "multipart/form-data; boundary=x", "a/b;"):
                answer = client.generic(method.upper(), address, body, content_type=kind)
                assert answer.status_code < 500, (route.name, body[:40], kind)
