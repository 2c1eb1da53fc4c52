"""Files that no event holds."""

import pytest
from django.core.files.storage import default_storage

from imagery import blobs, look, orphans
from imagery.models import Event, Image
from tests.pictures import jpeg, photo

pytestmark = pytest.mark.django_db


def test_only_files_of_no_image_are_dropped(event):
    held, stray = blobs.put(b"held"), blobs.put(b"stray")
    blobs.put_thumb(stray, 640, b"thumb")
    Image.objects.create(event=event, sha256=held, n_bytes=4)
    orphans.drop([held, stray])
    assert default_storage.exists(blobs.blob_name(held))
    assert not default_storage.exists(blobs.blob_name(stray))
    assert not default_storage.exists(blobs.thumb_name(stray, 640))


def test_looking_at_a_deleted_event_leaves_no_thumbnail(monkeypatch):
    event = Event.objects.create(slug="gone", name="Gone", embedder="classic@1")
    data = jpeg(photo(5, (64, 48)))
    image = Image.objects.create(event=event, sha256=blobs.put(data), n_bytes=len(data))
    describe = look._describe

    def delete_meanwhile(*given: object) -> None:
        Event.objects.filter(pk=event.pk).delete()
        describe(*given)

    monkeypatch.setattr(look, "_describe", delete_meanwhile)
    look.look(event, [image.pk])
    assert not default_storage.exists(blobs.blob_name(image.sha256))
    assert not default_storage.exists(blobs.thumb_name(image.sha256, 320))
