"""Archives made to mislead: bombs, entries that overlap or lie, names that lead outside."""

import io
import struct
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagery.sources import BadRow, Record, UnreadableFile, read_folder, read_zip
from imagery.sources.fields import inner_path
from tests.pictures import jpeg, photo

NOW = datetime(2021, 6, 1, tzinfo=UTC)
WHEN = (2021, 5, 4, 8, 30, 0)
PICTURE = jpeg(photo(3, (32, 24)))
CENTRAL = b"PK\x01\x02"


def archive_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def found_in(tmp_path: Path, content: bytes) -> tuple[list[str], list[str]]:
    """Paths of the posts' pictures, and the reasons of what was refused."""
    path = tmp_path / "set.zip"
    path.write_bytes(content)
    rows = list(read_zip(path, NOW))
    files = [row.images[0].file for row in rows if isinstance(row, Record)]
    return files, [row.reason for row in rows if isinstance(row, BadRow)]


def test_an_archive_in_an_archive_is_never_opened(tmp_path):
    bomb = archive_of(("zeros.png", bytes(50_000_000)))
    nested = archive_of(("inner.zip", bomb), ("more.zip", archive_of(("inner.zip", bomb))))
    files, reasons = found_in(
        tmp_path,
        archive_of(("a.jpg", PICTURE), ("b.jpg", nested), ("n.zip", nested), ("z.jpg", PICTURE)),
    )
    assert files == ["a.jpg", "z.jpg"]
    assert reasons == ["'b.jpg' is named as a picture but holds none."]


def test_an_archive_of_nothing_but_archives_holds_no_pictures(tmp_path):
    with pytest.raises(UnreadableFile, match="no pictures and no files of posts"):
        found_in(tmp_path, archive_of(("inner.zip", archive_of(("a.jpg", PICTURE)))))


def central_entries(content: bytes) -> list[int]:
    """Where the entries of the directory begin."""
    places, at = [], content.find(CENTRAL)
    while at >= 0:
        places.append(at)
        at = content.find(CENTRAL, at + 4)
    return places


def test_entries_that_share_their_bytes_cost_no_more_than_one(tmp_path):
    content = bytearray(archive_of(*((f"{n:03}.jpg", PICTURE) for n in range(200))))
    for at in central_entries(bytes(content)):
        content[at + 42 : at + 46] = struct.pack("<I", 0)  # all begin where the first does
    files, reasons = found_in(tmp_path, bytes(content))
    assert files in ([], ["000.jpg"])
    assert len(files) + len(reasons) == 200
    assert all("cannot be read" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("field", "size"), [(24, 1), (24, 2**29), (20, 1), (20, 2**31), (42, 2**31), (16, 7)]
)
def test_sizes_places_and_sums_that_lie_spoil_their_entry_alone(tmp_path, field, size):
    content = bytearray(archive_of(("a.jpg", PICTURE), ("b.jpg", PICTURE), ("c.jpg", PICTURE)))
    at = central_entries(bytes(content))[1] + field
    content[at : at + 4] = struct.pack("<I", size)
    files, reasons = found_in(tmp_path, bytes(content))
    assert files[0] == "a.jpg" and files[-1] == "c.jpg"
    assert len(files) + len(reasons) == 3
    assert all("b.jpg" in reason for reason in reasons)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, WHEN)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def test_links_are_refused(tmp_path):
    files, reasons = found_in(
        tmp_path,
        archive_of((link("a.jpg"), b"/etc/passwd"), ("b.jpg", PICTURE), (link("c"), b"../../x")),
    )
    assert files == ["b.jpg"]
    assert reasons == ["'a.jpg' is a link, not a file.", "'c' is a link, not a file."]


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "//host/a.jpg", "C:/a.jpg", "c:a.jpg",
        "..\\..\\a.jpg", "\\\\host\\share\\a.jpg", "x/..\\../../a.jpg",
    ],
)  # fmt: skip
def test_no_name_leads_outside(tmp_path, name):
    info = zipfile.ZipInfo("x", WHEN)
    info.filename = name  # as it is: zipfile would tidy it
    files, reasons = found_in(tmp_path, archive_of((info, PICTURE), ("good.jpg", PICTURE)))
    assert "good.jpg" in files
    for file in files:
        assert not file.startswith(("/", "\\")) and ":" not in file
        assert ".." not in file.replace("\\", "/").split("/")
    assert len(files) + len(reasons) == 2
    assert inner_path(name) == "" or inner_path(name) in files


