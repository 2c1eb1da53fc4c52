from datetime import UTC, datetime
from io import BytesIO

import pytest

from imagery.sources import FORMATS, BadRow, Record, UnreadableFile
from imagery.sources.tables import web_urls

NOW = datetime(2021, 6, 1, tzinfo=UTC)
CSV = FORMATS["csv"]


def rows(content: str | bytes) -> list[Record | BadRow]:
    raw = content if isinstance(content, bytes) else content.encode()
    return list(CSV.read(BytesIO(raw), "file", NOW))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter):
    lines = [["id", "date", "text"], ["1", "2021-05-04", "a"], ["2", "1620116100", "b"]]
    content = "\r\n".join(delimiter.join(line) for line in lines)
    assert CSV.sniff(content.encode(), "file")
    assert [(row.uid, row.text) for row in rows(content)] == [("1", "a"), ("2", "b")]


def test_column_names_of_others():
    content = (
        'TweetID,Date,ImageURL\n"910506763580997632",Wed Sep 20 14:11:43 +0000 2017,'
        "http://pbs.img.example/1.jpg\n"
    )
    (row,) = rows(content)
    assert (row.platform, row.uid) == ("twitter", "910506763580997632")
    assert row.posted_at == datetime(2017, 9, 20, 14, 11, 43, tzinfo=UTC)
    assert [image.url for image in row.images] == ["http://pbs.img.example/1.jpg"]
    (row,) = rows(
        "link,likes,comment_counts,dates,captions,username\n"
        "https://www.instagram.com/p/CxElm123/,154552,0,1594174009,hello,quay_cam\n"
    )
    assert (row.platform, row.uid, row.likes, row.comments) == ("instagram", "CxElm123", 154552, 0)
    (row,) = rows(
        "id,title,longitude,latitude,datetaken,dateupload,tags,url_s,ownername\n"
        "5,River,16.4,48.2,2008-10-14 13:15:10,1230710826,a b,https://live.img.example/5_m.jpg,me\n"
    )
    assert (row.lat, row.lon, row.hashtags) == (48.2, 16.4, ("a", "b"))
    assert row.posted_at == datetime(2008, 12, 31, 8, 7, 6, tzinfo=UTC)


def test_line_numbers_with_cells_over_several_lines():
    found = rows('id,date,text\n1,2021-05-04,"a\nb"\n\n2,soon,x\n3,2021-05-04,y\n')
    assert [type(row) for row in found] == [Record, BadRow, Record]
    assert found[1].line == 5 and "'soon' is not a time" in found[1].reason
    assert found[1].raw == "2,soon,x"


def test_a_stray_quote_costs_one_row():
    lines = ['1,2021-05-04,"never closed', *(f"{n},2021-05-04,fine" for n in range(2, 300))]
    found = rows("id,date,text\n" + "\n".join(lines))
    assert isinstance(found[0], BadRow) and found[0].line == 2
    assert "never closed" in found[0].reason
    assert [row.uid for row in found[1:]] == [str(n) for n in range(2, 300)]


def test_long_cells_are_read_and_endless_ones_refused():
    found = rows('id,date,text\n1,2021-05-04,"' + "x" * 500_000 + '"\n2,2021-05-04,y\n')
    assert [len(row.text) for row in found] == [500_000, 1]
    found = rows('id,date,text\n1,2021-05-04,"' + "x" * 2_000_000 + '"\n2,2021-05-04,y\n')
    assert isinstance(found[0], BadRow) and found[1].uid == "2"


def test_odd_rows():
    found = rows(
        "sep=;\nid;date;text;image\n1;2021-05-04\n2;2021-05-04;x;;\n3;2021-05-04;a;b;c;d\n"
        "9.10507E+17;2021-05-04;x\n;2021-05-04;x\n4;2021-05-04;x\0y;ftp://x/a.jpg\n"
    )
    assert [row.uid for row in found if isinstance(row, Record)] == ["1", "2", "4"]
    assert found[-1].text == "xy" and found[-1].images == ()
    assert [row.reason for row in found if isinstance(row, BadRow)] == [
        "The row has 6 cells, the header 4.",
        "id 9.10507E+17 was rounded by a spreadsheet; format the column as text.",
        "id is missing.",
    ]


def test_bad_utf8_is_replaced_not_fatal():
    (row,) = rows(b"id,date,text\n1,2021-05-04,caf\xe9\n")
    assert row.text == "caf\ufffd"


def test_headers_without_what_is_needed_are_refused():
    with pytest.raises(UnreadableFile, match="lacks columns that Afterimage CSV needs: a,b"):
        rows("a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match="no header"):
        rows("\n\n")
    assert not CSV.sniff(b"Serial,INCIDENT DATE,CATEGORY\n", "file")


def test_several_addresses_in_a_cell():
    one, two = "https://a.example/x,y.jpg", "http://b.example/z.png"
    for between in (" ", "|", ", ", ",", " | ", ";", "\n"):
        assert web_urls(f"{one}{between}{two}") == [one, two]
    assert web_urls("ftp://x data:abc") == []


def test_files_pair_with_addresses():
    (row,) = rows(
        "id,date,images,file\n1,2021-05-04,https://a.example/1.jpg,a/1.jpg|../2.jpg|3.jpg\n"
    )
    assert [(image.url, image.file) for image in row.images] == [
        ("https://a.example/1.jpg", "a/1.jpg"),
        ("", "3.jpg"),
    ]
