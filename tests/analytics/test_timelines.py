from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analytics import timelines
from imagery import snapshots
from imagery.models import Event, Snapshot
from tests import factories

NOON = datetime(2017, 9, 20, 12, 0, tzinfo=UTC)


def posted(event: Event, *posts: tuple[int, int | None], zone: str = "UTC") -> Event:
    """Store posts given as (minutes after noon, unique image or None)."""
    event.timezone = zone
    event.save()
    noon = int(NOON.timestamp()) // 60
    minutes = sorted({m for m, _ in posts})
    pairs = sorted({(m, u) for m, u in posts if u})
    uniques = sorted({u for _, u in pairs}, key=lambda u: (-sum(p[1] == u for p in posts), u))
    first = [60 * (noon + min(m for m, u in pairs if u == unique)) for unique in uniques]
    times = {
        "post_minute": np.array([noon + m for m in minutes], np.int32),
        "post_n": np.array([sum(p[0] == m for p in posts) for m in minutes], np.int32),
        "image_post_n": np.array(
            [sum(p[0] == m and p[1] is not None for p in posts) for m in minutes], np.int32
        ),
        "minute": np.array([noon + m for m, _ in pairs], np.int32),
        "unique": np.array([u for _, u in pairs], np.int64),
        "n": np.array([posts.count(pair) for pair in pairs], np.int32),
    }
    unique = {
        "id": np.array(uniques, np.int64),
        "n_posts": np.array([sum(p[1] == u for p in posts) for u in uniques], np.int32),
        "rank": np.arange(1, len(uniques) + 1, dtype=np.int32),
        "first": np.array(first, np.int64),
        "last": np.array(first, np.int64),
    }
    inputs = snapshots.digest(repr(posts))
    snapshots.write(event, Snapshot.Kind.TIMELINE, times, inputs)
    snapshots.write(event, Snapshot.Kind.UNIQUE, unique, inputs)
    return event


def tops_of(made: timelines.Timeline) -> list[list[tuple[int, int]]]:
    return [part.top for part in made.intervals]


@pytest.mark.django_db
def test_most_posted_per_interval_by_hand(event: Event) -> None:
    posted(event, (0, 7), (1, 7), (2, 8), (59, None), (60, 8), (61, 8), (130, 7))
    made = timelines.timeline(event, "1h", top=1)
    assert tops_of(made) == [[(7, 2)], [(8, 2)], [(7, 1)]]
    assert [part.n_posts for part in made.intervals] == [4, 2, 1]
    assert [part.n_image_posts for part in made.intervals] == [3, 2, 1]
    assert made.intervals[0].start == NOON
    assert made.end == NOON + timedelta(hours=3)
    assert made.is_whole


@pytest.mark.django_db
def test_new_ones_are_shown_where_they_first_came(event: Event) -> None:
    posted(event, (0, 7), (60, 7), (61, 7), (62, 8), (120, 8))
    assert tops_of(timelines.timeline(event, "1h", order="new")) == [[(7, 1)], [(8, 1)], []]


@pytest.mark.django_db
def test_rising_ones_by_smoothed_growth(event: Event) -> None:
    # Second hour: 7 from 1 to 3 → 4/2; 8 from 0 to 2 → 3/1; 9 from 2 to 2 does not rise.
    posts = [(0, 7), (1, 9), (2, 9), (60, 7), (61, 7), (62, 7), (63, 8), (64, 8), (65, 9), (66, 9)]
    posted(event, *posts)
    made = timelines.timeline(event, "1h", order="growth")
    assert tops_of(made)[1] == [(8, 2), (7, 3)]
    assert tops_of(made)[0] == [(9, 2), (7, 1)]
    later = timelines.timeline(event, "1h", start=NOON + timedelta(hours=1), order="growth")
    assert tops_of(later) == [[(8, 2), (7, 3)]]


