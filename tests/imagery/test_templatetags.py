"""How pages write times, spans, durations, shares and rates."""

from datetime import UTC, datetime

import pytest

from imagery.templatetags.afterimage import duration, percent, rate, span, took, when

AT = datetime(2017, 9, 20, 2, 5, 9, tzinfo=UTC)


def test_times_are_in_the_events_zone_with_utc_on_hover() -> None:
    told = when(AT, "America/Puerto_Rico")
    assert ">19 Sep 2017, 22:05</time>" in told
    assert 'title="2017-09-20 02:05:09 UTC"' in told
    assert ">20 Sep 2017, 02:05:09<" in when(AT, "No/Where", "second")
    assert when(None) == "–"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (datetime(2017, 9, 20, 20, tzinfo=UTC), "20 Sep 2017"),
        (datetime(2017, 9, 28, tzinfo=UTC), "20–28 Sep 2017"),
        (datetime(2017, 10, 2, tzinfo=UTC), "20 Sep – 2 Oct 2017"),
        (datetime(2018, 1, 2, tzinfo=UTC), "20 Sep 2017 – 2 Jan 2018"),
        (None, "–"),
    ],
)
def test_spans_say_nothing_twice(last, words) -> None:
    assert span(AT, last) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (2, "a few seconds"),
        (31, "about 30 s"),
        (170, "about 3 min"),
        (2 * 3600 + 1500, "about 2 h 25 min"),
        (30 * 3600, "about 30 h"),
        (3 * 86400, "about 3 days"),
    ],
)
def test_durations_are_estimates(seconds, words) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "–"),
        (0, "0 %"),
        (1, "100 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (0.0423, "4.2 %"),
        (4.0, "400.0 %"),
    ],
)
def test_nothing_rounds_to_none_or_all(share, words) -> None:
    assert percent(share) == words


def test_rates() -> None:
    assert (rate(None), rate(1234.5), rate(0.31)) == ("", "1,234", "0.3")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.04, "0.0 s"), (59.9, "59.9 s"), (59.96, "1 min 0 s"), (102.9, "1 min 43 s"),
     (3599.7, "1 h 0 min"), (7500, "2 h 5 min")],
)  # fmt: skip
def test_measured_times(seconds, words) -> None:
    assert took(seconds) == words
