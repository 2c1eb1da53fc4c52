"""Who is answered what: every endpoint, every role, by token and by session."""

import pytest
from rest_framework.test import APIClient

from imagery.models import Event, Image, Import, Membership, UniqueImage
from tests import factories

READS = (
    "", "imports/", "imports/{import_id}/", "jobs/", "urls/", "posts/", "posts/?image={image}",
    "images/", "images/{image}/", "images/{image}/copies/", "groups/", "groups/{image}/",
    "groups/?similarity=0.7", "reduction/", "timeline/", "decisions/",
    "doubtful/", "thumbs/{sha256}/320.jpg",
    "files/{sha256}/",
)  # fmt: skip
CAST = ("owner", "analyst", "annotator", "viewer", "stranger", "nobody")


@pytest.fixture
def where(made: Event) -> dict[str, object]:
    unique = UniqueImage.objects.filter(event=made).earliest("rank")
    row = Import.objects.create(event=made, filename="a.ndjson", path="/nowhere")
    return {
        "image": unique.pk,
        "sha256": unique.representative.sha256,
        "import_id": row.pk,
    }


def client_of(request: pytest.FixtureRequest, name: str, how: str) -> APIClient:
    if name == "nobody":
        return APIClient()
    return request.getfixturevalue(how)(request.getfixturevalue(name))


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["by_token", "by_session"])
def test_reading(request: pytest.FixtureRequest, where: dict[str, object], how: str) -> None:
    for name in CAST:
        client = client_of(request, name, how)
        want = {"annotator": 404, "stranger": 404, "nobody": 401}.get(name, 200)
        for read in READS:
            answer = client.get(f"/api/events/storm/{read.format(**where)}")
            assert answer.status_code == want, (name, read)
            assert want == 200 or set(answer.json()) == {"detail"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", CAST)
@pytest.mark.parametrize(
    ("method", "path", "body", "allowed", "status"),
    [
        ("patch", "", {"name": "Gale"}, ("owner", "analyst"), 200),
        ("post", "process/", {}, ("owner", "analyst"), 202),
        ("post", "import/", None, ("owner", "analyst"), 202),
        ("delete", "", {}, ("owner",), 204),
    ],
)
def test_changing(
    request: pytest.FixtureRequest,
    event: Event,
    name: str,
    method: str,
    path: str,
    body: dict[str, str] | None,
    allowed: tuple[str, ...],
    status: int,
) -> None:
    client = client_of(request, name, "by_token")
    if body is None:
        data = {"file": factories_file()}
        answer = client.post(f"/api/events/storm/{path}", data, format="multipart")
    else:
        answer = getattr(client, method)(f"/api/events/storm/{path}", body, format="json")
    refused = {"annotator": 404, "stranger": 404, "nobody": 401}.get(name, 403)
    assert answer.status_code == (status if name in allowed else refused), answer.content
    if refused == 403 and name not in allowed:
        assert name in answer.json()["detail"] and "storm" in answer.json()["detail"]
    event.refresh_from_db() if not (method == "delete" and name in allowed) else None
    assert Event.objects.filter(slug="storm").exists() is not (
        method == "delete" and name in allowed
    )
    if method == "patch":
        assert event.name == ("Gale" if name in allowed else "Storm")
    if path == "process/":
        assert event.jobs.exists() is (name in allowed)
    if path == "import/":
        assert event.imports.exists() is (name in allowed)


def factories_file() -> object:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("posts.ndjson", b'{"id": "1"}\n')


@pytest.mark.django_db
def test_a_list_holds_only_events_of_the_person(
    event: Event, owner, viewer, annotator, stranger, by_token
) -> None:
    other = Event.objects.create(slug="flood", name="Flood")
    Membership.objects.create(event=other, user=viewer, role="owner")
    told = {
        user.username: [
            (e["slug"], e["role"]) for e in by_token(user).get("/api/events/").json()["results"]
        ]
        for user in (owner, viewer, annotator, stranger)
    }
    assert told == {
        "owner": [("storm", "owner")],
        "viewer": [("flood", "owner"), ("storm", "viewer")],
        "annotator": [],
        "stranger": [],
    }


@pytest.mark.django_db
def test_a_session_needs_its_csrf_token_to_change_anything(event: Event, owner, by_session) -> None:
    client = by_session(owner)
    refused = client.post("/api/events/storm/process/")
    assert refused.status_code == 403 and "CSRF" in refused.json()["detail"]
    assert not event.jobs.exists()
    client.cookies["csrftoken"] = "a" * 32
    accepted = client.post("/api/events/storm/process/", HTTP_X_CSRFTOKEN="a" * 32)
    assert accepted.status_code == 202
    assert event.jobs.exists()


@pytest.mark.django_db
def test_rows_of_another_event_are_not_there(
    made: Event, where: dict[str, object], owner, client
) -> None:
    other = Event.objects.create(slug="flood", name="Flood")
    Membership.objects.create(event=other, user=owner, role="owner")
    file = factories.image(other, factories.jpeg(99))
    assert Image.objects.filter(event=made, sha256=file.sha256).count() == 0
    for path in ("imports/{import_id}/", "images/{image}/", "images/{image}/copies/",
                 "groups/{image}/", "files/{sha256}/", "thumbs/{sha256}/320.jpg"):  # fmt: skip
        assert client.get(f"/api/events/flood/{path.format(**where)}").status_code == 404, path
    assert client.get(f"/api/events/storm/files/{file.sha256}/").status_code == 404
    refused = client.get(f"/api/events/flood/posts/?image={where['image']}")
    assert refused.status_code == 400 and "image" in refused.json()


@pytest.mark.django_db
def test_a_deactivated_person_is_nobody(event: Event, owner, client) -> None:
    owner.is_active = False
    owner.save()
    assert client.get("/api/events/").status_code == 401
