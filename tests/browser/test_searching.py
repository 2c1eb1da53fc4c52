"""Searching, and taking along what was found."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Opens


def saved(page: Page, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return Path(waiting.value.path()).read_bytes()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_words_find_pictures_and_posts(opens: Opens, storm: str, size: tuple[int, int]) -> None:
    watched = opens(f"/e/{storm}/search/", size=size)
    page = watched.page
    page.locator("#search-words").fill("#river ris*")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.split('/e/')[0]}/e/{storm}/search/?q=%23river+ris*")
    assert page.locator(".gallery .picture").count() == 15
    page.get_by_role("link", name="Posts").first.click()
    first = page.locator(".found-post").first
    expect(first.locator("mark").first).to_have_text("river")
    page.get_by_text("Filters").click()
    page.get_by_label("Versions, at least").fill("2")
    page.locator("#search-words").press("Enter")
    expect(page.get_by_role("link", name="Remove the filter versions ≥ 2")).to_be_visible()
    page.get_by_role("link", name="Pictures").first.click()
    assert page.locator(".gallery .picture").count() == 5
    assert watched.violations() == []


def test_where_nothing_is_found_something_looser_is_a_click_away(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/search/?q=market+flood").page
    expect(page.get_by_role("heading", name="No picture found")).to_be_visible()
    page.get_by_role("link", name="any of the words").click()
    expect(page.locator(".gallery .picture").first).to_be_visible()


def test_found_pictures_are_selected_by_keys_and_taken_along(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/search/?q=market").page
    page.locator(".gallery .picture a").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-selection-count]")).to_contain_text("2 pictures")
    archive = zipfile.ZipFile(io.BytesIO(saved(page, "Pictures (ZIP)")))
    assert len(archive.namelist()) == 3 and "manifest.csv" in archive.namelist()
    evidence = saved(page, "Evidence page").decode()
    assert evidence.count("<section>") == 2 and "data:image/jpeg" in evidence


def test_an_evidence_page_opens_alone(opens: Opens, storm: str, tmp_path: Path) -> None:
    page = opens(f"/e/{storm}/downloads/").page
    file = tmp_path / "evidence.html"
    file.write_bytes(saved(page, "Evidence page"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    shown = page.locator("section img").first
    assert shown.evaluate("img => img.complete && img.naturalWidth") >= 300
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_the_palette_leads_to_the_search(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/").page
    page.keyboard.press("/")
    page.locator("#palette input").fill("at the market")
    page.get_by_role("option", name="Search posts for").click()
    expect(page.locator("#search-words")).to_have_value("at the market")
    expect(page.locator(".gallery .picture").first).to_be_visible()