def test_names_in_two_encodings_and_in_none(tmp_path):
    content = archive_of(
        ("übung/straße.jpg", PICTURE), ("水害.jpg", PICTURE), ("plain_.jpg", PICTURE),
        ("a\u202egpj.exe.jpg", PICTURE), ("n\u0308.jpg", PICTURE),
    )  # fmt: skip
    content = content.replace(b"plain_.jpg", b"pla\x81\xff_.jpg")  # cp437, as old packers write
    files, reasons = found_in(tmp_path, content)
    assert len(files) == 5 and not reasons
    assert {"übung/straße.jpg", "水害.jpg", "n\u0308.jpg"} <= set(files)
    for file in files:
        file.encode()


def test_names_that_differ_in_case_or_stand_twice(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = archive_of(("A.jpg", PICTURE), ("a.jpg", PICTURE), ("a.jpg", PICTURE))
    files, reasons = found_in(tmp_path, content)
    assert (files, reasons) == (["A.jpg", "a.jpg"], [])


def empty_members(n: int) -> bytes:
    """An archive of n empty files, put together by hand: zipfile takes its time to write."""
    local, central = io.BytesIO(), io.BytesIO()
    for number in range(n):
        name = f"{number // 500}/{number}.bak".encode()
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x52A4, 0, 0, 0, len(name), 0)
        place = local.tell()
        local.write(b"PK\x03\x04" + fields + name)
        tail = struct.pack("<HHHII", 0, 0, 0, 0, place)
        central.write(CENTRAL + b"\x14\0" + fields + tail + name)
    size = len(central.getvalue())
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, n % 65_536, n % 65_536, size, local.tell(), 0
    )
    return local.getvalue() + central.getvalue() + end


def test_a_hundred_thousand_entries_are_walked_once(tmp_path):
    path = tmp_path / "many.zip"
    path.write_bytes(empty_members(100_000))
    with zipfile.ZipFile(path, "a") as archive:
        assert len(archive.infolist()) == 100_000
        archive.writestr(zipfile.ZipInfo("z.jpg", WHEN), PICTURE)
    before = time.process_time()
    rows = list(read_zip(path, NOW))
    assert [row.images[0].file for row in rows if isinstance(row, Record)] == ["z.jpg"]
    assert time.process_time() - before < 20


def test_wrong_endings_are_told_or_taken_by_what_the_file_is(tmp_path):
    (tmp_path / "photo.png").write_bytes(PICTURE)  # a JPEG
    (tmp_path / "no_ending").write_bytes(PICTURE)
    (tmp_path / "photo.exe").write_bytes(PICTURE)
    (tmp_path / "program.jpg").write_bytes(b"MZ\x90\x00" + bytes(100))
    (tmp_path / "page.jpeg").write_bytes(b"<html><script>1</script>\xff\xd8\xff")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.md").write_bytes(b"# notes")
    stamped = {
        row.images[0].file: row for row in _records(read_folder(tmp_path, datetime.now(UTC)))
    }
    assert sorted(stamped) == ["no_ending", "photo.exe", "photo.png"]
    bad = [row for row in read_folder(tmp_path, datetime.now(UTC)) if isinstance(row, BadRow)]
    assert [row.raw for row in bad] == ["empty.jpg", "page.jpeg", "program.jpg"]
    assert all("named as a picture but holds none" in row.reason for row in bad)


def _records(rows) -> list[Record]:
    return [row for row in rows if isinstance(row, Record)]
