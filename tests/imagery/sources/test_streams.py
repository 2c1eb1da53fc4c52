import bz2
import gzip
import lzma
from datetime import UTC, datetime
from io import BytesIO

import pytest

from imagery.sources import BadRow, Record, UnreadableFile, open_source, read
from imagery.sources.streams import lines

NOW = datetime(2021, 6, 1, tzinfo=UTC)
LINE = b'{"platform": "x", "id": "1", "posted_at": "2021-05-04T08:15:00Z", "text": "%d"}\n'


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_compression_and_encoding_are_told_by_content(pack, encoding, tmp_path):
    path = tmp_path / "misleading.csv"
    path.write_bytes(pack("a\0é😀\n".encode(encoding)))
    wanted = "a\0é😀\n" if encoding.startswith("utf-8") else "aé😀\n"
    with open_source(path) as content:
        assert content.read() == wanted.encode()
        assert content.consumed == path.stat().st_size


def test_empty_and_tiny_files(tmp_path):
    for content in (b"", b"a", b"\xff\xfe", b"\x1f\x8b"[:1]):
        (tmp_path / "f").write_bytes(content)
        with open_source(tmp_path / "f") as stream:
            stream.read()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_cut_off_archive_gives_what_it_still_holds(pack, tmp_path):
    whole = pack(b"".join(LINE % (i * 7919 % 100_003) for i in range(20_000)))
    path = tmp_path / "f"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    found = list(read(path, now=NOW))
    assert len(found) > 1000 and all(isinstance(row, Record) for row in found[:-2])
    assert isinstance(found[-1], BadRow) and "What follows is not read" in found[-1].reason


def test_an_archive_broken_from_the_start_is_unreadable(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(LINE)[:15])
    with pytest.raises(UnreadableFile, match=r"decompressed|damaged"):
        list(read(path, now=NOW))


def test_lines_are_bounded():
    stream = BytesIO(b"ab\n" + b"x" * 25 + b"\ncd\n" + b"y" * 10 + b"\n" + b"z" * 10)
    assert list(lines(stream, 10)) == [
        (b"ab\n", True), (b"x" * 10, False), (b"cd\n", True), (b"y" * 10, False), (b"z" * 10, True),
    ]  # fmt: skip
