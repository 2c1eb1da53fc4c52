"""Tables, ZIPs of pictures and evidence pages."""

import base64
import csv
import hashlib
import io
import re
import zipfile

import pytest
from django.core.files.storage import default_storage

from imagery import blobs, bundles, evidence, tables
from imagery.models import Account, Decision, Event, Post, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db
HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>'


@pytest.fixture
def made(event) -> Event:
    return factories.organised(event, 6)


@pytest.fixture
def client(client, viewer, made):
    client.force_login(viewer)
    return client


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def rows(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(response).decode())))


def ranked(event: Event, *ranks: int) -> str:
    found = UniqueImage.objects.filter(event=event, rank__in=ranks).order_by("rank")
    return ",".join(str(row.pk) for row in found)


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_table(client, owner, name):
    client.force_login(owner)
    response = client.get(f"/e/storm/tables/{name}.csv")
    assert response.status_code == 200
    lines = list(csv.reader(io.StringIO(body(response).decode())))
    assert tuple(lines[0]) == tables.TABLES[name].header
    assert all(len(line) == len(lines[0]) for line in lines)
    want = {"posts": 64, "accounts": 5, "links": 13, "files": 12, "pictures": 6, "groups": 2,
            "members": 2}  # fmt: skip
    assert len(lines) - 1 == want.get(name, 0)


def test_members_are_the_owners_to_take(client):
    assert client.get("/e/storm/tables/members.csv").status_code == 404
    assert "members.csv" not in client.get("/e/storm/downloads/").content.decode()


def test_no_such_table(client, stranger):
    assert client.get("/e/storm/tables/secrets.csv").status_code == 404
    client.force_login(stranger)
    for path in ("tables/posts.csv", "pictures.zip", "evidence.html", "downloads/"):
        assert client.get(f"/e/storm/{path}").status_code == 404


def test_cells_that_would_run_are_text(client):
    Post.objects.filter(uid="1000").update(text="=1+1")
    Account.objects.filter(handle="person0").update(handle="@SUM(A1)")
    assert rows(client.get("/e/storm/tables/posts.csv"))[0]["text"] == "'=1+1"
    assert rows(client.get("/e/storm/tables/accounts.csv"))[0]["handle"] == "'@SUM(A1)"


def test_groups_at_another_similarity(client):
    found = rows(client.get("/e/storm/tables/groups.csv", {"similarity": "0.99"}))
    assert len(found) == 6 and found[0]["posts"] == "24"
    assert client.get("/e/storm/tables/groups.csv", {"similarity": "2"}).status_code == 400


def test_events_are_those_one_may_see(client, made):
    Event.objects.create(slug="secret", name="Secret")
    assert [row["slug"] for row in rows(client.get("/events.csv"))] == ["storm"]


def unzipped(response) -> zipfile.ZipFile:
    assert response.status_code == 200 and response["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(body(response)))
    assert archive.testzip() is None
    return archive


def manifest(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))


def test_a_selection_as_a_zip(client, made):
    archive = unzipped(client.post("/e/storm/pictures.zip", {"ids": ranked(made, 1, 3)}))
    told = manifest(archive)
    assert [(row["rank"], row["posts"]) for row in told] == [("1", "24"), ("3", "8")]
    for row in told:
        assert hashlib.sha256(archive.read(row["file"])).hexdigest() == row["sha256"]
        assert row["file"] == f"{int(row['rank']):05d}-{row['sha256'][:16]}.jpg"
    assert told[0]["links"] == "https://pictures.example/000-0.jpg"
    assert told[0]["first_account"] == "person0"
    assert "https://pictures.example/002-" in told[1]["links"]
    assert sorted(archive.namelist()) == sorted([*(row["file"] for row in told), "manifest.csv"])


def test_a_search_a_group_and_the_top_as_zips(client, made):
    assert len(manifest(unzipped(client.get("/e/storm/pictures.zip?q=%23tag1")))) == 1
    lead = UniqueImage.objects.get(event=made, rank=1).pk
    assert len(manifest(unzipped(client.get(f"/e/storm/pictures.zip?lead={lead}")))) == 3
    found = manifest(unzipped(client.get(f"/e/storm/pictures.zip?lead={lead}&similarity=0.99")))
    assert [row["rank"] for row in found] == ["1"]
    assert len(manifest(unzipped(client.get("/e/storm/pictures.zip?top=2")))) == 2


