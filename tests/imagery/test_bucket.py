"""Files in a bucket: the same calls, the same errors, and uploads that other machines read."""

import io
import threading
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as given
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.storages import storage
from imagery import blobs, ingest, known, look_ups, orphans, pipeline, uploads
from imagery.models import HashList, Import, Link, LookUp
from tests.bucket_server import BUCKET, bucket
from tests.pictures import jpeg, photo


@pytest.fixture(scope="module")
def served():
    with bucket() as env:
        yield env


@pytest.fixture
def in_bucket(served, settings, tmp_path):
    """Files lie in an empty bucket; this machine's own uploads in an empty folder."""
    import boto3

    boto3.resource("s3").Bucket(BUCKET).objects.all().delete()
    described = storage(served["FILES_URL"], tmp_path)
    settings.STORAGES = given.STORAGES | {"default": described}
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return boto3.client("s3")


pytestmark = pytest.mark.django_db(transaction=True)


def names(client) -> set[str]:
    found = client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {one["Key"].removeprefix("of/tests/") for one in found}


@pytest.fixture
def another_machine(settings, tmp_path):
    """What is asked for from now on is asked by a machine that has none of the uploads."""

    def become() -> None:
        settings.UPLOADS_DIR = tmp_path / "elsewhere" / "uploads"

    return become


def test_blobs_thumbnails_and_features(in_bucket):
    data = b"\0\1 bytes" * 1000
    sha256 = blobs.put(data)
    assert blobs.put(data) == sha256
    assert blobs.get(sha256) == data
    blobs.put_thumb(sha256, 320, b"small")
    blobs.put_thumb(sha256, 320, b"anew")
    assert blobs.get_thumb(sha256, 320) == b"anew"
    blobs.put_features(sha256, "v1", b"")
    assert blobs.get_features(sha256, "v1") == b""
    assert len(names(in_bucket)) == 3
    assert blobs.sweep_drafts() == 0


def test_what_is_missing_is_missing_as_in_a_folder(in_bucket):
    with pytest.raises(FileNotFoundError):
        blobs.get("0" * 64)
    default_storage.delete("nothing/here")
    assert default_storage.listdir("nothing") == ([], [])
    with pytest.raises(FileNotFoundError):
        default_storage.size("nothing/here")


