"""The OpenAPI document: complete, valid, and what is answered is what it says."""

import subprocess
import sys

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from imagery.api.urls import urlpatterns
from imagery.models import Event, UniqueImage


@pytest.fixture(scope="module")
def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_it_is_valid_and_names_every_endpoint(schema: dict, capsys) -> None:
    validate_schema(schema)
    assert "Warning" not in capsys.readouterr().err
    told = {path.replace("/api/", "", 1) for path in schema["paths"]}
    for pattern in urlpatterns:
        address = str(pattern.pattern)
        for kind in ("slug:", "int:"):
            address = address.replace(f"<{kind}", "<")
        assert address.replace("<", "{").replace(">", "}") in told
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["operationId"] and operation["description"]


def test_the_command_gives_no_warning() -> None:
    command = [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("openapi: 3.")


@pytest.mark.django_db
def test_answers_have_the_fields_it_names(schema: dict, client, made: Event) -> None:
    unique = UniqueImage.objects.filter(event=made).earliest("rank")
    shapes = schema["components"]["schemas"]
    for path, name in {
        "": "Event",
        "images/": "UniqueImagePage",
        f"images/{unique.pk}/": "UniqueImageDetail",
        f"images/{unique.pk}/copies/": "CopyPage",
        "groups/": "GroupPage",
        f"groups/{unique.pk}/": "GroupMembers",
        "urls/": "LinkPage",
        "posts/": "PostPage",
        "decisions/": "DecisionPage",
        "doubtful/": "DoubtPage",
        "reduction/": "Reduction",
        "timeline/": "Timeline",
    }.items():
        agree(client.get(f"/api/events/storm/{path}").json(), shapes[name], shapes, path)


def agree(value: object, shape: dict, shapes: dict, where: str) -> None:
    """The value has exactly the named fields, of the named types, all the way down."""
    for part in shape.get("allOf", []):
        shape = part
    if "$ref" in shape:
        shape = shapes[shape["$ref"].rsplit("/", 1)[1]]
    if value is None:
        assert shape.get("nullable"), where
        return
    kind = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
        "number": (int, float),
    }[shape["type"]]  # fmt: skip
    assert isinstance(value, kind), (where, value, shape)
    if isinstance(value, dict):
        assert set(value) == set(shape["properties"]), where
        for name, part in value.items():
            agree(part, shape["properties"][name], shapes, f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            agree(item, shape["items"], shapes, f"{where}[]")


@pytest.mark.django_db
def test_the_page_and_the_document_need_a_login(client, owner, by_session) -> None:
    from rest_framework.test import APIClient

    assert APIClient().get("/api/docs/").status_code == 302
    assert APIClient().get("/api/schema/").status_code == 401
    assert client.get("/api/schema/").status_code == 200
    page = by_session(owner).get("/api/docs/")
    assert page.status_code == 200
    assert (
        "'unsafe-inline'"
        not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    )
    text = page.content.decode()
    assert "<script>" not in text and "https://" not in text
    script = by_session(owner).get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert by_session(owner).get("/api/").headers["Location"] == "/api/docs/"
