import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from imagery.sources import BadRow, Record, UnreadableFile, read, read_folder, read_zip

NOW = datetime(2021, 6, 1, tzinfo=UTC)
POST = '{"platform": "x", "id": "1", "posted_at": "2021-05-04T08:15:00Z", "images": [%s]}\n'


def jpeg(when: str = "", zone: str = "") -> bytes:
    exif = Image.Exif()
    if when:
        exif.get_ifd(0x8769)[0x9003] = when
    if zone:
        exif.get_ifd(0x8769)[0x9011] = zone
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def zipped(path: Path, files: dict[str, bytes], when: tuple = (2021, 5, 4, 8, 30, 0)) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, when)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def test_times_come_from_exif_else_from_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jpg").write_bytes(jpeg("2021:05:04 10:15:00", "+02:00"))
    (tmp_path / "sub" / "b.jpg").write_bytes(jpeg("2021:05:04 10:15:00"))
    (tmp_path / "sub" / "c.jpg").write_bytes(jpeg("2099:01:01 00:00:00"))
    os.utime(tmp_path / "sub" / "c.jpg", (1620116100, 1620116100))
    (tmp_path / "notes.md").write_text("not a picture")
    (tmp_path / ".hidden.jpg").write_bytes(jpeg())
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    found = list(read_folder(tmp_path, NOW))
    assert [(row.uid, row.posted_at.hour, row.posted_at.minute) for row in found] == [
        (f"{tmp_path.name}/a.jpg", 8, 15),
        (f"{tmp_path.name}/sub/b.jpg", 10, 15),
        (f"{tmp_path.name}/sub/c.jpg", 8, 15),
    ]  # fmt: skip
    assert {row.platform for row in found} == {"folder"}


def test_a_csv_beside_the_pictures(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg("2021:05:04 08:15:00"))
    (tmp_path / "list.csv").write_text(
        "filename,text,likes\nimages/a.jpg,first #Elm,3\nb.jpg,by name,\ngone.jpg,x,\n"
    )
    (tmp_path / "truth.csv").write_text("file,edit\na.jpg,crop\n")  # no table of posts
    records = [row for row in read(tmp_path, now=NOW) if isinstance(row, Record)]
    by_uid = {row.uid.removeprefix(f"{tmp_path.name}/"): row for row in records}
    assert sorted(by_uid) == ["images/a.jpg", "images/b.jpg", "images/c.jpg"]
    assert by_uid["images/a.jpg"].likes == 3 and by_uid["images/a.jpg"].hashtags == ("Elm",)
    assert by_uid["images/b.jpg"].text == "by name"
    assert by_uid["images/b.jpg"].images[0].file == "images/b.jpg"
    assert by_uid["images/c.jpg"].text == ""
    (bad,) = [row for row in read(tmp_path, now=NOW) if isinstance(row, BadRow)]
    assert bad.line == 4 and bad.reason.startswith("list.csv: file 'gone.jpg' is not there")


def test_a_zip_of_posts_and_their_pictures(tmp_path):
    post = POST % '{"file": "a.jpg"}, {"file": "none.jpg"}, {"url": "https://x.example/1.jpg"}'
    path = zipped(
        tmp_path / "set.zip",
        {
            "set/posts.ndjson": post.encode() + b"{\n",
            "set/images/a.jpg": jpeg(),
            "set/b.jpg": jpeg(),
        },
    )
    row, bad = read(path, now=NOW)
    assert [(image.url, image.file) for image in row.images] == [
        ("", "set/images/a.jpg"), ("https://x.example/1.jpg", ""),
    ]  # fmt: skip
    assert bad.line == 2 and bad.reason.startswith("set/posts.ndjson: The row is not JSON")


def test_hostile_archives_are_refused_entry_by_entry(tmp_path):
    path = zipped(
        tmp_path / "bad.zip",
        {
            "../up.jpg": jpeg(),
            "/abs.jpg": jpeg(),
            "C:\\win.jpg": jpeg(),
            "bomb.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20_000_000,
            "good.jpg": jpeg(),
        },
    )
    found = list(read_zip(path, NOW))
    assert [row.uid for row in found if isinstance(row, Record)] == ["bad.zip/good.jpg"]
    reasons = " ".join(row.reason for row in found if isinstance(row, BadRow))
    assert reasons.count("leads outside the archive") == 3 and "decompression bomb" in reasons


def test_encrypted_entries_are_refused(tmp_path):
    path = zipped(tmp_path / "locked.zip", {"a.jpg": jpeg(), "b.jpg": jpeg()})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # the flag of the last central entry
    path.write_bytes(content)
    good, bad = sorted(read(path, now=NOW), key=lambda row: isinstance(row, BadRow))
    assert good.uid == "locked.zip/a.jpg" and "is encrypted" in bad.reason


def test_damaged_archives(tmp_path):
    path = zipped(tmp_path / "cut.zip", {"posts.ndjson": (POST % "").encode() * 2000})
    content = path.read_bytes()
    (tmp_path / "half.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match=r"half.zip is not a whole ZIP archive"):
        list(read(tmp_path / "half.zip", now=NOW))
    broken = bytearray(content)
    broken[60:90] = bytes(30)
    path.write_bytes(broken)
    found = list(read(path, now=NOW))
    assert isinstance(found[-1], BadRow) and "posts.ndjson" in found[-1].reason


def test_archives_without_anything_and_office_documents(tmp_path):
    with pytest.raises(UnreadableFile, match="no pictures and no files of posts"):
        list(read(zipped(tmp_path / "a.zip", {"readme.md": b"hello"}), now=NOW))
    office = zipped(tmp_path / "b.xlsx", {"[Content_Types].xml": b"", "xl/workbook.xml": b""})
    with pytest.raises(UnreadableFile, match="save the table as CSV"):
        list(read(office, now=NOW))


def test_a_picture_without_any_time_is_a_bad_row(tmp_path):
    path = zipped(tmp_path / "old.zip", {"a.jpg": jpeg()}, (1980, 1, 1, 0, 0, 0))
    (bad,) = read(path, now=NOW)
    assert "has no EXIF time" in bad.reason and "1980-01-01" in bad.reason


def test_a_bomb_of_an_archive_is_refused_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("imagery.sources.shelves._WHOLE_ARCHIVE", 1000)
    path = zipped(tmp_path / "bomb.zip", {"posts.ndjson": b"\n" * 2_000_000})
    with pytest.raises(UnreadableFile, match="would unpack to 2,000,000"):
        list(read(path, now=NOW))
