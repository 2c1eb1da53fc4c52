from datetime import UTC, datetime

import numpy as np
import pytest

from imagery import rollup, storing
from imagery.sources.base import AccountRecord, ImageRef, Record

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MINUTE = int(NOON.timestamp() // 60)


def test_the_peak_is_the_fullest_hour_and_the_earliest_of_equals():
    assert rollup._peak(np.array([], np.int32)) is None
    minutes = np.array([MINUTE - 60, MINUTE, MINUTE + 59, MINUTE + 60, MINUTE + 119])
    assert rollup._peak(minutes) == NOON


def test_growth_is_the_fullest_day_over_the_damped_mean_day():
    day = MINUTE // 1440 * 1440
    minutes = np.array([day, day + 1, day + 2, day + 1440])
    assert rollup._growth(minutes, n_days=2.0) == 3 / (4 / 2 + 1)
    assert rollup._growth(np.array([], np.int32), n_days=2.0) == 0.0


def test_albums_are_posts_that_show_several_unique_images():
    shown = rollup.Shown(
        post=np.array([1, 2, 2, 3]),
        unique=np.array([9, 9, 8, 8]),
        minute=np.zeros(4, np.int32),
        account=np.zeros(4, np.int64),
    )
    found = rollup._albums(shown)
    assert found["album_post"].tolist() == [2, 2]
    assert found["album_unique"].tolist() == [9, 8]


@pytest.mark.django_db
def test_posts_are_counted_right_after_an_import(event):
    ref = ImageRef("https://example.org/a.jpg")
    storing.store(
        event,
        [
            Record("x", "1", NOON, AccountRecord("a"), images=(ref,)),
            Record("x", "2", NOON, AccountRecord("b")),
        ],
    )
    rollup.quick_counts(event)
    event.refresh_from_db()
    counts = (event.n_posts, event.n_image_posts, event.n_links, event.n_accounts)
    assert counts == (2, 1, 1, 2)
    assert event.organised_at is None
    assert event.first_posted_at == NOON