def test_a_file_that_is_gone_is_told(client, made):
    image = UniqueImage.objects.get(event=made, rank=2).representative
    default_storage.delete(blobs.blob_name(image.sha256))
    archive = unzipped(client.get("/e/storm/pictures.zip", {"ids": ranked(made, 1, 2)}))
    assert [row["left_out"] for row in manifest(archive)] == ["", "the file is gone"]
    assert len(archive.namelist()) == 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"ids": "1,x"}, "“x” is no picture"),
        ({"ids": "999999999"}, "None of these pictures"),
        ({"lead": "999999999"}, "No picture 999999999"),
        ({"lead": "1", "similarity": "much"}, "“much” is no similarity"),
        ({"after": "soon"}, "“soon” is no time"),
        ({"top": "-3"}, "“-3” is no top"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said(client, asked, why):
    response = client.get("/e/storm/pictures.zip", asked)
    assert response.status_code == 400 and why in response.content.decode()


def test_a_zip_is_bounded(client, made, monkeypatch):
    monkeypatch.setattr(bundles, "MOST", 2)
    told = client.get("/e/storm/pictures.zip", {"ids": ranked(made, 1, 2, 3)}).content.decode()
    assert told == "3 pictures are selected; 2 at once is the most."
    monkeypatch.setattr(bundles, "MOST_BYTES", 10)
    told = client.get("/e/storm/pictures.zip", {"ids": ranked(made, 1)}).content.decode()
    assert "10 at once" not in told and "GB at once is the most" in told


def page(client, asked) -> str:
    response = client.get("/e/storm/evidence.html", asked)
    assert response.status_code == 200 and "attachment" in response["Content-Disposition"]
    return body(response).decode()


def test_evidence_tells_all_of_a_picture(client, made, analyst):
    row = UniqueImage.objects.get(event=made, rank=3)
    files = list(row.copies.order_by("pk"))
    Decision.objects.create(event=made, kind="same", image=files[0], other=files[1], user=analyst)
    html = page(client, {"ids": ranked(made, 3)})
    for file in files:
        assert file.sha256 in html and file.phash in html
    assert all(f"https://pictures.example/002-{n}.jpg" in html for n in range(3))
    assert "2017-09-20 11:14:00 UTC" in html and "person" in html
    assert "perceptual hash, 2 of 64 bits from it" in html and "stands for the picture" in html
    assert "Same picture" in html and "analyst" in html and "by viewer with Afterimage" in html
    assert "fewer than 8 bits" in html and "revision 1" in html


def test_evidence_opens_alone(client, made):
    html = page(client, {"top": "2"})
    assert html.count("<section>") == 2 and html.rstrip().endswith("</html>")
    assert not re.search(r"<script|<link|\son\w+=|src=\"(?!data:)|url\(", html)
    data = re.search(r'src="data:image/jpeg;base64,([^"]+)"', html)[1]
    assert base64.b64decode(data).startswith(b"\xff\xd8")


def test_evidence_runs_nothing(client, made):
    Event.objects.update(name=HOSTILE, description=HOSTILE)
    Post.objects.update(text=HOSTILE, url="javascript:alert(1)")
    Account.objects.update(handle=HOSTILE)
    UniqueImage.objects.update(described=HOSTILE)
    html = page(client, {"top": "1"})
    assert "<script" not in html and 'href="javascript' not in html and "&lt;script&gt;" in html


def test_evidence_of_a_picture_whose_file_is_gone(client, made):
    image = UniqueImage.objects.get(event=made, rank=1).representative
    default_storage.delete(blobs.blob_name(image.sha256))
    html = page(client, {"top": "1"})
    assert "Its file is gone." in html and image.sha256 in html


def test_evidence_is_bounded(client, made, monkeypatch):
    monkeypatch.setattr(evidence, "MOST", 1)
    response = client.get("/e/storm/evidence.html", {"ids": ranked(made, 1, 2)})
    assert response.status_code == 400 and "1 at once is the most" in response.content.decode()


def test_before_there_are_pictures(client, viewer):
    other = Event.objects.create(slug="empty", name="Empty")
    other.memberships.create(user=viewer, role="viewer")
    assert client.get("/e/empty/evidence.html").status_code == 400
    assert client.get("/e/empty/pictures.zip").status_code == 400
    assert 'name="top"' not in client.get("/e/empty/downloads/").content.decode()


def test_the_page_and_the_places_that_lead_there(client, made):
    html = client.get("/e/storm/downloads/").content.decode()
    assert all(
        f"/e/storm/tables/{n}.csv" in html for n, t in tables.TABLES.items() if t.may == "see"
    )
    pk = UniqueImage.objects.get(event=made, rank=1).pk
    for where in ("", "groups/", f"groups/{pk}/", f"i/{pk}/", "search/"):
        html = client.get(f"/e/storm/{where}").content.decode()
        assert re.search(r"downloads/|evidence\.html|tables/groups\.csv", html), where
