import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import ingest
from imagery.models import Import, Rule

pytestmark = pytest.mark.django_db


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
