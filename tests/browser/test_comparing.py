"""Two versions held against each other: by pointer and by keys, wide and narrow."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Opens

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
MODES = ("side", "overlay", "slider", "difference")


def place(page: Page, layer: str) -> list[float]:
    """What is drawn of a picture: the numbers of its matrix."""
    style = page.locator(f"[data-layer={layer}] img").get_attribute("style") or ""
    found = re.search(r"matrix\(([^)]*)\)", style)
    return [float(number) for number in found[1].split(",")] if found else []


def box(page: Page) -> dict[str, float]:
    found = page.locator("[data-stage]").bounding_box()
    assert found
    return dict(found)


@SIZES
def test_from_a_version_through_the_four_ways(
    opens: Opens, storm: str, lead: int, size: tuple[int, int]
) -> None:
    watched = opens(f"/e/{storm}/i/{lead}/", size=size)
    page = watched.page
    page.keyboard.press("v")
    page.keyboard.press("v")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/compare/\?a=\d+&b=\d+"))
    stage = page.locator("[data-stage][data-ready]")
    expect(stage).to_be_visible()
    before = box(page)
    for key, mode in enumerate(MODES, start=1):
        page.keyboard.press(str(key))
        expect(page.locator("[data-compare]")).to_have_attribute("data-mode", mode)
        expect(page).to_have_url(re.compile(f"mode={mode}"))
        assert box(page) == before  # nothing jumps
    expect(page.locator("[data-heat-figures]")).to_contain_text("of the pixels")
    assert page.locator(".heat img").evaluate(
        "img => img.decode().then(() => img.naturalWidth > 0)"
    )
    assert not watched.spilled() and not watched.violations() and not watched.unsized_images()
    assert not watched.shifted()


@SIZES
def test_zoom_and_pan_are_linked_and_in_the_address(
    opens: Opens, storm: str, lead: int, size: tuple[int, int]
) -> None:
    page = opens(f"/e/{storm}/i/{lead}/", size=size).page
    page.locator("[data-version]:not([data-root])").first.click()
    expect(page.locator("[data-stage][data-ready]")).to_be_visible()
    whole = place(page, "one")
    at = box(page)
    page.mouse.move(at["x"] + at["width"] * 0.2, at["y"] + at["height"] * 0.2)
    page.mouse.wheel(0, -400)
    expect(page.locator("[data-stage][data-zoomed]")).to_be_visible()
    page.wait_for_timeout(100)
    wheeled = place(page, "one")
    assert wheeled[0] > whole[0] * 1.5
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] * 0.2 - 30, at["y"] + at["height"] * 0.2 - 20)
    page.mouse.up()
    page.wait_for_timeout(100)
    one, two = place(page, "one"), place(page, "two")
    assert one[4:] != wheeled[4:]
    assert one[4:] == pytest.approx(two[4:], abs=1)  # the same corner at the same place
    expect(page).to_have_url(re.compile(r"zoom=[\d.]+&x=[\d.]+&y=[\d.]+"))
    page.reload()
    expect(page.locator("[data-stage][data-ready]")).to_be_visible()
    assert place(page, "one") == pytest.approx(one, rel=0.02, abs=3)
    page.keyboard.press("0")
    expect(page.locator("[data-zoom-words]")).to_have_text("whole")
    expect(page).not_to_have_url(re.compile("zoom="))


def test_swap_mirror_and_the_seam(opens: Opens, storm: str, lead: int) -> None:
    page = opens(f"/e/{storm}/i/{lead}/").page
    page.locator("[data-version]:not([data-root])").first.click()
    expect(page.locator("[data-stage][data-ready]")).to_be_visible()
    a, b = re.findall(r"[?&][ab]=(\d+)", page.url)
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile("mirror=1"))
    page.wait_for_timeout(100)
    assert place(page, "two")[0] < 0
    page.keyboard.press("m")
    page.keyboard.press("3")
    at = box(page)
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + 200)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] * 0.75, at["y"] + 200)
    page.mouse.up()
    assert page.locator("[data-part]").input_value() == "75"
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(rf"a={b}&b={a}&mode=slider"))


def test_two_pictures_of_a_gallery_by_keys(opens: Opens, storm: str) -> None:
    page = opens(f"/e/{storm}/").page
    page.locator(".gallery .picture a").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    assert "/compare/" not in page.url  # of one alone nothing is to be compared
    page.keyboard.press("x")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/compare/\?a=\d+&b=\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Picture no. 1 and picture no. 2")
