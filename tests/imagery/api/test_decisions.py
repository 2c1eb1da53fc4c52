"""Decisions over the API: listed, made, undone; and what waits for one."""

import pytest

from imagery import dedup
from imagery.models import Decision, Event, Image
from tests.hashed import image, ones

pytestmark = pytest.mark.django_db
BASE = "/api/events/storm/decisions/"
DOUBTFUL = "/api/events/storm/doubtful/"


@pytest.fixture(autouse=True)
def passes(monkeypatch) -> list[str]:
    begun: list[str] = []
    monkeypatch.setattr("imagery.pipeline.start", lambda event_id, at: begun.append(at))
    return begun


@pytest.fixture
def three(event: Event) -> list[Image]:
    made = [
        image(event, "a", 0, 0, 10, 20),
        image(event, "b", ones(7), 5),
        image(event, "c", ones(10, 20), 8, 9),
    ]
    dedup.run(event)
    return made


def test_decided_listed_undone(client, three, passes) -> None:
    a, b, _ = three
    body = {"kind": "same", "image": b.sha256, "other": a.sha256}
    answer = client.post(BASE, body, format="json")
    told = answer.json()
    assert answer.status_code == 201
    assert {k: told[k] for k in ("kind", "image", "other", "text", "by", "undone_at")} == {
        "kind": "same", "image": a.sha256, "other": b.sha256, "text": "", "by": "owner",
        "undone_at": None,
    }  # fmt: skip
    assert passes == ["dedup"]
    name = {"kind": "name", "image": a.sha256, "text": "Harbour"}
    assert client.post(BASE, name, format="json").status_code == 201
    assert client.get(f"{BASE}{told['id']}/").json() == told

    def kinds(query: str) -> list[str]:
        return [row["kind"] for row in client.get(f"{BASE}?{query}").json()["results"]]

    assert kinds("") == ["name", "same"]
    assert kinds("kind=same") == ["same"]
    assert kinds(f"sha256={b.sha256}") == ["same"]
    undone = client.delete(f"{BASE}{told['id']}/").json()
    assert (undone["undone_by"], undone["undone_at"] is None) == ("owner", False)
    assert kinds("active=true") == ["name"]
    assert kinds("active=false") == ["same"]
    first = client.get(f"{BASE}?limit=1").json()
    assert [row["kind"] for row in client.get(first["next"]).json()["results"]] == ["same"]


def test_bad_decisions_are_refused_by_name(client, event, three) -> None:
    a, b, _ = three
    stray = image(Event.objects.create(slug="flood", name="Flood"), "z", 0, 0)
    for body, field in [
        ({"kind": "sane", "image": a.sha256}, "kind"),
        ({"kind": "same"}, "image"),
        ({"kind": "same", "image": "x", "other": a.sha256}, "image"),
        ({"kind": "same", "image": stray.sha256, "other": a.sha256}, "image"),
        ({"kind": "same", "image": a.sha256, "other": "0" * 64}, "other"),
        ({"kind": "same", "image": a.sha256}, "detail"),
        ({"kind": "apart", "image": a.sha256, "other": b.sha256}, "detail"),
        ({"kind": "name", "image": a.sha256}, "detail"),
        ({"kind": "name", "image": a.sha256, "text": "x" * 121}, "text"),
        ({"kind": "apart", "image": a.sha256, "why": "so"}, "why"),
    ]:
        answer = client.post(BASE, body, format="json")
        assert answer.status_code == 400 and field in answer.json(), (body, answer.content)
    assert not Decision.objects.exists()
    for method in (client.get, client.delete):
        assert method(f"{BASE}999/").status_code == 404
    assert client.get(f"{BASE}?kind=sane").status_code == 400


def test_roles(request, three, by_token) -> None:
    a, b, c = three
    for n, (name, reads, writes) in enumerate(
        [
            ("owner", 200, 201),
            ("analyst", 200, 201),
            ("viewer", 200, 403),
            ("annotator", 404, 404),
            ("stranger", 404, 404),
        ]
    ):
        client = by_token(request.getfixturevalue(name))
        body = {"kind": "same", "image": a.sha256, "other": (b, c)[n % 2].sha256}
        answer = client.post(BASE, body, format="json")
        assert answer.status_code == writes, name
        for path in (BASE, DOUBTFUL):
            assert client.get(path).status_code == reads, name
        if n == 0:
            held = answer.json()["id"]
            assert client.delete(f"{BASE}{held}/").status_code == 200
            held = client.post(BASE, body, format="json").json()["id"]
        assert client.get(f"{BASE}{held}/").status_code == reads
        if writes != 201:
            assert client.delete(f"{BASE}{held}/").status_code == writes
    assert Decision.objects.active().count() == 2


def test_what_waits_for_a_decision(client, three) -> None:
    a, b, c = three
    told = client.get(DOUBTFUL).json()
    assert (told["total"], told["being_applied"], told["next"]) == (2, False, None)
    first, second = told["results"]
    assert (first["kind"], first["bits"], first["posts"]) == ("beyond", 10, 2)
    assert (first["image"]["sha256"], first["other"]["sha256"]) == (a.sha256, c.sha256)
    assert second["other"]["sha256"] == b.sha256
    page = client.get(f"{DOUBTFUL}?limit=1").json()
    assert client.get(page["next"]).json()["results"] == [second]
    assert client.get(f"{DOUBTFUL}?kind=within").json()["total"] == 1
    assert client.get(f"{DOUBTFUL}?cursor=x").status_code == 400
    body = {"kind": "different", "image": a.sha256, "other": c.sha256}
    client.post(BASE, body, format="json")
    told = client.get(DOUBTFUL).json()
    assert (told["total"], told["being_applied"]) == (1, True)
