"""Upload, what became of it, and its bad rows."""

import errno
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from imagery import ingest
from imagery.models import Import

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:import", args=["storm"])
CSV = b"id,platform,time\n1,x,2017-09-20T10:00:00Z\n"


def upload(content: bytes = CSV, name: str = "posts.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


def test_an_upload_is_kept_and_queued(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    answer = client.post(PAGE, {"file": upload(), "format": "csv"})
    assert answer["Location"] == PAGE
    row = event.imports.get()
    assert (row.filename, row.format, row.state) == ("posts.csv", "csv", "queued")
    assert row.user == analyst
    assert Path(row.path).read_bytes() == CSV


def test_an_upload_is_read_by_a_job(
    client: Client, event, owner, samples, django_capture_on_commit_callbacks
) -> None:
    client.force_login(owner)
    sample = (samples / "ndjson.ndjson").read_bytes()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(PAGE, {"file": upload(sample, "posts.ndjson")})
    row = event.imports.get()
    assert row.state == "done", row.reason
    assert row.n_new > 0
    page = client.get(PAGE).content.decode()
    assert "posts.ndjson" in page
    assert "every 2s" not in page.split('id="imports"')[1]


def test_a_script_gets_json(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    json = {"Accept": "application/json"}
    assert client.post(PAGE, {"file": upload()}, headers=json).json() == {"url": PAGE}
    refused = client.post(PAGE, {}, headers=json)
    assert refused.status_code == 422
    assert "required" in refused.json()["error"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "This field is required"),
        ({"file": b""}, "empty"),
        ({"file": CSV, "format": "tarot"}, "tarot"),
    ],
)
def test_bad_uploads_are_refused(client: Client, event, owner, sent, words) -> None:
    client.force_login(owner)
    if "file" in sent:
        sent = {**sent, "file": upload(sent["file"])}
    answer = client.post(PAGE, sent)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Import.objects.exists()


def test_too_large_a_file_is_refused_with_another_way(
    client: Client, event, owner, settings
) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    client.force_login(owner)
    assert "manage.py import_posts" in client.post(PAGE, {"file": upload()}).content.decode()
    assert not Import.objects.exists()


def test_viewers_look_but_do_not_upload(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    assert 'type="file"' not in client.get(PAGE).content.decode()
    assert client.post(PAGE, {"file": upload()}).status_code == 404


def test_strangers(client: Client, event, stranger) -> None:
    client.force_login(stranger)
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"file": upload()}).status_code == 404


def test_queries(client: Client, event, analyst, django_assert_num_queries) -> None:
    for n in range(4):
        event.imports.create(filename=f"{n}.csv", path="x", user=analyst, state="done", n_read=n)
    client.force_login(analyst)
    # session, person, event, imports, role; the bar asks for an import and a job
    with django_assert_num_queries(8):
        client.get(PAGE)


def kept(event, name: str = "bad-rows-test.ndjson") -> Import:
    settings.UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
    (settings.UPLOADS_DIR / Path(name).name).write_text('{"line": 2}\n')
    return event.imports.create(filename="p.csv", path="x", state="done", n_bad=1, bad_rows=name)


def test_bad_rows_are_handed_over(client: Client, event, viewer) -> None:
    row = kept(event)
    client.force_login(viewer)
    answer = client.get(reverse("imagery:bad-rows", args=["storm", row.pk]))
    assert b"".join(answer.streaming_content) == b'{"line": 2}\n'
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_bad_rows_of_nobody_else(client: Client, event, stranger, viewer) -> None:
    row = kept(event)
    address = reverse("imagery:bad-rows", args=["storm", row.pk])
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(viewer)
    assert client.get(reverse("imagery:bad-rows", args=["storm", 999])).status_code == 404
    Import.objects.filter(pk=row.pk).update(bad_rows="../secret_key")
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("address", "accept"),
    [
        (PAGE, "text/html"),
        (PAGE, "application/json"),
        ("/api/events/storm/import/", "application/json"),
    ],
)
def test_an_upload_that_finds_no_room_is_refused_in_words(
    client: Client, event, owner, monkeypatch, address: str, accept: str
) -> None:
    def full(file: object, target: Path) -> None:
        target.write_bytes(b"the first part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    client.raise_request_exception = False
    settings.UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
    before = set(settings.UPLOADS_DIR.iterdir())
    monkeypatch.setattr(ingest, "_keep", full)
    client.force_login(owner)
    answer = client.post(address, {"file": upload()}, headers={"Accept": accept})
    assert answer.status_code == 503
    assert "disk" in answer.content.decode() and "Traceback" not in answer.content.decode()
    assert not Import.objects.exists()
    assert set(settings.UPLOADS_DIR.iterdir()) == before
