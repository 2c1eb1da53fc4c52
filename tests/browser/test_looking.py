"""What a person does on the pages of an organised event, with a pointer and with keys."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import Installation

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def asked(page: Page, name: str) -> str | None:
    found = re.search(rf"[?&]{name}=([^&#]*)", page.url)
    return found and found.group(1)


def has_query(name: str) -> re.Pattern[str]:
    return re.compile(rf"[?&]{name}=")


def drag(page: Page, over: Locator, start: float, end: float) -> None:
    """From one share of its width to another."""
    box = over.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + (start + (end - start) * step / 8) * box["width"], y)
    page.mouse.up()


# Timeline ------------------------------------------------------------------------------------


@SIZES
def test_chips_of_the_timeline_are_in_the_url_and_outlive_a_reload(
    opens: Opens, storm: str, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/timeline/", size=size).page
    page.get_by_role("link", name="6 hours", exact=True).click()
    expect(page).to_have_url(has_query("interval"))
    page.get_by_role("link", name="Rising", exact=True).click()
    expect(page).to_have_url(has_query("order"))
    columns = page.locator("[data-timeline] .column").count()
    page.reload()
    assert asked(page, "interval") == "6h" and asked(page, "order") == "growth"
    assert page.locator("[data-timeline] .column").count() == columns
    current = page.locator(".controls [aria-current]").all_inner_texts()
    assert "6 hours" in current and "Rising" in current


def test_brushing_the_histogram_zooms_and_a_double_click_shows_the_whole(
    opens: Opens, storm: str
) -> None:
    page = opens(f"/e/{storm}/timeline/").page
    expect(page.locator(".histogram.drawn")).to_be_visible()
    whole = page.locator("[data-timeline] .column a").first.get_attribute("title")
    drag(page, page.locator(".histogram .plot"), 0.3, 0.6)
    expect(page).to_have_url(has_query("start"))
    assert asked(page, "end")
    window = page.url
    page.reload()
    assert page.url == window
    expect(page.locator(".histogram.drawn")).to_be_visible()
    box = page.locator(".histogram .plot").bounding_box()
    page.mouse.dblclick(box["x"] + 300, box["y"] + box["height"] / 2)
    expect(page).not_to_have_url(has_query("start"))
    assert page.locator("[data-timeline] .column a").first.get_attribute("title") == whole


@SIZES
def test_the_scrubber_zooms_by_keys(opens: Opens, storm: str, size: tuple[int, int]) -> None:
    page = opens(f"/e/{storm}/timeline/", size=size).page
    page.locator("[data-handle=from]").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(has_query("start"))
    page.get_by_role("link", name="Whole span").click()
    expect(page).not_to_have_url(has_query("start"))


# Top -----------------------------------------------------------------------------------------


@SIZES
def test_the_three_rankings_agree_with_the_api(
    opens: Opens, storm: str, installed: Installation, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/top/", size=size).page
    for kind, path in (("links", "urls"), ("unique", "images"), ("groups", "groups")):
        told = installed.api("GET", f"events/{storm}/{path}/?limit=5")["results"]
        shown = page.locator(f"#{kind} .row strong").all_inner_texts()[:5]
        assert [int(text.replace(",", "")) for text in shown] == [row["posts"] for row in told]
    if size == WIDE:
        page.locator("#unique .row").first.hover()
        assert page.locator(".lines path.lit").count() > 0
        assert page.locator("#links .row.lit").count() > 0


# Groups --------------------------------------------------------------------------------------


def n_groups(page: Page) -> int:
    return int(page.locator("[data-n-groups]").inner_text().replace(",", ""))


@SIZES
def test_dragging_theta_regroups_and_is_in_the_url(
    opens: Opens, storm: str, installed: Installation, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/groups/", size=size).page
    before = n_groups(page)
    slider = page.locator("[data-range]")
    drag(page, slider, 0.63, 0.2)
    expect(page).to_have_url(has_query("similarity"))
    expect(page.locator("[data-groups][aria-busy]")).to_have_count(0)
    until_true(page, lambda: asked(page, "similarity") == slider.input_value())
    expect(page.locator("[data-groups][aria-busy]")).to_have_count(0)
    theta = asked(page, "similarity")
    expect(page.locator("[data-n-groups]")).not_to_have_text(str(before))
    assert n_groups(page) == all_groups(installed, storm, theta)
    page.reload()
    assert slider.input_value() == theta


@SIZES
def test_arrows_move_the_slider(
    opens: Opens, storm: str, installed: Installation, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/groups/?similarity=0.6", size=size).page
    slider = page.locator("[data-range]")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"similarity=0\.62(&|$)"))
    expect(page.locator("[data-groups][aria-busy]")).to_have_count(0)
    assert n_groups(page) == all_groups(installed, storm, "0.62")
    assert slider.get_attribute("aria-valuetext")


def all_groups(installed: Installation, slug: str, theta: str | None) -> int:
    path = f"events/{slug}/groups/?similarity={theta}&limit=100"
    return len(installed.api("GET", path)["results"])


@SIZES
def test_back_keeps_the_place_in_endless_groups(
    opens: Opens, storm: str, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/groups/?similarity=0.99", size=size).page
    cards = page.locator(".group-card")
    expect(cards).to_have_count(24)
    page.locator("[data-endless]").scroll_into_view_if_needed()
    expect(cards).to_have_count(30)
    far = cards.nth(27)
    far.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    assert place > 0
    far.locator("a").first.click()
    expect(page.get_by_role("heading", name="Why together")).to_be_visible()
    page.go_back()
    expect(cards).to_have_count(30)
    until_true(page, lambda: abs(page.evaluate("scrollY") - place) < 40)


def until_true(page: Page, look: Callable[[], bool], most_ms: int = 5000) -> None:
    for _ in range(most_ms // 50):
        if look():
            return
        page.wait_for_timeout(50)
    assert look()


@SIZES
def test_from_groups_to_a_picture(opens: Opens, storm: str, size: tuple[int, int]) -> None:
    page = opens(f"/e/{storm}/groups/?similarity=0.55", size=size).page
    page.locator(".group-card > a").first.click()
    expect(page).to_have_url(re.compile(r"/groups/\d+/\?similarity=0\.55"))
    pictures = page.locator(".members .picture")
    assert pictures.count() > 1
    pictures.first.locator("a").click()
    expect(page.locator("#panel .fact-list")).to_be_visible()
    page.locator("[data-panel-full]").click()
    expect(page).to_have_url(re.compile(rf"/e/{storm}/i/\d+/$"))
    expect(page.locator(".version")).to_have_count(2)
    expect(page.locator("#near")).to_be_visible()


# A picture -----------------------------------------------------------------------------------


def test_arrows_go_through_the_ranks(opens: Opens, storm: str, lead: int) -> None:
    page = opens(f"/e/{storm}/i/{lead}/").page
    expect(page.locator(".ranks")).to_contain_text("no. 1 of 30")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".ranks")).to_contain_text("no. 2 of 30")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".ranks")).to_contain_text("no. 1 of 30")


@SIZES
def test_the_order_of_posts(opens: Opens, storm: str, lead: int, size: tuple[int, int]) -> None:
    page = opens(f"/e/{storm}/i/{lead}/", size=size).page
    times = page.locator("#post-rows time")
    oldest = times.first.get_attribute("datetime")
    page.get_by_role("button", name="Newest first").click()
    expect(times.first).not_to_have_attribute("datetime", oldest)
    assert times.first.get_attribute("datetime") > oldest
    with page.expect_download() as download:
        page.locator("#posts ~ .acts").get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 1 + 60


# The side panel and keys ---------------------------------------------------------------------


@SIZES
def test_a_click_opens_the_panel_and_escape_closes_it(
    opens: Opens, storm: str, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/", size=size).page
    panel = page.locator("#panel")
    figure = page.locator(".gallery .picture").first
    figure.locator("a").click()
    expect(panel.locator(".fact-list")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"#picture-{figure.get_attribute('data-id')}$"))
    page.reload()
    expect(panel.locator(".fact-list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).not_to_have_url(re.compile("#picture"))
    figure.locator("a").click()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    expect(figure.locator("a")).to_be_focused()


def test_keys_walk_a_gallery(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/").page
    figures = page.locator(".gallery .picture")
    figures.nth(0).locator("a").click()
    expect(page.locator("#panel .fact-list")).to_be_visible()
    page.keyboard.press("ArrowRight")
    second = figures.nth(1)
    expect(second.locator("a")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"#picture-{second.get_attribute('data-id')}$"))
    page.keyboard.press("ArrowLeft")
    expect(figures.nth(0).locator("a")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-selection]")).to_contain_text("3")
    page.keyboard.press("Escape")
    expect(page.locator("[data-selection]")).to_be_hidden()
    wanted = figures.nth(2).locator("a").get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{wanted}$"))


def test_question_mark_lists_the_keys_of_the_page(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/groups/").page
    page.keyboard.press("?")
    keys = page.locator("#keys")
    expect(keys).to_contain_text("Raise similarity")
    expect(keys).to_contain_text("Go to an event, a page, a picture")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_the_palette_finds_pages_events_and_pictures(
    opens: Opens, storm: str, installed: Installation, lead: int, key: str
) -> None:
    page = opens(f"/e/{storm}/").page
    page.keyboard.press(key)
    box = page.locator("#palette input")
    expect(box).to_be_focused()
    first = page.locator("#palette li").first
    sha256 = installed.api("GET", f"events/{storm}/images/{lead}/")["representative"]["sha256"]
    box.fill(sha256[:10])
    expect(first).to_contain_text("Picture no. ")
    box.fill("no such thing")
    expect(first).to_have_text("Search posts for “no such thing”search")
    box.fill("--")
    expect(page.locator("#palette .none")).to_be_visible()
    box.fill("timel")
    expect(first).to_contain_text("Timeline")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/timeline/$"))


@SIZES
def test_the_theme_is_kept(opens: Opens, storm: str, size: tuple[int, int]) -> None:
    page = opens(f"/e/{storm}/", size=size).page
    dark = "getComputedStyle(document.body).backgroundColor === 'rgb(17, 17, 17)'"
    assert not page.evaluate(dark)
    page.locator(".account > summary").click()
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(dark)
    page.goto(f"/e/{storm}/groups/")
    assert page.evaluate(dark)
