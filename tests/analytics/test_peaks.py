"""Peaks of a curve and the picture that stands for each."""

from datetime import UTC, datetime, timedelta

from analytics.peaks import peaks
from analytics.timelines import Interval

START = datetime(2017, 9, 20, tzinfo=UTC)


def curve(counts: list[int], tops: dict[int, list[tuple[int, int]]]) -> list[Interval]:
    hour = timedelta(hours=1)
    return [
        Interval(START + i * hour, START + (i + 1) * hour, n, n, tops.get(i, []))
        for i, n in enumerate(counts)
    ]


def test_the_highest_are_told_in_order_of_time() -> None:
    line = curve([1, 9, 1, 1, 5, 1, 1, 7, 1], {1: [(11, 4)], 4: [(12, 3)], 7: [(13, 2)]})
    found = peaks(line, most=2)
    assert [(peak.unique_id, peak.n_posts, peak.n_shown) for peak in found] == [
        (11, 9, 4),
        (13, 7, 2),
    ]
    assert found[0].at == START + timedelta(hours=1, minutes=30)


def test_neighbours_of_a_peak_are_not_peaks_of_their_own() -> None:
    line = curve([5, 9, 8, 9, 1, 1, 1, 1, 1, 6], {i: [(i, 1)] for i in range(10)})
    assert [peak.unique_id for peak in peaks(line, apart=0.3)] == [1, 9]


def test_a_picture_is_pinned_once() -> None:
    line = curve([9, 0, 0, 0, 0, 0, 0, 8], {0: [(1, 5)], 7: [(1, 4), (2, 3)]})
    assert [peak.unique_id for peak in peaks(line)] == [1, 2]


def test_a_peak_without_pictures_is_not_pinned() -> None:
    found = peaks(curve([9, 0, 0, 3], {3: [(1, 1)]}))
    assert [(peak.n_posts, peak.unique_id) for peak in found] == [(3, 1)]
    assert peaks([]) == []
    assert peaks(curve([0, 0], {})) == []
