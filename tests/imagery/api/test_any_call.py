"""Calls made up from the OpenAPI document: whatever fits it, or does not, is no 5xx."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from imagery.models import Event
from tests.routes import furnished

DOCUMENT = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
OPERATIONS = [found.ok() for found in DOCUMENT.get_all_operations()]
NAMES = {
    "slug", "image_id", "import_id", "decision_id", "collection_id", "post_id", "sha256", "side",
    "key",
}  # fmt: skip
CAST = ("owner", "analyst", "viewer", "stranger", "nobody")


@pytest.fixture
def values(event: Event, owner, analyst, viewer, annotator, stranger) -> dict[str, Any]:
    return furnished(event, owner)


@pytest.fixture
def clients(request: pytest.FixtureRequest, values, caplog) -> dict[str, Client]:
    caplog.set_level(logging.CRITICAL, "django")
    made = {name: Client() for name in CAST}
    for name in CAST[:-1]:
        made[name].force_login(request.getfixturevalue(name))
    return made


def called(client: Client, case: Any, path: str) -> int:
    """The status; what the call changed is undone."""
    given = case.as_transport_kwargs(base_url="http://testserver")
    sent = _request(given).prepare()
    headers = {n: str(v) for n, v in sent.headers.items() if n.lower() != "content-length"}
    kind = headers.pop("Content-Type", "application/octet-stream")
    body = sent.body.encode() if isinstance(sent.body, str) else (sent.body or b"")
    query = sent.url.partition("?")[2] if sent.url else ""
    with transaction.atomic():
        answer = client.generic(
            case.method, path, body, content_type=kind, headers=_plain(headers), QUERY_STRING=query
        )
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer.status_code


def _request(given: dict[str, Any]) -> Any:
    import requests

    names = ("method", "url", "params", "data", "json", "files", "headers", "cookies")
    known = {name: given[name] for name in names if given.get(name) is not None}
    known["url"] = "http://testserver/"
    return requests.Request(**known)


def _plain(headers: dict[str, str]) -> dict[str, str]:
    return {n: v for n, v in headers.items() if n.lower() not in ("cookie", "authorization")}


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_no_call_breaks(clients: dict[str, Client], values: dict[str, Any], operation: Any) -> None:
    real = {"slug": "storm"} | {name: values[name] for name in NAMES}
    cases = (
        st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
        if operation.query or operation.body
        else operation.as_strategy()
    )

    @settings(
        max_examples=8, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, name=st.sampled_from((*CAST, "owner", "owner")))
    def call(case: Any, name: str) -> None:
        path = operation.path.format(**real)
        status = called(clients[name], case, path)
        assert status < 500, (name, case.method, path, case.query, case.body)

    call()
