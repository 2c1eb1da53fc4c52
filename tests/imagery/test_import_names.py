"""Names of imports tell pictures of the same file name apart."""

import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import fetch, import_names, ingest
from imagery.models import Event, Import
from tests.pictures import jpeg, photo

pytestmark = pytest.mark.django_db


def _folder(place: Path, seed: int) -> Path:
    place.mkdir(parents=True)
    for i in range(2):
        (place / f"{i}.jpg").write_bytes(jpeg(photo(seed + i, (64, 48))))
    return place


def _posts(place: Path, first: str) -> Path:
    rows = [
        {"platform": "x", "id": f"{first}{i}", "posted_at": "2020-01-01", "images": [{"file": f}]}
        for i, f in enumerate(("0.jpg", "1.jpg"))
    ]
    place.write_text("\n".join(map(json.dumps, rows)))
    return place


def _bring(event: Event, path: Path, images: Path | None = None) -> Import:
    row = ingest.run(ingest.accept_path(event, path, images=images))
    fetch.fetch(event.links.to_fetch().select_related("source"))
    return row


def test_folders_of_one_name_keep_their_pictures_apart(event, tmp_path):
    one, two = _folder(tmp_path / "a" / "photos", 1), _folder(tmp_path / "b" / "photos", 11)
    assert [_bring(event, place).filename for place in (one, two)] == ["photos", "photos (2)"]
    assert (event.posts.count(), event.links.count(), event.images.count()) == (4, 4, 4)
    assert [_bring(event, place).filename for place in (one, two)] == ["photos", "photos (2)"]
    assert (event.posts.count(), event.links.count()) == (4, 4)


def test_cameras_that_name_alike_are_different_posts(event, tmp_path):
    _bring(event, _folder(tmp_path / "day1", 1))
    _bring(event, _folder(tmp_path / "day2", 11))
    assert (event.posts.count(), event.images.count()) == (4, 4)


def test_posts_of_one_file_name_show_their_own_pictures(event, tmp_path):
    for name, seed in (("a", 1), ("b", 11)):
        images = _folder(tmp_path / name / "images", seed)
        row = _bring(event, _posts(tmp_path / name / "posts.ndjson", name), images)
    assert row.filename == "posts (2).ndjson"
    assert event.images.count() == 4


def test_pictures_that_come_later_find_their_posts(event, tmp_path):
    posts = _posts(tmp_path / "posts.ndjson", "a")
    _bring(event, posts)
    assert event.links.failed().count() == 2
    row = _bring(event, posts, _folder(tmp_path / "images", 1))
    assert row.filename == "posts.ndjson"
    assert (event.links.count(), event.images.count()) == (2, 2)


def test_an_upload_sent_again_keeps_its_name(event, tmp_path):
    def sent(seed: int) -> str:
        path = tmp_path / "photos.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("0.jpg", jpeg(photo(seed, (64, 48))))
        upload = SimpleUploadedFile("photos.zip", path.read_bytes())
        return ingest.accept_upload(event, None, upload).filename

    assert [sent(1), sent(1), sent(2)] == ["photos.zip", "photos.zip", "photos (2).zip"]


def test_a_long_name_keeps_its_ending():
    name = import_names.numbered("x" * 251 + ".zip", 12)
    assert len(name) == 255
    assert name.endswith(" (12).zip")
