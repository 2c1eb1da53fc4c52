"""Percentiles, the last hour by minutes, and latencies of the latest links, by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery import pace
from imagery.models import Event, Post, PostLink, Stage
from imagery.pace import Done, Spread
from tests import factories

NOW = datetime(2026, 3, 1, 12, 30, 30, tzinfo=UTC)


def done(stage: str, begun_s: float, took_s: float | None, n: int, waited_s: float = 1) -> Done:
    """A job taken up `begun_s` before NOW."""
    start = NOW - timedelta(seconds=begun_s)
    end = None if took_s is None else start + timedelta(seconds=took_s)
    state = "running" if end is None else "done"
    return Done(stage, state, start - timedelta(seconds=waited_s), start, end, n)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert pace.spread([]) is None
    assert pace.spread([3]) == Spread(1, 3, 3)
    assert pace.spread(list(range(1, 101))) == Spread(100, 50, 95)
    assert pace.spread([-5, 1]) == Spread(2, 0, 1)


def test_waiting_and_working_times_by_stage() -> None:
    jobs = [done("look", 50, 10, 5, waited_s=2), done("look", 90, 20, 5, waited_s=4)]
    told = pace.of_stages(jobs)
    assert told[Stage.LOOK].waited == Spread(2, 2, 4)
    assert told[Stage.LOOK].worked == Spread(2, 10, 20)
    assert told[Stage.FETCH].both == (None, None)


def test_failed_jobs_waited_but_tell_no_working_time() -> None:
    failed = Done("look", "failed", NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2), 0)
    told = pace.of_stages([failed])[Stage.LOOK]
    assert told.waited == Spread(1, 1, 1)
    assert told.worked is None


def test_the_last_hour_by_minutes() -> None:
    # 12:28:30 to 12:30:30: half a minute, a whole one, half a minute.
    hour = pace.last_hour([done("fetch", 120, 120, 400)], [Stage.FETCH], NOW)[Stage.FETCH]
    assert hour.per_minute[-3:] == [100, 200, 100]
    assert (hour.total, hour.peak, hour.latest) == (400, 200, 300)
    assert hour.path


def test_a_running_job_counts_until_now_and_an_old_one_in_part() -> None:
    jobs = [done("fetch", 30, None, 60), done("fetch", 7170, 7140, 100)]
    hour = pace.last_hour(jobs, [Stage.FETCH, Stage.LOOK], NOW)
    assert hour[Stage.FETCH].per_minute[-1] == 60
    # From 10:31:00 to 12:30:00 evenly; the hour begins 11:31:00, and 59 of 119 minutes are left.
    assert hour[Stage.FETCH].total == 60 + round(100 * 59 / 119)
    assert hour[Stage.LOOK].total == 0
    assert hour[Stage.LOOK].path == ""


@given(
    st.lists(
        st.tuples(st.floats(0, 3000), st.floats(0, 1) | st.just(0.0), st.integers(0, 10**7)),
        max_size=8,
    )
)
def test_nothing_is_lost_or_made_up_by_rounding(jobs) -> None:
    rows = [done("look", begun, begun * share, n) for begun, share, n in jobs]
    hour = pace.last_hour(rows, [Stage.LOOK], NOW)[Stage.LOOK]
    assert abs(hour.total - sum(row.n_done for row in rows)) <= 1
    assert min(hour.per_minute) >= 0
    assert np.sum(hour.per_minute) == hour.total


@pytest.mark.django_db
def test_latency_from_rows(event: Event) -> None:
    for index in range(3):
        post = Post.objects.create(
            event=event, platform="p", uid=str(index), posted_at=NOW, stored_at=NOW
        )
        fetched = NOW + timedelta(seconds=10 * (index + 1))
        image = factories.image(
            event, factories.jpeg(index), looked_at=fetched + timedelta(seconds=2)
        )
        link = factories.link(
            event, f"https://x.example/{index}", state="fetched", fetched_at=fetched, image=image
        )
        PostLink.objects.create(post=post, link=link)
    waits = factories.link(event, "https://x.example/waits")
    later = factories.link(event, "https://x.example/9", state="fetched", fetched_at=NOW)
    told = pace.latency(event)
    assert told.stored_to_fetched == Spread(3, 20, 30)
    assert told.fetched_to_looked == Spread(3, 2, 2)
    assert later.pk > waits.pk  # behind one that waits: not reached in its turn
