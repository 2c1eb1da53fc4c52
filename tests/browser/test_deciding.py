"""The review by keys: one pair after the other, undone, and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Opens
from tests.browser.installation import Installation
from tests.browser.posts import OnDisk


@pytest.fixture(scope="module")
def doubted(installed: Installation, on_disk: OnDisk) -> str:
    """An event of its own, whose files all are within a few bits of the threshold."""
    settings = {"dedup_threshold": 24, "copies": "near"}
    return installed.event("doubted", on_disk.posts, on_disk.pictures, **settings)


def test_pairs_are_decided_by_key_and_undone(opens: Opens, doubted: str) -> None:
    page = opens(f"/e/{doubted}/review/").page
    left = page.locator("#review [role=status]").first
    before = left.inner_text()
    page.keyboard.press("d")
    page.locator("[data-act=undo]").wait_for()
    expect(left).not_to_have_text(before)
    page.keyboard.press("u")
    page.locator("[data-act=undo]").wait_for(state="detached")
    # What was undone is among the doubts again at once, or after the pass that it asked for.
    page.goto(f"/e/{doubted}/decisions/")
    assert page.locator(".decision[data-undone]").count() == 1


def test_the_review_fits_a_phone_and_needs_no_script(opens: Opens, doubted: str) -> None:
    page = opens(f"/e/{doubted}/review/", size=NARROW, java_script_enabled=False).page
    acts = page.locator(".review-acts").bounding_box()
    assert acts is not None and acts["y"] + acts["height"] <= NARROW[1]
    page.click("button[value=same]")
    assert "kept" in page.inner_text(".slim-notice")
