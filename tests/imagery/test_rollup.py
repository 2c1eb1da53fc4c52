from datetime import UTC, datetime

import numpy as np
import pytest
from django.db.models import QuerySet

from imagery import rollup, snapshots, storing
from imagery.models import Event, Snapshot
from imagery.showings import Shown
from imagery.sources.base import AccountRecord, ImageRef, Record
from tests.factories import organised

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MINUTE = int(NOON.timestamp() // 60)


def _shown(minutes: list[int], unique: int = 9) -> Shown:
    n = len(minutes)
    posts, none = np.arange(1, n + 1), np.zeros(n, np.int64)
    return Shown(posts, np.full(n, unique), np.array(minutes, np.int32), none, none)


def test_the_peak_is_the_fullest_hour_and_the_earliest_of_equals():
    assert rollup._peaks(_shown([])) == {}
    shown = _shown([MINUTE - 60, MINUTE, MINUTE + 59, MINUTE + 60, MINUTE + 119])
    assert rollup._peaks(shown) == {9: NOON}


def test_growth_is_the_fullest_day_over_the_damped_mean_day():
    day = MINUTE // 1440 * 1440
    shown = _shown([day, day + 1, day + 2, day + 2 * 1440])
    assert rollup._growths(shown) == {9: 3 / (4 / 2 + 1)}
    assert rollup._growths(_shown([])) == {}


def test_albums_are_posts_that_show_several_pictures():
    post, picture = rollup._albums(np.array([1, 2, 2, 3]), np.array([9, 9, 8, 8]))
    assert post.tolist() == [2, 2]
    assert picture.tolist() == [9, 8]


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


TAKEN = {
    "links": ("n_posts", "first_posted_at"),
    "images": ("n_posts", "first_posted_at"),
    "unique_images": (
        "n_posts", "n_copies", "n_accounts", "first_posted_at", "last_posted_at", "peak_at", "rank",
    ),
}  # fmt: skip


def _rows(event: Event, name: str) -> QuerySet:
    return getattr(event, name).order_by("pk").values("pk", *TAKEN[name])


@pytest.mark.django_db
def test_what_is_counted_is_what_the_rows_say(event):
    organised(event, 9)
    before = {name: list(_rows(event, name)) for name in TAKEN}
    tags = dict(event.unique_images.values_list("pk", "hashtags"))
    for rows in (event.links, event.images):
        rows.update(n_posts=77, first_posted_at=None)
    event.unique_images.update(n_posts=77, n_copies=77, peak_at=None, hashtags=[], rank=5)
    rollup.run(event)
    assert {name: list(_rows(event, name)) for name in TAKEN} == before
    counted = event.unique_images.values_list("pk", "hashtags")
    assert {pk: sorted(map(tuple, found)) for pk, found in counted} == {
        pk: sorted(map(tuple, found)) for pk, found in tags.items()
    }
    assert (event.n_posts, event.n_image_posts) == (
        event.posts.count(),
        event.posts.filter(has_images=True).count(),
    )


@pytest.mark.django_db
def test_posts_set_aside_are_not_counted(event):
    organised(event, 3)
    event.posts.update(selected=False)
    rollup.run(event)
    assert (event.n_posts, event.n_links, event.first_posted_at) == (0, 0, None)
    assert set(event.unique_images.values_list("n_posts", "peak_at")) == {(0, None)}
    assert not len(snapshots.read(event, Snapshot.Kind.TIMELINE)["post_n"])