def by_hand(posts: list[tuple[int, int]], order: str, top: int) -> list[list[tuple[int, int]]]:
    """The same hour by hour, post by post."""
    total = Counter(unique for _, unique in posts)
    rank = {u: i for i, u in enumerate(sorted(total, key=lambda u: (-total[u], u)))}
    first = {u: min(m for m, v in posts if v == u) // 60 for u in total}
    made = []
    for hour in range(min(m for m, _ in posts) // 60, max(m for m, _ in posts) // 60 + 1):
        here = Counter(u for m, u in posts if m // 60 == hour)
        earlier = Counter(u for m, u in posts if m // 60 == hour - 1)
        if order == "posts":
            rows = [(-n, rank[u], u, n) for u, n in here.items()]
        elif order == "new":
            rows = [(-n, rank[u], u, n) for u, n in here.items() if first[u] == hour]
        else:
            rows = [
                (-(n + 1) / (earlier[u] + 1), -n, rank[u], u, n)
                for u, n in here.items()
                if n > earlier[u]
            ]
        made.append([(row[-2], row[-1]) for row in sorted(rows)[:top]])
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(timelines.ORDERS))
@pytest.mark.parametrize("seed", range(3))
def test_against_brute_force(event: Event, order: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    minutes, uniques = rng.integers(0, 720, 300), rng.zipf(1.6, 300) % 25 + 1
    posts = list(zip(minutes.tolist(), uniques.tolist(), strict=True))
    posted(event, *posts)
    made = timelines.timeline(event, "1h", top=4, order=order)
    assert tops_of(made) == by_hand(posts, order, 4)


@pytest.mark.django_db
def test_equal_ones_go_by_their_rank_in_the_event(event: Event) -> None:
    posted(event, (0, 5), (1, 9), (60, 9))
    assert tops_of(timelines.timeline(event, "1h"))[0] == [(9, 1), (5, 1)]


@pytest.mark.django_db
def test_window_is_widened_to_whole_intervals_and_kept_within_the_span(event: Event) -> None:
    posted(event, (0, 7), (90, 8), (300, 7))
    made = timelines.timeline(
        event, "1h", start=NOON + timedelta(minutes=70), end=NOON + timedelta(days=9)
    )
    assert (made.start, made.end) == (NOON + timedelta(hours=1), NOON + timedelta(hours=6))
    assert (made.first, made.last) == (NOON, NOON + timedelta(minutes=301))
    assert not made.is_whole


@pytest.mark.django_db
def test_window_without_posts_says_so(event: Event) -> None:
    posted(event, (0, 7))
    made = timelines.timeline(event, start=NOON + timedelta(days=1))
    assert made.intervals == [] and made.note == "No posts then." and made.first == NOON


@pytest.mark.django_db
def test_days_follow_the_zone_and_its_clock_changes(event: Event) -> None:
    event.timezone = "Europe/Berlin"
    start = datetime(2017, 10, 28, 22, 0, tzinfo=UTC)  # midnight in Berlin
    shift = int((start - NOON).total_seconds()) // 60
    posted(event, (shift, 7), (shift + 25 * 60 - 1, 7), (shift + 25 * 60, 8), zone="Europe/Berlin")
    made = timelines.timeline(event, "1d")
    assert tops_of(made) == [[(7, 2)], [(8, 1)]]
    assert [f"{part.start:%d %H:%M %z}" for part in made.intervals] == [
        "29 00:00 +0200",
        "30 00:00 +0100",
    ]


@pytest.mark.django_db
def test_months(event: Event) -> None:
    posted(event, (0, 7), (45 * 1440, 8))
    made = timelines.timeline(event, "1mon")
    assert [f"{part.start:%Y-%m-%d}" for part in made.intervals] == [
        "2017-09-01",
        "2017-10-01",
        "2017-11-01",
    ]
    assert tops_of(made) == [[(7, 1)], [], [(8, 1)]]


@pytest.mark.django_db
def test_one_post(event: Event) -> None:
    made = timelines.timeline(posted(event, (0, 7)))
    assert made.interval == "1min" and made.is_auto
    assert tops_of(made) == [[(7, 1)]]


@pytest.mark.django_db
def test_no_posts(event: Event) -> None:
    assert timelines.timeline(event).intervals == []
    assert timelines.outline(event) == []


@pytest.mark.django_db
def test_too_many_columns_are_coarsened_and_it_says_so(event: Event) -> None:
    posted(event, (0, 7), (30 * 1440, 7))
    made = timelines.timeline(event, "1min")
    assert made.interval == "6h" and len(made.intervals) <= 400
    assert "43,201 columns" in made.note and "6 hours" in made.note


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "offender"),
    [
        ({"interval": "2h"}, "'2h'"),
        ({"order": "best"}, "'best'"),
        ({"top": 0}, "0"),
        ({"start": NOON, "end": NOON}, "2017-09-20T12:00"),
    ],
)
def test_bad_input_is_named(event: Event, asked: dict, offender: str) -> None:
    with pytest.raises(ValueError, match=offender):
        timelines.timeline(event, **asked)


@pytest.mark.django_db
def test_unknown_zone_falls_back_to_utc(event: Event) -> None:
    assert timelines.timeline(posted(event, (0, 7), zone="Mars/Olympus")).zone == "UTC"


@pytest.mark.django_db
def test_every_post_with_a_picture_is_counted_once(event: Event) -> None:
    made = timelines.timeline(factories.organised(event), "15min", top=50)
    assert sum(part.n_posts for part in made.intervals) == Event.objects.get().n_posts
    assert (
        sum(n for part in made.intervals for _, n in part.top)
        == 24 + 12 + 8 + 6 + 4 + 4 + 3 + 3 + 2 * 4
    )
    outline = timelines.outline(event, most=100)
    assert sum(part.n_posts for part in outline) == Event.objects.get().n_posts


@pytest.mark.django_db
def test_two_queries_a_snapshot_and_none_a_picture(event, django_assert_max_num_queries) -> None:
    factories.organised(event)
    with django_assert_max_num_queries(4):
        timelines.timeline(event)
    with django_assert_max_num_queries(2):
        timelines.timeline(event)
