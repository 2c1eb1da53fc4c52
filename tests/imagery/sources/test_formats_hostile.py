"""Rows that cannot be read among rows that can, and rows beyond all measure."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imagery import ingest
from imagery.models import Import, Link, Post, PostLink, UniqueImage
from imagery.sources import FORMATS, BadRow, Record
from tests import factories

NOW = datetime(2021, 6, 1, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data"

BAD_LINES = {
    "broken": b"{broken",
    "cut short": b'{"id": "1", "posted_at": "2021-',
    "a list": b"[1, 2, 3]",
    "a bare value": b"null",
    "an empty object": b"{}",
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "binary": bytes(range(1, 10)) + b"\xff\xfe\x80" * 20,
    "NUL": b"\0" * 50 + b"x",
    "a number of 5,000 digits": b"9" * 5_000,
    "a lone surrogate": b'{"id": "\\ud800", "text": "\\udfff"}',
    "17 MiB": b'{"text": "' + b"x" * (17 * 2**20) + b'"}',
}
BAD_ITEMS = (None, 1, "text", [], {}, {"id": None}, {"id": {"a": []}}, [[[[]]]])
LINES = ("ndjson", "twitter-v1", "zeeschuimer", "bluesky", "instaloader")
TABLES = ("csv", "4cat")
FAMILY = "👩‍👩‍👧‍👦"  # one sign of seven code points


def sample(name: str) -> bytes:
    (path,) = DATA.glob(f"{name}.*")
    return path.read_bytes()


def read_all(name: str, content: bytes) -> tuple[list[Record], list[BadRow]]:
    rows = list(FORMATS[name].read(io.BytesIO(content), "file", NOW))
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert all(row.reason and len(row.raw) <= 2000 for row in bad)
    return [row for row in rows if isinstance(row, Record)], bad


def test_every_format_is_looked_at_here():
    assert {*LINES, *TABLES, "mastodon", "twitter-v2", "folder"} == set(FORMATS)


@pytest.mark.parametrize("kind", BAD_LINES)
@pytest.mark.parametrize("name", LINES)
def test_lines_before_and_after_a_bad_one_survive(name, kind):
    whole = sample(name).rstrip(b"\n") + b"\n"
    good, known_bad = read_all(name, whole)
    found, bad = read_all(name, whole + BAD_LINES[kind] + b"\n" + whole)
    assert found == good * 2
    assert len(bad) <= 2 * len(known_bad) + 1
    if kind in ("broken", "cut short", "nested", "binary", "17 MiB"):
        assert len(bad) == 2 * len(known_bad) + 1


@pytest.mark.parametrize("item", BAD_ITEMS, ids=repr)
@pytest.mark.parametrize("name", ["mastodon", "twitter-v2"])
def test_items_before_and_after_a_bad_one_survive(name, item):
    document = json.loads(sample(name))
    items = document if name == "mastodon" else document["data"]
    good, known_bad = read_all(name, json.dumps(document).encode())
    assert good and len(items) >= 2
    items.insert(1, item)
    found, bad = read_all(name, json.dumps(document).encode())
    assert found == good
    assert len(bad) in (len(known_bad), len(known_bad) + 1)


BAD_CELLS = {
    "too many": ["x"] * 80,
    "one": ["x"],
    "no time": ["5"] + [""] * 6,
    "NUL": ["a\0b", "\0"],
    "a long cell": ["x" * 2_000_000],
}


@pytest.mark.parametrize("kind", BAD_CELLS)
@pytest.mark.parametrize("name", TABLES)
def test_table_rows_before_and_after_a_bad_one_survive(name, kind):
    header, rest = sample(name).rstrip(b"\n").split(b"\n", 1)
    out = io.StringIO()
    csv.writer(out, delimiter=";" if name == "csv" else ",").writerow(BAD_CELLS[kind])
    good, _ = read_all(name, header + b"\n" + rest)
    content = b"\n".join([header, rest, out.getvalue().strip().encode(), rest]) + b"\n"
    found, bad = read_all(name, content)
    assert found == good * 2
    assert len(bad) == 1


@pytest.mark.parametrize("name", TABLES)
def test_a_quote_never_closed_costs_its_own_row_alone(name):
    header, rest = sample(name).rstrip(b"\n").split(b"\n", 1)
    good, _ = read_all(name, header + b"\n" + rest)
    found, bad = read_all(name, b"\n".join([header, rest, b'"never closed', b""]))
    assert found == good
    assert len(bad) == 1 and "quote" in bad[0].reason


@pytest.mark.parametrize("kind", ["broken", "binary", "nested"])
def test_posts_in_an_archive_survive_a_bad_one(kind):
    line = b'{"platform": "x", "id": "%d", "posted_at": "2021-05-04T08:15:00Z"}\n'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("posts.ndjson", line % 1 + BAD_LINES[kind] + b"\n" + line % 2)
    found, (bad,) = read_all("folder", out.getvalue())
    assert [row.uid for row in found] == ["1", "2"]
    assert bad.line == 2 and bad.reason.startswith("posts.ndjson: ")


# Beyond all measure ---------------------------------------------------------------------------

READ = """
import resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from imagery.sources import UnreadableFile, read

