from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.core import moments

AT = datetime(2017, 9, 20, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "label", "over"),
    [
        ("1min", "14:05", "Wed 20 Sep 2017"),
        ("6h", "14:05", "Wed 20 Sep 2017"),
        ("1d", "Wed 20", "Sep 2017"),
        ("1w", "20 Sep", "2017"),
        ("1mon", "Sep", "2017"),
        ("1y", "2017", ""),
    ],
)
def test_labels(interval: str, label: str, over: str) -> None:
    assert (moments.label(AT, interval), moments.over(AT, interval)) == (label, over)


def test_spans_do_not_say_a_day_twice() -> None:
    assert moments.span(AT, AT + timedelta(hours=1)) == "20 Sep 2017, 14:05 – 15:05"
    midnight = datetime(2017, 9, 20, tzinfo=UTC)
    assert moments.span(midnight, midnight + timedelta(days=2)) == "20 Sep 2017 – 22 Sep 2017"
    assert moments.span(AT, AT + timedelta(days=1)) == "20 Sep 2017, 14:05 – 21 Sep 2017, 14:05"


def test_utc_and_stamps() -> None:
    there = AT.astimezone(ZoneInfo("America/Puerto_Rico"))
    assert moments.stamp(there) == "2017-09-20T14:05Z"
    assert moments.in_utc(there, there + timedelta(minutes=5)) == "20 Sep 2017, 14:05 – 14:10 UTC"
