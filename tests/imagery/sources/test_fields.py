import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.sources import fields

LATEST = datetime(2030, 1, 1, tzinfo=UTC)
AT = datetime(2017, 9, 20, 14, 11, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("Wed Sep 20 14:11:43 +0000 2017", AT),
        ("Wed Sep 20 16:11:43 +0200 2017", AT),
        ("2017-09-20T14:11:43Z", AT),
        ("2017-09-20T14:11:43.000Z", AT),
        ("2017-09-20 14:11:43", AT),
        (" 2017-09-20 14:11:43 UTC ", AT),
        ("2017-09-20T10:11:43-04:00", AT),
        ("Wed, 20 Sep 2017 14:11:43 GMT", AT),
        (1505916703, AT),
        ("1505916703", AT),
        (1505916703.0, AT),
        (Decimal("1505916703"), AT),
        (1505916703000, AT),
        (1505916703000000, AT),
        ("1505916703000000000", AT),
        ("2017-09-20", datetime(2017, 9, 20, tzinfo=UTC)),
        *[(bad, None) for bad in ("", "soon", "05/07/2010 17:26", None, True, [], {}, math.nan)],
        *[(bad, None) for bad in ("2017-13-45", "Wed Xxx 20 14:11:43 +0000 2017", 1e300)],
        ("9" * 400, None),
    ],
)  # fmt: skip
def test_times(value, wanted):
    assert fields.parse_moment(value) == wanted


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "posted_at is missing"),
        ("", "posted_at is missing"),
        ("soon", "posted_at 'soon' is not a time"),
        ("1994-12-31T23:59:59Z", "is before 1995"),
        (0, "is before 1995"),
        ("2030-01-01T00:00:01Z", "lies in the future"),
    ],
)
def test_unusable_times_say_why(value, words):
    with pytest.raises(fields.Unusable, match=words):
        fields.moment(value, LATEST)


def test_the_limits_of_time_are_inside():
    assert fields.moment("1995-01-01", LATEST) == fields.EARLIEST
    assert fields.moment("2030-01-01T00:00:00Z", LATEST) == LATEST


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, 0), ("0", 0), (7, 7), ("1234", 1234), ("1,234", 1234), ("1.234.567", 1234567),
        ("1 234", 1234), ("1.2K", 1200), ("3m", 3_000_000), ("1,5 k", 1500), ("12.0", 12),
        (12.0, 12), (Decimal("12"), 12), (2**63 - 1, 2**63 - 1),
        *[(bad, None) for bad in (None, "", -1, "-1", math.nan, math.inf, "NaN", True, "many")],
        *[(bad, None) for bad in ([], {}, 2**63, "9" * 30, "1e999")],
    ],
)  # fmt: skip
def test_counts(value, wanted):
    assert fields.count(value) == wanted


def test_ids_stay_exact():
    assert fields.uid(910506763580997632) == "910506763580997632"
    assert fields.uid(10**30) == "1" + "0" * 30
    assert fields.uid(12.0) == "12"
    for rounded in (9.1e17, 1.5, math.nan, Decimal("1E+20")):
        with pytest.raises(fields.InexactId):
            fields.uid(rounded)
    for none in (None, "", [], {}, True, " \0"):
        with pytest.raises(fields.Unusable):
            fields.uid(none)
    with pytest.raises(fields.Unusable, match="longer than 300"):
        fields.uid("x" * 301)


def test_hashtags_of_many_scripts():
    told = "#Flood, (#水害) #तूफान #ป้ายกำกับ x#no &#39; #2024 #a_b #Flood "
    told += "https://x.example/#anchor ＃全角"
    assert fields.hashtags_in(told) == (
        "Flood", "水害", "तूफान", "ป้ายกำกับ", "a_b", "全角",
    )  # fmt: skip


def test_html_becomes_text_without_choking():
    assert fields.plain("<p>a &lt; b<br/>c</p><p>d</p>") == "a < b\nc\nd"
    assert len(fields.plain("<" * 1_000_000)) == 1_000_000


def test_text_loses_what_databases_refuse():
    assert fields.text("a\0b") == "ab"
    assert fields.text("\ud83d\ude00") == "😀"
    assert fields.text("x\ud800y") == "x\ufffdy"
    assert len(fields.text("😀" * 10_000)) == 10_000


@pytest.mark.parametrize("bad", ["ftp://x/a.jpg", "javascript:alert(1)", "/a.jpg", "http://a b/",
                                 "http://x/\n", "", None, 5, "https://" + "x" * 3000])  # fmt: skip
def test_only_web_addresses_are_kept(bad):
    assert fields.web_url(bad if bad != "http://x/\n" else "http://x/\ny") == ""
    assert fields.web_url(" HTTPS://x.example/ü.jpg ") == "HTTPS://x.example/ü.jpg"


@pytest.mark.parametrize("bad", ["/etc/passwd", "../a", "a/../../b", "C:\\x", "c:/x", "..\\a", "",
                                 "a\nb", None, 3.5j])  # fmt: skip
def test_paths_that_lead_outside_are_none(bad):
    assert fields.inner_path(bad) == ""


def test_paths_inside_are_kept():
    assert fields.inner_path("./images\\a b.jpg") == "images/a b.jpg"
    assert fields.inner_path("00000.jpg") == "00000.jpg"
    assert fields.inner_path("a..b/c...jpg") == "a..b/c...jpg"


def test_positions():
    assert fields.position("48.2", 16) == (48.2, 16.0)
    for lat, lon in (
        (91, 0),
        (0, 181),
        (None, 1),
        (math.nan, 1),
        (True, 1),
        ("x", 1),
        (10**400, 1),
    ):
        assert fields.position(lat, lon) == (None, None)


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)  # fmt: skip


@given(WILD)
def test_no_value_is_too_wild(value):
    assert fields.count(value) is None or fields.count(value) >= 0
    at = fields.parse_moment(value)
    assert at is None or at.utcoffset() is not None
    fields.web_url(value), fields.inner_path(value), fields.position(value, value)
    fields.text(value).encode()
    fields.shown(value).encode()
    fields.hashtags_in(fields.text(value))
