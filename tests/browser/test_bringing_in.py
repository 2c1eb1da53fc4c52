"""From a file on disk to an organised event, by hand."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import ORGANISED_S, PASSWORD, Installation
from tests.browser.posts import OnDisk


def log_in(page: Page, user: str) -> None:
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def number(text: str) -> int:
    return int(text.strip().replace(",", ""))


def counts_shown(page: Page) -> list[int]:
    return [number(text) for text in page.locator(".band-count").all_inner_texts()]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_from_a_file_to_counts(
    opens: Opens, installed: Installation, on_disk: OnDisk, size: tuple[int, int]
) -> None:
    page = opens("/", user="", size=size).page
    expect(page).to_have_url(f"{installed.address}/login/?next=/")
    log_in(page, "owner")
    page.get_by_role("link", name="New event").first.click()
    name = f"Flood at {size[0]}"
    slug = f"flood-at-{size[0]}"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the event").click()
    expect(page).to_have_url(f"{installed.address}/e/{slug}/import/")

    page.get_by_label("Drop a file of posts here").set_input_files(on_disk.posts)
    page.get_by_label("Pictures beside it").set_input_files(on_disk.pictures)
    page.get_by_role("button", name="Import", exact=True).click()
    row = page.locator(".import-row")
    expect(row.locator(".tag")).to_have_text("done", timeout=ORGANISED_S * 1000)
    expect(row).to_contain_text(f"New\n{on_disk.n_posts}", use_inner_text=True)
    with page.expect_download() as download:
        row.get_by_role("link", name="Download").click()
    bad = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert [one["line"] for one in bad] == [on_disk.n_posts + 1, on_disk.n_posts + 2]
    assert all(one["reason"] for one in bad)

    page.goto(f"/e/{slug}/")
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=ORGANISED_S * 1000)
    installed.wait(slug)
    page.reload()
    told = installed.api("GET", f"events/{slug}/reduction/")
    words = ("posts", "image_posts", "urls", "images", "unique_images", "groups")
    assert counts_shown(page) == [told[word] for word in words]
    assert told["posts"] == on_disk.n_posts
    assert told["unique_images"] == on_disk.n_unique
    expect(page.locator(".notice", has_text="classic descriptors")).to_be_visible()
    expect(page.locator(".gallery .picture").first).to_be_visible()


def test_an_installation_without_events_says_what_to_do(opens: Opens) -> None:
    page = opens("/", user="stranger").page
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    expect(page.get_by_role("link", name="New event")).to_be_visible()


def test_a_file_that_is_no_export_is_refused_in_words(
    opens: Opens, installed: Installation, tmp_path
) -> None:
    installed.api("POST", "events/", json={"name": "Odd", "slug": "odd"})
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam,\n")
    page = opens("/e/odd/import/").page
    page.get_by_label("Drop a file of posts here").set_input_files(tmp_path / "letter.txt")
    page.get_by_role("button", name="Import", exact=True).click()
    row = page.locator(".import-row")
    expect(row.locator(".tag")).to_have_text("failed", timeout=30_000)
    expect(row.locator(".errorlist")).to_contain_text("letter.txt")
    assert "Traceback" not in page.content()
