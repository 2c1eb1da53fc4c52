"""Thumbnails and originals: members alone, fixed types, kept for a year."""

import errno
import io
import os

import pytest
from django.core.files.storage import default_storage
from PIL import Image as Picture

from imagery import blobs
from imagery.models import Event, Image, Membership, Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(event) -> Image:
    return factories.image(event, factories.jpeg(1, (1200, 900)), format="jpeg")


def thumb(image, side=320, slug="storm") -> str:
    return f"/e/{slug}/thumb/{image.sha256}/{side}.jpg"


def file(image, slug="storm") -> str:
    return f"/e/{slug}/file/{image.sha256}/"


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_a_thumbnail_is_a_jpeg_kept_for_a_year(client, viewer, image):
    client.force_login(viewer)
    response = client.get(thumb(image), headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["Content-Disposition"] == f'inline; filename="{image.sha256[:16]}-320.jpg"'
    assert body(response).startswith(b"\xff\xd8")


def test_an_unchanged_file_is_not_sent_again(client, viewer, image):
    client.force_login(viewer)
    for address in (thumb(image), file(image)):
        etag = client.get(address)["ETag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert again.status_code == 304
        assert again["ETag"] == etag
        assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_large_thumbnails_are_made_when_asked_for(client, viewer, image):
    client.force_login(viewer)
    name = blobs.thumb_name(image.sha256, 640)
    assert not default_storage.exists(name)
    made = body(client.get(thumb(image, 640)))
    assert 0.9 * 640 <= max(Picture.open(io.BytesIO(made)).size) <= 640
    assert default_storage.exists(name)
    assert body(client.get(thumb(image, 640))) == made


def test_a_lost_small_thumbnail_is_made_again(client, viewer, image):
    client.force_login(viewer)
    default_storage.delete(blobs.thumb_name(image.sha256, 320))
    made = body(client.get(thumb(image)))
    assert 0.9 * 320 <= max(Picture.open(io.BytesIO(made)).size) <= 320


@pytest.mark.parametrize("side", [0, 1, 319, 10_000])
def test_other_sizes_are_not_made(client, viewer, image, side):
    client.force_login(viewer)
    assert client.get(thumb(image, side)).status_code == 404


def test_a_missing_file_is_404(client, viewer, image):
    client.force_login(viewer)
    default_storage.delete(blobs.blob_name(image.sha256))
    assert client.get(file(image)).status_code == 404
    assert client.get(thumb(image, 960)).status_code == 404


def test_a_file_that_cannot_be_decoded_is_404(client, viewer, event):
    sha256 = blobs.put(b"<html>not a picture</html>")
    page = Image.objects.create(event=event, sha256=sha256, n_bytes=26)
    client.force_login(viewer)
    assert client.get(thumb(page)).status_code == 404


def test_an_original_runs_nothing(client, viewer, image):
    client.force_login(viewer)
    response = client.get(file(image))
    assert response["Content-Type"] == "image/jpeg"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert body(response) == blobs.get(image.sha256)


@pytest.mark.parametrize("format", ["", "svg", "html", "text/html", "JPEG\r\nX-A: b"])
def test_unknown_formats_are_handed_over_to_be_saved(client, viewer, event, format):
    sha256 = blobs.put(b"<svg onload='alert(1)'/>" + format.encode())
    Image.objects.create(event=event, sha256=sha256, n_bytes=1, format=format[:10])
    client.force_login(viewer)
    response = client.get(f"/e/storm/file/{sha256}/")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == f'attachment; filename="{sha256[:16]}.bin"'


def test_strangers_and_annotators_find_nothing(client, stranger, annotator, image):
    for user in (stranger, annotator):
        client.force_login(user)
        assert client.get(thumb(image)).status_code == 404
        assert client.get(file(image)).status_code == 404


def test_nobody_is_sent_to_the_login(client, image):
    assert client.get(thumb(image)).status_code == 302


def test_a_file_belongs_to_its_event_alone(client, viewer, image):
    """The same digest under another event of the same person is not there."""
    other = Event.objects.create(slug="other", name="Other")
    Membership.objects.create(event=other, user=viewer, role=Role.OWNER)
    client.force_login(viewer)
    assert client.get(thumb(image, slug="other")).status_code == 404
    assert client.get(file(image, slug="other")).status_code == 404


@pytest.mark.parametrize("sha256", ["0" * 63, "A" * 64, "../" * 21 + "a", "0" * 64])
def test_wild_names_are_404(client, viewer, image, sha256):
    client.force_login(viewer)
    assert client.get(f"/e/storm/thumb/{sha256}/320.jpg").status_code == 404
    assert client.get(f"/e/storm/file/{sha256}/").status_code == 404


def test_files_are_read_only(client, owner, image):
    client.force_login(owner)
    assert client.post(thumb(image)).status_code == 405
    assert client.delete(file(image)).status_code == 405
    assert client.head(file(image)).status_code == 200


def test_few_queries(client, viewer, image, django_assert_num_queries):
    client.force_login(viewer)
    with django_assert_num_queries(3):  # session, user, image
        client.get(thumb(image))


def test_a_rendition_that_finds_no_room_is_shown_all_the_same(client, viewer, image, monkeypatch):
    def full(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    client.force_login(viewer)
    default_storage.delete(blobs.thumb_name(image.sha256, 640))
    with monkeypatch.context() as patch:
        patch.setattr(default_storage, "save", full)
        shown = body(client.get(thumb(image, 640)))
    assert not default_storage.exists(blobs.thumb_name(image.sha256, 640))
    assert shown == body(client.get(thumb(image, 640)))
    assert default_storage.exists(blobs.thumb_name(image.sha256, 640))
