import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import ingest
from imagery.models import Account, Import, Link, Post, PostLink, Rule
from imagery.sources.base import AccountRecord, ImageRef, Record

pytestmark = pytest.mark.django_db
NOON = datetime(2017, 9, 20, 12, tzinfo=UTC)
POST = Record(
    "twitter",
    "1",
    NOON,
    AccountRecord("u1", "ann", followers=10),
    "storm",
    hashtags=("Maria",),
    images=(ImageRef("https://example.org/a.jpg"), ImageRef("https://example.org/b.jpg")),
    likes=3,
)


def _table() -> dict[str, list]:
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Account, Post, Link, PostLink)
    }


def test_a_record_becomes_rows(event):
    assert ingest.store(event, [POST]) == (1, 0)
    post = event.posts.get()
    assert (post.platform, post.uid, post.text, post.likes) == ("twitter", "1", "storm", 3)
    assert post.views is None
    assert post.hashtags == ["Maria"]
    assert post.has_images
    assert (post.account.handle, post.account.followers) == ("ann", 10)
    urls = post.postlink_set.order_by("position").values_list("link__url", flat=True)
    assert list(urls) == ["https://example.org/a.jpg", "https://example.org/b.jpg"]


def test_twice_changes_nothing(event):
    ingest.store(event, [POST])
    before = _table()
    assert ingest.store(event, [POST]) == (0, 0)
    assert _table() == before


def test_a_newer_copy_updates_engagement_and_the_unknown_erases_nothing(event):
    ingest.store(event, [POST])
    newer = replace(POST, likes=9, views=100, text="", account=AccountRecord("u1"))
    assert ingest.store(event, [newer]) == (0, 1)
    assert ingest.store(event, [replace(POST, likes=None)]) == (0, 0)
    post = event.posts.get()
    assert (post.likes, post.views, post.text) == (9, 100, "storm")
    assert post.account.followers == 10


def test_zero_is_a_value(event):
    ingest.store(event, [POST])
    assert ingest.store(event, [replace(POST, likes=0)]) == (0, 1)
    assert event.posts.get().likes == 0


def test_the_same_id_on_another_platform_or_event_is_another_post(event):
    from imagery.models import Event

    other = Event.objects.create(slug="other", name="Other")
    ingest.store(event, [POST, replace(POST, platform="mastodon")])
    ingest.store(other, [POST])
    assert event.posts.count() == 2
    assert other.posts.count() == 1
    assert event.links.count() == 2


def test_of_doubles_in_a_batch_the_later_counts(event):
    assert ingest.store(event, [POST, replace(POST, likes=7)]) == (1, 0)
    assert event.posts.get().likes == 7


def _import(event, tmp_path: Path, lines: list[str], name: str = "posts.ndjson") -> Import:
    path = tmp_path / name
    path.write_text("\n".join(lines))
    return ingest.run(ingest.accept_path(event, path))


def _line(uid: int, **more) -> str:
    row = {"platform": "twitter", "id": str(uid), "posted_at": "2017-09-20T12:00:00Z", **more}
    return json.dumps(row)


def test_a_file_is_counted_row_by_row_and_bad_rows_are_kept(event, tmp_path):
    Rule.objects.create(event=event, kind="keyword", value="storm")
    lines = [
        _line(1, text="storm"),
        "{broken",
        _line(2, text="lunch"),
        json.dumps({"platform": "twitter", "id": "3"}),
        _line(4, text="storm again"),
    ]
    row = _import(event, tmp_path, lines)
    assert row.state == Import.State.DONE
    counts = (row.n_read, row.n_new, row.n_updated, row.n_left_out, row.n_bad)
    assert counts == (5, 2, 0, 1, 2)
    kept = [json.loads(line) for line in ingest.bad_rows_path(row).read_text().splitlines()]
    assert [bad["line"] for bad in kept] == [2, 4]
    assert all(bad["file"] == "posts.ndjson" and bad["reason"] for bad in kept)
    assert kept[0]["row"] == "{broken"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("empty.ndjson", "", "empty"), ("page.html", "<html><body>none</body></html>", "page.html")],
)
def test_an_unreadable_file_fails_with_its_reason(event, tmp_path, name, text, said):
    row = _import(event, tmp_path, [text], name)
    assert row.state == Import.State.FAILED
    assert said in row.reason
    assert row.finished_at


def test_a_file_that_is_gone_says_so(event, tmp_path):
    path = tmp_path / "gone.ndjson"
    path.write_text(_line(1))
    row = ingest.accept_path(event, path)
    path.unlink()
    reason = ingest.run(row).reason
    assert "gone.ndjson" in reason
    assert "No such file" in reason


def test_a_repeated_import_counts_unchanged(event, tmp_path):
    lines = [_line(n, text="x") for n in range(7)]
    assert _import(event, tmp_path, lines).n_new == 7
    again = _import(event, tmp_path, lines)
    assert (again.n_new, again.n_updated, again.n_unchanged) == (0, 0, 7)


def test_an_upload_is_kept_under_our_name(event, owner):
    file = SimpleUploadedFile("../../etc/passwd\n.ndjson", _line(1).encode())
    row = ingest.accept_upload(event, owner, file)
    assert Path(row.path).is_relative_to(settings.UPLOADS_DIR)
    assert Path(row.path).name == "posts"
    assert "/" not in row.filename
    assert ingest.run(row).n_new == 1


def test_pictures_in_files_are_told_apart_by_their_import(event, tmp_path):
    for name in ("one.ndjson", "two.ndjson"):
        _import(event, tmp_path, [_line(1, images=[{"file": "a.jpg"}])], name)
    urls = set(event.links.values_list("url", flat=True))
    assert urls == {"file:one.ndjson/a.jpg", "file:two.ndjson/a.jpg"}


def test_a_place_inside_the_page_is_no_other_link(event):
    images = (ImageRef("https://example.org/a.jpg#top"), ImageRef("https://example.org/a.jpg"))
    ingest.store(event, [replace(POST, images=images)])
    assert event.links.get().url == "https://example.org/a.jpg"
