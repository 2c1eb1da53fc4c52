from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import blobs, ingest, removal
from imagery.models import Event, Image

pytestmark = pytest.mark.django_db


def test_an_event_goes_with_its_files_and_leaves_those_of_others(event, tmp_path):
    other = Event.objects.create(slug="other", name="Other")
    own, shared = blobs.put(b"own picture"), blobs.put(b"shared picture")
    blobs.put_thumb(own, 320, b"thumb")
    for sha256, events in ((own, [event]), (shared, [event, other])):
        for holder in events:
            Image.objects.create(event=holder, sha256=sha256, n_bytes=1)
    upload = SimpleUploadedFile("posts.ndjson", b"personal")
    folder = Path(ingest.accept_upload(event, None, upload).path).parent
    outside = tmp_path / "posts.ndjson"
    outside.write_text("the user's own file")
    ingest.accept_path(event, outside)
    removal.delete(event)
    assert not Event.objects.filter(slug="storm").exists()
    assert not default_storage.exists(blobs.blob_name(own))
    assert not default_storage.exists(blobs.thumb_name(own, 320))
    assert default_storage.exists(blobs.blob_name(shared))
    assert not folder.exists()
    assert outside.exists()
