import json
import tracemalloc
from datetime import UTC, datetime
from io import BytesIO

import pytest

from imagery.sources import FORMATS, BadRow, Record, UnreadableFile
from imagery.sources.json_rows import peek
from imagery.sources.streams import MAX_LINE

NOW = datetime(2021, 6, 1, tzinfo=UTC)
POST = {"platform": "x", "id": "1", "posted_at": "2021-05-04T08:15:00Z"}
NDJSON = FORMATS["ndjson"]


def rows(content: bytes) -> list[Record | BadRow]:
    return list(NDJSON.read(BytesIO(content), "file", NOW))


def line(**changes) -> bytes:
    return json.dumps(POST | changes).encode() + b"\n"


def test_line_numbers_are_exact_and_bad_rows_stop_nothing():
    content = line(id="a") + b"\n{broken\n" + b"[1]\n" + b'"x"\n' + line(id="b") + b"null"
    found = rows(content)
    assert [row.uid for row in found if isinstance(row, Record)] == ["a", "b"]
    bad = [row for row in found if isinstance(row, BadRow)]
    assert [row.line for row in bad] == [3, 4, 5, 7]
    assert "not JSON" in bad[0].reason and bad[0].raw == "{broken"
    assert bad[1].reason == "The row is a list, not an object."


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([POST, POST | {"id": "2"}]).encode(),
        json.dumps([POST, POST | {"id": "2"}], indent=2).encode(),
        b"[\n" + line().strip() + b",\n" + line(id="2") + b"]",
        "\n".join(json.dumps(POST | {"id": i}, indent=2) for i in "12").encode(),
        line() + line(id="2").strip(),
    ],
)  # fmt: skip
def test_arrays_documents_and_lines_are_the_same_posts(content):
    assert [row.uid for row in rows(content)] == ["1", "2"]
    assert NDJSON.sniff(content, "file")


def test_ids_beyond_64_bits_stay_exact():
    big = 123456789012345678901234567890
    assert rows(line(id=big))[0].uid == str(big)
    assert rows(json.dumps([POST | {"id": big}]).encode())[0].uid == str(big)
    (bad,) = rows(b'{"id": 9.105e17, "posted_at": 1620116100}\n')
    assert bad.reason.startswith("id 9.105e+17 is a rounded number")


def test_what_orjson_refuses_is_read_all_the_same():
    (nul,) = rows(b'{"id": "1", "posted_at": 1620116100, "text": "a\0b"}\n')
    (bad_utf8,) = rows(b'{"id": "1", "posted_at": 1620116100, "text": "a\xffb"}\n')
    (surrogate,) = rows(b'{"id": "1", "posted_at": 1620116100, "text": "a\\ud800b"}\n')
    (nan,) = rows(b'{"id": "1", "posted_at": 1620116100, "likes": NaN}\n')
    assert (nul.text, bad_utf8.text, surrogate.text) == ("ab", "a\ufffdb", "a\ufffdb")
    assert nan.likes is None


def test_deep_nesting_is_a_bad_row():
    deep, after = rows(b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n" + line())
    assert "nested too deeply" in deep.reason and after.uid == "1"
    shallow = b'{"id": "1", "posted_at": 1620116100, "text": ' + b"[" * 1500 + b"]" * 1500 + b"}\n"
    assert len(rows(shallow)) == 1


def test_a_broken_array_keeps_what_came_before():
    found = rows(b"[" + line().strip() + b"," + line(id="2").strip() + b',{"id": nope')
    assert [row.uid for row in found[:2]] == ["1", "2"]
    assert found[2].line == 3 and "JSON breaks here" in found[2].reason
    with pytest.raises(UnreadableFile, match="not whole JSON"):
        rows(b'[{"id"')


def test_heads_cut_short_still_show_their_fields():
    page = json.dumps({"data": [{"id": "1", "text": "x" * 50}] * 4000}, indent=1).encode()
    assert peek(page[:65536])[0]["data"][0]["id"] == "1"
    one_line = json.dumps({"data": [{"id": "1", "text": "x"}] * 9000}).encode()
    assert FORMATS["twitter-v2"].sniff(one_line[:65536], "file")


class Endless:
    """A stream that makes its content as it is read."""

    def __init__(self, blocks):
        self._blocks, self._left = blocks, b""

    def read(self, size=-1):
        if not self._left:
            self._left = next(self._blocks, b"")
        part, self._left = self._left[:size], self._left[size:]
        return part


def test_a_line_of_gigabytes_is_skipped_without_being_held():
    def blocks():
        yield line(id="before") + b'{"id": "'
        for _ in range(96):
            yield b"x" * 2**20
        yield b'"}\n' + line(id="after")

    tracemalloc.start()
    before, bad, after = NDJSON.read(Endless(blocks()), "file", NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (before.uid, after.uid) == ("before", "after")
    assert bad.line == 2 and "longer than 16 MiB" in bad.reason and len(bad.raw) == 2000
    assert peak < 3.5 * MAX_LINE


@pytest.mark.parametrize("array", [False, True])
def test_memory_stays_flat(array):
    def blocks():
        yield b"[" if array else b""
        for number in range(160):
            several = [
                json.dumps(POST | {"id": f"{number}-{i}", "text": "x" * 200}) for i in range(50)
            ]
            joined = ",\n" if array else "\n"
            start = "," if array and number else ""
            yield (start + joined.join(several) + ("" if array else "\n")).encode()
        yield b"]" if array else b""

    tracemalloc.start()
    n_posts = sum(isinstance(row, Record) for row in NDJSON.read(Endless(blocks()), "file", NOW))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_posts == 8000
    assert peak < 2**20  # of 2.3 MB
