"""Lists of PDQ hashes in the shapes they come in."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.core.hash_lists import MOST_LINE, Bad, Row, read

A, B = "0" * 63 + "a", "F" * 64


def rows(text: str | bytes) -> list[Row | Bad]:
    return list(read(io.BytesIO(text.encode() if isinstance(text, str) else text)))


@pytest.mark.parametrize(
    "text",
    [
        f"{A},100,bridge",
        f"hash,quality,name\n{A},100,bridge",
        f"\ufeffhash,quality,name\r\n{A},100,bridge\r\n",
        f"# ours\n\n{A};100;bridge",
        f"{A}\t100\tbridge\n",
        f"id,type,indicator,quality,label\n7,pdq,{A},100,bridge",
        f'name,pdq_quality,pdq\n"bridge",100,{A}',
        f"bridge,{A},100",
    ],
)
def test_shapes(text: str) -> None:
    (row,) = rows(text)
    assert isinstance(row, Row)
    assert (row.pdq, row.quality, row.name) == (A, 100, "bridge")


def test_a_hash_alone_has_no_quality() -> None:
    assert rows(f"{A}\n{B}") == [Row(1, A, None, ""), Row(2, B.lower(), None, "")]
    assert rows(f"{A},,bridge") == [Row(1, A, None, "bridge")]
    assert rows(f"{A},bridge day") == [Row(1, A, None, "bridge day")]


def test_bad_rows_are_named_and_the_rest_goes_on() -> None:
    found = rows(f"{A},100,x\nnothing\n{A},101,y\n{A},-3,z\n{A[:60]},50,w\n{B},50,v")
    assert [row.line for row in found] == [1, 2, 3, 4, 5, 6]
    assert isinstance(found[5], Row)
    reasons = [row.reason for row in found if isinstance(row, Bad)]
    assert "“nothing” is no PDQ hash" in reasons[0]
    assert "“101” is no whole number from 0 to 100" in reasons[1]
    assert "“-3”" in reasons[2] and "no PDQ hash" in reasons[3]


def test_a_line_without_end_is_one_bad_row() -> None:
    found = rows(f"{A},100\n" + "x" * (5 * MOST_LINE) + f"\n{B},100\n")
    assert [type(row) for row in found] == [Row, Bad, Row]
    assert found[1] == Bad(2, "the line is longer than 4,096 characters")
    assert found[2].line == 3


@given(st.binary(max_size=400))
def test_wild_bytes_never_raise(data: bytes) -> None:
    for row in rows(data + f"\n{A},77,end".encode()):
        assert isinstance(row, Bad) or len(row.pdq) == 64


@given(st.text(max_size=60))
def test_any_name_survives_its_csv(name: str) -> None:
    import csv

    file = io.StringIO()
    csv.writer(file).writerow([A, 80, name])
    text = file.getvalue()
    if "\n" in text[:-2] or "\r" in text[:-2] or "\0" in text:
        return
    (row,) = rows(text)
    assert (row.pdq, row.quality) == (A, 80)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lines_of_every_system_and_encoding(end, encoding) -> None:
    text = end.join(["hash,quality,name", f"{A},100,brücke", f"{B},90,桥", ""])
    found = rows(text.encode(encoding))
    assert found == [Row(2, A, 100, "brücke"), Row(3, B.lower(), 90, "桥")]


def test_the_file_is_left_open() -> None:
    file = io.BytesIO(A.encode())
    assert len(list(read(file))) == 1
    assert not file.closed
