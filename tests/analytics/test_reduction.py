"""Counts from posts to groups, their shares, and the band's shape."""

import math
import re

import pytest

from analytics.reduction import band, reduction, steps
from imagery.models import Event


def event(**counts: int) -> Event:
    return Event(slug="storm", name="Storm", **counts)


PAPER = event(
    n_posts=2000, n_image_posts=1000, n_links=500, n_images=200, n_unique=100, n_near=120,
    n_groups=9,
)  # fmt: skip


def test_counts() -> None:
    assert reduction(PAPER) == {
        "posts": 2000,
        "image_posts": 1000,
        "urls": 500,
        "images": 200,
        "unique_images": 100,
        "near_images": 120,
        "groups": 9,
    }


def test_shares_are_of_image_posts() -> None:
    shares = {step.key: step.share for step in steps(PAPER)}
    assert shares == {
        "posts": None,
        "image_posts": 0.5,  # of posts
        "urls": 0.5,
        "images": 0.2,
        "unique_images": 0.1,
        "groups": 0.009,
    }


def test_sizes_are_in_log_proportion() -> None:
    sizes = {step.key: step.size for step in steps(PAPER)}
    assert sizes["posts"] == 1
    assert sizes["unique_images"] == pytest.approx(math.log(101) / math.log(2001))


def test_an_empty_event_has_no_shares() -> None:
    assert {step.share for step in steps(event())} == {None}
    assert {step.size for step in steps(event())} == {0.0}


def test_more_links_than_posts_stay_within_the_band() -> None:
    made = steps(event(n_posts=3, n_image_posts=2, n_links=8))
    assert max(step.size for step in made) == 1
    assert next(step for step in made if step.key == "urls").share == 4


def test_band_is_as_wide_as_each_step_in_the_middle_of_its_column() -> None:
    path = band([1.0, 0.5], width=200, height=100)
    numbers = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+),([\d.]+)", path)]
    upper = {x: y for x, y in numbers if y < 50}
    lower = {x: y for x, y in numbers if y > 50}
    assert (upper[0.0], lower[0.0]) == (0, 100)  # the first step fills the height
    assert (upper[200.0], lower[200.0]) == (25, 75)  # the second half of it
    assert path.startswith("M0,0")
    assert path.endswith("Z")


def test_band_of_nothing() -> None:
    assert band([]) == ""
    assert "nan" not in band([0.0] * 6)
