import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import ingest
from imagery.models import Event, Import
from tests import factories

URL = "/api/events/storm/import/"
POSTS = (
    b'{"platform": "twitter", "id": "1", "posted_at": "2017-09-20T10:00:00Z", "text": "a"}\n'
    b"this is no row\n"
)


def posts(data: bytes = POSTS, name: str = "posts.ndjson") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def archive() -> SimpleUploadedFile:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.jpg", factories.jpeg())
    return SimpleUploadedFile("pictures.zip", file.getvalue())


@pytest.mark.django_db
def test_an_upload_is_queued_and_can_be_followed(client, event: Event, owner, monkeypatch) -> None:
    from imagery import tasks

    sent: list[int] = []
    monkeypatch.setattr(tasks.import_file, "delay_on_commit", sent.append)
    body = {"file": posts(name="../../etc/posts.ndjson"), "images": archive()}
    answer = client.post(URL, body, format="multipart")
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert answer["Location"] == f"http://testserver/api/events/storm/imports/{told['id']}/"
    assert (told["state"], told["filename"], told["bytes"]) == (
        "queued",
        "posts.ndjson",
        len(POSTS),
    )
    row = Import.objects.get()
    assert sent == [row.pk] and row.user == owner and row.format == "auto"
    assert Path(row.path).read_bytes() == POSTS
    assert zipfile.ZipFile(row.images_path).namelist() == ["a.jpg"]
    ingest.run(row)
    told = client.get(answer["Location"]).json()
    assert (told["state"], told["read"], told["new"], told["bad"]) == ("done", 2, 1, 1)
    bad = client.get(told["bad_rows"])
    assert bad["Content-Type"].startswith("application/x-ndjson")
    line = json.loads(b"".join(bad.streaming_content))
    assert line["line"] == 2 and line["row"] == "this is no row"
    assert client.get("/api/events/storm/imports/").json()["results"] == [told]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "file"),
        ({"file": "text"}, "file"),
        ({"file": posts(b"")}, "file"),
        ({"file": posts(), "format": "word"}, "format"),
        ({"file": posts(), "images": posts()}, "images"),
        ({"file": posts(), "name": "a"}, "name"),
    ],
)
def test_a_bad_upload_is_refused_by_its_field(client, event, body: dict, field: str) -> None:
    for value in body.values():
        if hasattr(value, "seek"):
            value.seek(0)
    answer = client.post(URL, body, format="multipart")
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) == {field}
    assert not Import.objects.exists()


@pytest.mark.django_db
def test_what_is_too_large_is_refused(client, event, settings) -> None:
    settings.MAX_UPLOAD_BYTES = 50
    answer = client.post(URL, {"file": posts()}, format="multipart")
    assert answer.status_code == 413
    assert f"{len(POSTS)} bytes" in answer.json()["detail"] and "50" in answer.json()["detail"]
    settings.MAX_UPLOAD_BYTES = 1000
    answer = client.post(URL, {"file": posts(b"x" * (2**20 + 4000))}, format="multipart")
    assert answer.status_code == 413 and "The request has" in answer.json()["detail"]
    assert not Import.objects.exists()


@pytest.mark.django_db
def test_only_multipart_is_taken(client, event) -> None:
    assert client.post(URL, {"file": "a"}, format="json").status_code == 415
    broken = client.post(URL, b"--x\r\n", content_type="multipart/form-data")
    assert broken.status_code == 400
    assert not Import.objects.exists()


@pytest.mark.django_db
def test_an_import_without_bad_rows_has_none_to_give(client, event: Event) -> None:
    row = event.imports.create(filename="a", path="/nowhere")
    told = client.get(f"/api/events/storm/imports/{row.pk}/").json()
    assert told["bad_rows"] is None
    missing = client.get(f"/api/events/storm/imports/{row.pk}/bad-rows/")
    assert missing.status_code == 404 and "detail" in missing.json()