resource.setrlimit(resource.RLIMIT_AS, (1536 * 2**20,) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for row in read(Path(sys.argv[1]), sys.argv[2], now=datetime(2021, 6, 1, tzinfo=UTC)):
        print(type(row).__name__)
except UnreadableFile as problem:
    print("UnreadableFile", problem)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def with_a_huge_line(path: Path, start: bytes, end: bytes, size: int) -> None:
    """`start`, then a line of `size` NUL bytes that take no room on disk, then `end`."""
    with path.open("wb") as file:
        file.write(start)
        file.seek(size, io.SEEK_CUR)
        file.write(end)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gibibytes"), [("ndjson", 5), ("csv", 1)])
def test_a_line_of_gigabytes_is_read_past_in_flat_memory(name, gibibytes, tmp_path):
    content = sample(name).rstrip(b"\n") + b"\n"
    header = content[: content.index(b"\n") + 1] if name == "csv" else b""
    good, known_bad = read_all(name, content)
    path = tmp_path / "huge"
    rows = content.removeprefix(header)
    with_a_huge_line(path, content, b"\n" + rows, gibibytes * 2**30)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), name], capture_output=True, check=True, timeout=300
    )
    *told, mebibytes = done.stdout.decode().splitlines()
    assert told.count("Record") == 2 * len(good)
    assert told.count("BadRow") == 2 * len(known_bad) + 1
    assert int(mebibytes) < 200


# A caption of nothing but emoji ---------------------------------------------------------------


@pytest.mark.django_db
def test_ten_thousand_emoji_go_from_the_file_to_the_page(event, owner, client):
    caption = FAMILY * 10_000
    line = {"platform": "x", "id": "1", "posted_at": "2017-09-20T12:00:00Z", "text": caption}
    posts = SimpleUploadedFile("posts.ndjson", json.dumps(line).encode())
    done = ingest.run(ingest.accept_upload(event, owner, posts))
    assert (done.state, done.n_new, done.n_bad) == (Import.State.DONE, 1, 0)
    post = Post.objects.get(event=event)
    assert post.text == caption
    factories.organised(event, 3)
    picture = UniqueImage.objects.get(event=event, rank=3)
    link = Link.objects.filter(event=event, image__unique=picture).first()
    PostLink.objects.create(post=post, link=link)
    client.force_login(owner)
    page = client.get(f"/e/{event.slug}/i/{picture.pk}/")
    assert page.status_code == 200 and FAMILY in page.content.decode()
    found = client.get(f"/e/{event.slug}/search/", {"q": FAMILY * 100})
    assert found.status_code == 200
