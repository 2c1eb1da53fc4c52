from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.core import intervals

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def minute(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


def told(edges: object, zone: ZoneInfo) -> list[str]:
    return [f"{datetime.fromtimestamp(int(e) * 60, zone):%m-%d %H:%M}" for e in edges]


def test_hours_begin_at_round_minutes() -> None:
    made = intervals.edges(minute("2017-09-20 10:25"), minute("2017-09-20 12:00"), "1h", UTC_ZONE)
    assert told(made, UTC_ZONE) == ["09-20 10:00", "09-20 11:00", "09-20 12:00"]


def test_hours_of_a_half_hour_zone_begin_at_its_own_round_minutes() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    made = intervals.edges(minute("2017-09-20 10:25"), minute("2017-09-20 10:26"), "1h", zone)
    assert told(made, zone) == ["09-20 15:00", "09-20 16:00"]


def test_a_day_that_gains_an_hour_has_25() -> None:
    made = intervals.edges(minute("2017-10-28 12:00"), minute("2017-10-30 12:00"), "1d", BERLIN)
    assert (made[1:] - made[:-1]).tolist() == [24 * 60, 25 * 60, 24 * 60]
    assert told(made, BERLIN)[1] == "10-29 00:00"


def test_a_day_that_loses_an_hour_has_23_and_its_night_5() -> None:
    made = intervals.edges(minute("2017-03-26 05:00"), minute("2017-03-26 06:00"), "1d", BERLIN)
    assert (made[1:] - made[:-1]).tolist() == [23 * 60]
    made = intervals.edges(minute("2017-03-25 23:30"), minute("2017-03-26 06:00"), "6h", BERLIN)
    assert (made[1:] - made[:-1]).tolist() == [5 * 60, 6 * 60]


def test_a_skipped_midnight_begins_the_day_at_its_first_minute() -> None:
    zone = ZoneInfo("America/Sao_Paulo")  # 2018-11-04 00:00 was 01:00
    made = intervals.edges(minute("2018-11-03 12:00"), minute("2018-11-05 02:00"), "1d", zone)
    assert told(made, zone) == ["11-03 00:00", "11-04 01:00", "11-05 00:00"]


def test_a_skipped_day_is_no_interval() -> None:
    zone = ZoneInfo("Pacific/Apia")  # 2011-12-30 never was
    made = intervals.edges(minute("2011-12-29 12:00"), minute("2012-01-01 00:00"), "1d", zone)
    assert told(made, zone) == ["12-29 00:00", "12-31 00:00", "01-01 00:00", "01-02 00:00"]


def test_months_and_weeks_follow_the_calendar() -> None:
    made = intervals.edges(minute("2019-12-31 23:00"), minute("2020-02-29 12:00"), "1mon", UTC_ZONE)
    assert told(made, UTC_ZONE) == ["12-01 00:00", "01-01 00:00", "02-01 00:00", "03-01 00:00"]
    made = intervals.edges(minute("2017-09-20 10:00"), minute("2017-09-25 00:00"), "1w", UTC_ZONE)
    assert told(made, UTC_ZONE) == ["09-18 00:00", "09-25 00:00"]


def test_the_end_itself_opens_no_interval() -> None:
    start = minute("2017-09-20 00:00")
    for interval, n in (("1min", 1440), ("15min", 96), ("1h", 24), ("6h", 4), ("1d", 1)):
        assert len(intervals.edges(start, start + 1440, interval, UTC_ZONE)) == n + 1


def test_the_interval_before() -> None:
    march = minute("2017-03-01 00:00")
    assert intervals.before(march, "1mon", UTC_ZONE) == minute("2017-02-01 00:00")
    assert intervals.before(march, "5min", UTC_ZONE) == march - 5


@pytest.mark.parametrize(
    ("span", "chosen"),
    [
        (1, "1min"),
        (60, "1min"),
        (61, "5min"),
        (24 * 60, "1h"),
        (14 * 1440, "6h"),
        (60 * 1440, "1d"),
        (365 * 1440, "1w"),
        (6 * 365 * 1440, "1mon"),
        (100 * 365 * 1440, "1y"),
    ],
)
def test_automatic(span: int, chosen: str) -> None:
    assert intervals.automatic(0, span) == chosen


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="'2h'"):
        intervals.edges(0, 1, "2h", UTC_ZONE)
    with pytest.raises(ValueError, match="7 and 7"):
        intervals.edges(7, 7, "1h", UTC_ZONE)


@settings(max_examples=120, deadline=None)
@given(
    start=st.integers(minute("1975-01-01"), minute("2035-01-01")),
    span=st.integers(1, 400_000),
    interval=st.sampled_from(["15min", "1h", "6h", "1d", "1w", "1mon", "1y"]),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
)
def test_edges_cover_and_ascend(start: int, span: int, interval: str, zone: str) -> None:
    made = intervals.edges(start, start + span, interval, ZoneInfo(zone))
    assert len(made) >= 2
    assert (made[1:] > made[:-1]).all()
    assert made[0] <= start < made[1]
    assert made[-2] < start + span <= made[-1]