def test_files_are_read_by_many_threads(in_bucket):
    kept = [blobs.put(bytes([i]) * 5000) for i in range(8)]
    read: dict[str, bytes] = {}

    def reads(sha256: str) -> None:
        read[sha256] = blobs.get(sha256)

    threads = [threading.Thread(target=reads, args=(sha256,)) for sha256 in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [read[sha256] for sha256 in kept] == [bytes([i]) * 5000 for i in range(8)]


def test_a_store_that_refuses_or_is_away_is_an_error_of_files(served, settings, monkeypatch):
    settings.STORAGES = given.STORAGES | {"default": storage("s3://no-such-bucket", Path("/x"))}
    with pytest.raises(OSError, match="bucket"):
        blobs.put(b"data")
    monkeypatch.setattr("imagery.bucket.TRIES", 1)
    monkeypatch.setattr("imagery.bucket.CONNECT_S", 0.2)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    settings.STORAGES = given.STORAGES | {"default": storage("s3://pictures", Path("/x"))}
    with pytest.raises(OSError, match="cannot be reached"):
        blobs.put(b"data")


def archive(n: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for i in range(n):
            file.writestr(f"{i}.jpg", jpeg(photo(i, (500, 400))))
    return held.getvalue()


def posts(n: int) -> bytes:
    line = (
        '{"platform": "x", "id": "%d", "posted_at": "2024-03-01T10:00:00Z", '
        '"images": [{"file": "%d.jpg"}]}'
    )
    return "\n".join([*(line % (i, i) for i in range(n)), '{"platform": "x"}']).encode()


@pytest.fixture
def brought(in_bucket, event, owner) -> Import:
    """An import as accepted by the web server: its posts and a ZIP of their pictures."""
    return ingest.accept_upload(
        event,
        owner,
        SimpleUploadedFile("posts.ndjson", posts(3)),
        images_file=SimpleUploadedFile("pictures.zip", archive(3)),
    )


def test_an_import_is_read_by_another_machine(brought, in_bucket, event, another_machine):
    assert not Path(brought.path).exists()
    assert {name.rpartition("/")[2] for name in names(in_bucket)} == {"posts", "images"}
    another_machine()
    row = pipeline.import_and_process(brought.pk)
    assert (row.state, row.n_new, row.n_bad) == ("done", 3, 1)
    assert event.links.filter(state=Link.State.FETCHED).count() == 3
    event.refresh_from_db()
    assert event.n_unique == 3
    assert {name.partition("/")[0] for name in names(in_bucket)} == {
        "uploads", "blobs", "thumbs", "features",
    }  # fmt: skip


def test_bad_rows_and_pictures_are_shown_by_another_machine(
    brought, in_bucket, event, owner, client, another_machine
):
    pipeline.import_and_process(brought.pk)
    another_machine()
    client.force_login(owner)
    shown = client.get(reverse("imagery:bad-rows", args=[event.slug, brought.pk]))
    assert b'"line":4' in b"".join(shown.streaming_content)
    image = event.images.first()
    for name, side in (("thumb", 320), ("thumb", 960)):
        address = reverse(f"imagery:{name}", args=[event.slug, image.sha256, side])
        answer = client.get(address)
        assert answer.status_code == 200 and b"".join(answer.streaming_content)[:2] == b"\xff\xd8"
    original = client.get(reverse("imagery:file", args=[event.slug, image.sha256]))
    assert b"".join(original.streaming_content) == blobs.get(image.sha256)


def test_pictures_are_taken_along_as_a_zip(brought, event, owner, client):
    pipeline.import_and_process(brought.pk)
    client.force_login(owner)
    answer = client.get(reverse("imagery:pictures-zip", args=[event.slug]))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as made:
        assert sum(name.endswith(".jpg") for name in made.namelist()) == 3


def test_with_the_import_its_files_go(brought, in_bucket, event, another_machine):
    another_machine()
    pipeline.import_and_process(brought.pk)
    kept = [path for path in given.UPLOADS_DIR.rglob("*") if path.is_file()]
    assert len(kept) == 2  # copies of posts and pictures
    brought.refresh_from_db()
    ingest.drop_files(brought)
    assert not [name for name in names(in_bucket) if name.startswith("uploads/")]
    assert not [path for path in given.UPLOADS_DIR.rglob("*") if path.is_file()]


def test_files_of_nobody_are_deleted(in_bucket):
    sha256 = blobs.put(b"of nobody")
    blobs.put_thumb(sha256, 320, b"small")
    assert orphans.drop([sha256]) == 1
    assert not names(in_bucket)


def test_copies_are_swept_and_brought_in_again(brought, in_bucket, monkeypatch):
    path = uploads.here(Path(brought.path))
    assert path.read_bytes() == posts(3)
    assert uploads.sweep() == 0
    monkeypatch.setattr(uploads, "COPIES_S", -1)
    assert uploads.sweep() == 1 and not path.exists()
    assert uploads.here(Path(brought.path)).read_bytes() == posts(3)


def test_a_file_of_the_user_is_never_taken_for_an_upload(in_bucket, tmp_path):
    for own in (tmp_path / "posts.ndjson", tmp_path / "lists" / "5"):
        own.parent.mkdir(exist_ok=True)
        own.write_text("mine")
        uploads.share(own)
        uploads.drop(own)
        assert uploads.here(own) == own and own.read_text() == "mine"
    assert not names(in_bucket)


def test_a_picture_is_looked_up_by_another_machine(
    in_bucket, event, viewer, another_machine, monkeypatch
):
    sent: list[int] = []
    monkeypatch.setattr("imagery.tasks.look_up.delay_on_commit", sent.append)
    row = look_ups.ask(viewer, event, file=SimpleUploadedFile("asked.jpg", jpeg(photo(1))))
    another_machine()
    look_ups.run(row.pk)
    row = LookUp.objects.get()
    assert row.state == LookUp.State.DONE and row.has_thumb
    assert names(in_bucket) == {look_ups.thumb_name(row.key)}
    look_ups.forget(LookUp.objects.all())
    assert not names(in_bucket)


def test_a_list_sent_again_is_read_anew_by_another_machine(
    in_bucket, event, owner, another_machine, settings
):
    first, other = given.UPLOADS_DIR, "a" * 64
    held = HashList(event=event, name="Known")
    for n, lines in ((1, f"{'f0' * 32}\n"), (2, f"{'f0' * 32}\n{other}\n")):
        settings.UPLOADS_DIR = first
        known.accept(held, SimpleUploadedFile("list.txt", lines.encode()), owner)
        another_machine()
        known.take(held.pk)
        held.refresh_from_db()
        assert (held.state, held.n_hashes) == (HashList.State.DONE, n)
    assert not names(in_bucket)


def test_what_a_worker_left_behind_is_not_taken_for_whole(in_bucket, brought):
    path = given.UPLOADS_DIR / Path(brought.path).relative_to(given.UPLOADS_DIR)
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / f"{uploads.DRAFT}half").write_bytes(b"ha")
    assert uploads.here(path).read_bytes() == posts(3)


def test_where_nothing_is_kept_the_path_stays(in_bucket):
    path = given.UPLOADS_DIR / ("0" * 32) / "posts"
    assert uploads.here(path) == path and not path.exists()
    default_storage.save("x", ContentFile(b"x"))
