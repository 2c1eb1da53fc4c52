"""A picture is looked up, and a list of known hashes covers what it knows."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import Installation
from tests.browser.posts import OnDisk

PASTE = """async (address) => {
  const blob = await (await fetch(address)).blob();
  const carried = new DataTransfer();
  carried.items.add(new File([blob], "pasted.jpg", { type: "image/jpeg" }));
  const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true });
  document.dispatchEvent(event);
}"""


@pytest.fixture
def picture(on_disk: OnDisk, tmp_path: Path) -> Path:
    with zipfile.ZipFile(on_disk.pictures) as archive:
        return Path(archive.extract("003-small.jpg", tmp_path))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_picture_is_looked_up(
    opens: Opens, storm: str, picture: Path, size: tuple[int, int]
) -> None:
    watched = opens(f"/e/{storm}/search/picture/", size=size)
    page = watched.page
    page.locator("[data-file]").set_input_files(picture)
    expect(page.get_by_text("First seen here")).to_be_visible(timeout=60_000)
    expect(page.locator("#looked:not([hx-get])")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="The same file")).to_be_visible()
    watched.see_all()
    assert watched.spilled() == [] and watched.unsized_images() == []
    assert watched.violations() == []
    page.locator("#looked .picture a").first.click()
    page.locator("#panel .fact-list").wait_for()
    page.keyboard.press("Escape")
    page.goto(f"/e/{storm}/search/picture/")
    page.evaluate(PASTE, page.locator(".looked-last img").first.get_attribute("src"))
    expect(page).to_have_url(re.compile(r"/search/picture/[\w-]{8,}/$"))
    expect(page.get_by_text("First seen here")).to_be_visible(timeout=60_000)


def test_what_is_no_hash_is_said(opens: Opens, storm: str) -> None:
    watched = opens(f"/e/{storm}/search/picture/")
    watched.expected = ("422",)
    page = watched.page
    page.get_by_label("Address or hash").fill("no such thing")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("alert")).to_contain_text("is no hash")
    assert watched.violations() == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_block_list_covers_until_asked(
    opens: Opens,
    installed: Installation,
    on_disk: OnDisk,
    tmp_path: Path,
    size: tuple[int, int],
) -> None:
    slug = f"covered-{size[0]}"
    installed.event(slug, on_disk.posts, on_disk.pictures)
    lead = installed.api("GET", f"events/{slug}/images/?limit=1")["results"][0]
    pdq = installed.api("GET", f"events/{slug}/images/{lead['id']}/")["hashes"]["pdq"]
    (tmp_path / "theirs.csv").write_text(f"hash,quality,name\n{pdq},90,a\nnothing\n")
    watched = opens(f"/e/{slug}/lists/", size=size)
    page = watched.page
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "theirs.csv")
    page.get_by_label("Block").check()
    page.get_by_role("button", name="Bring it in").click()
    cover = page.locator(".hash-list .cover")
    expect(cover).to_contain_text("Blocked by theirs", timeout=30_000)
    page.locator(".list-more summary").click()
    expect(page.get_by_text("Line 3: “nothing” is no PDQ hash")).to_be_visible()
    assert watched.spilled() == [] and watched.violations() == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(250)
    assert watched.violations("color-contrast") == []
    page.goto(f"/e/{slug}/i/{lead['id']}/")
    assert "shown" not in (page.locator(".whole img").get_attribute("src") or "")
    page.locator(".whole").get_by_role("button", name="Show").click()
    expect(page.locator(".whole .cover")).to_have_count(0)
    assert "shown=1" in page.locator(".whole img").get_attribute("src")
    watched.see_all()
    assert page.evaluate("document.activeElement.tagName") == "A"
