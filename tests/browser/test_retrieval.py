"""Retrieval tables: sorted, side by side, on every screen."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import Installation
from tests.pictures import jpeg, photo, smaller


@pytest.fixture(scope="module")
def two_runs(installed: Installation, storm: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("first", "second"):
        folder: Path = tmp_path_factory.mktemp("runs") / name
        folder.mkdir()
        for at in range(6):
            edit = smaller(photo(at // 2), 0.9 - 0.2 * (at % 2))
            (folder / f"{1000 + at // 2}{at % 2:02}.jpg").write_bytes(jpeg(edit))
        installed.manage("retrieval", str(folder), "--user", "owner")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_runs_are_chosen_and_compared(opens: Opens, two_runs: None, size: tuple[int, int]) -> None:
    watched = opens("/", size=size)
    page = watched.page
    page.get_by_role("link", name="Retrieval").last.click()
    expect(page.locator(".chosen h2")).to_contain_text("second")
    expect(page.locator(".figures tbody tr")).to_have_count(10)
    expect(page.locator("main")).to_contain_text("No weights for mobilenet_v2")
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".chosen h2")).to_have_count(2)
    page.get_by_role("link", name="Descriptor").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[aria-sort=ascending]")).to_contain_text("Descriptor")
    expect(page.locator(".chosen h2")).to_have_count(2)
    page.locator("summary", has_text="ersions").first.click()
    assert watched.spilled() == []
    assert watched.violations() == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(250)
    assert watched.violations("color-contrast", "link-in-text-block") == []
