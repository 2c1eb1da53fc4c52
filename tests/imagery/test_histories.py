"""Spread over time worked by hand; links shown only where a browser may follow them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from imagery import histories, snapshots, spread_chart
from imagery.models import Snapshot
from imagery.templatetags.web import known, web

NOON = int(datetime(2017, 9, 20, 12, 0, tzinfo=UTC).timestamp()) // 60


def timeline(event, minutes, n, unique=7):
    empty = dict(snapshots.EMPTY[Snapshot.Kind.TIMELINE])
    made = empty | {
        "minute": np.array(minutes, np.int32),
        "unique": np.full(len(minutes), unique, np.int64),
        "n": np.array(n, np.int32),
    }
    snapshots.write(event, Snapshot.Kind.TIMELINE, made, str(minutes))


@pytest.mark.django_db
def test_a_short_spread_is_told_by_the_minute(event):
    timeline(event, [NOON, NOON + 2], [3, 4])
    spread = histories.spread_of(event, 7)
    assert spread.interval_s == 60
    assert spread.counts == [3, 0, 4]
    assert spread.cumulative == [3, 3, 7]
    assert spread.starts[0] == datetime(2017, 9, 20, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_intervals_begin_at_the_zones_round_times(event):
    """Kathmandu is 5 h 45 min ahead: its days begin at 18:15 UTC."""
    event.timezone = "Asia/Kathmandu"
    timeline(event, [NOON, NOON + 40 * 1440], [1, 1])
    spread = histories.spread_of(event, 7)
    assert spread.interval_s == 86400
    assert spread.starts[0] == datetime(2017, 9, 19, 18, 15, tzinfo=UTC)
    assert sum(spread.counts) == 2 and len(spread.counts) == 41


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 1, 30, 365, 3650, 20000])
def test_intervals_stay_few_and_lose_no_post(event, days):
    timeline(event, [NOON, NOON + days * 720, NOON + days * 1440], [1, 2, 3])
    spread = histories.spread_of(event, 7)
    assert sum(spread.counts) == spread.cumulative[-1] == 6
    assert len(spread.counts) <= 61


@pytest.mark.django_db
def test_other_pictures_posts_are_not_counted(event):
    timeline(event, [NOON], [3], unique=8)
    assert histories.spread_of(event, 7).counts == []
    assert spread_chart.drawn(event, 7) is None


@pytest.mark.django_db
def test_the_drawing_has_bars_and_their_running_sum(event):
    timeline(event, [NOON, NOON + 1], [1, 3])
    chart = spread_chart.drawn(event, 7)
    assert chart.bars == "M0 160V106.7H500V0H1000V160Z"
    assert chart.line == "M0.0 160.0L500.0 120.0L1000.0 0.0"
    assert (chart.peak, chart.total, chart.interval_name) == (3, 4, "minute")
    assert chart.end == datetime(2017, 9, 20, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//host/x", "ftp://h/x", "", None, "http://[", " "],
)
def test_addresses_that_are_not_the_webs_are_no_links(url):
    assert web(url) == ""


def test_web_addresses_are_links():
    assert web(" https://posts.example/1?a=b#c ") == "https://posts.example/1?a=b#c"


def test_unknown_is_not_nought():
    assert (known(None), known(0), known(12345)) == ("—", "0", "12,345")
