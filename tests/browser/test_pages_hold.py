"""Every page, wide and narrow, light and dark: no errors, nothing spilled, open to everybody."""

import pytest

from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import Installation

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
OF_EVENT = {
    "overview": "",
    "timeline": "timeline/",
    "top": "top/",
    "groups": "groups/",
    "group": "groups/{lead}/",
    "image": "i/{lead}/",
    "import": "import/",
    "collections": "collections/",
    "collection-new": "collections/new/?source=mastodon",
    "jobs": "jobs/",
    "failures": "failures/",
    "rules": "rules/",
    "lists": "lists/",
    "review": "review/",
    "decisions": "decisions/",
    "search": "search/",
    "search-posts": "search/?show=posts",
    "downloads": "downloads/",
    "look-up": "search/picture/",
    "settings": "settings/",
    "members": "members/",
}
PAGES = {
    "events": "/",
    "event-new": "/events/new/",
    "search-everywhere": "/search/",
    "look-up-everywhere": "/search/picture/",
    "password": "/password/",
    "retrieval": "/retrieval/",
    "nothing": "/e/none/",
} | {name: f"/e/{{slug}}/{path}" for name, path in OF_EVENT.items()}
STEADY = ("overview", "timeline", "groups", "image")


@SIZES
@pytest.mark.parametrize("name", [*PAGES, "login"])
def test_a_page_holds(
    opens: Opens, storm: str, lead: int, name: str, size: tuple[int, int]
) -> None:
    if name == "login":
        watched = opens("/login/", user="", size=size)
    else:
        watched = opens(PAGES[name].format(slug=storm, lead=lead), size=size)
    if name == "nothing":
        watched.expected = ("404",)
    watched.page.wait_for_load_state("networkidle")
    watched.see_all()
    assert watched.spilled() == []
    assert watched.unsized_images() == []
    if name in STEADY:
        assert watched.shifted() == []
    assert watched.violations() == []
    watched.page.emulate_media(color_scheme="dark")
    watched.page.wait_for_timeout(250)  # colours fade over
    assert (
        watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
        == "rgb(17, 17, 17)"
    )
    assert watched.spilled() == []
    assert watched.violations("color-contrast", "link-in-text-block") == []


@SIZES
@pytest.mark.parametrize("path", ["", "timeline/", "top/", "groups/", "jobs/", "failures/"])
def test_a_page_of_an_empty_event_holds(
    opens: Opens, installed: Installation, empty: str, path: str, size: tuple[int, int]
) -> None:
    watched = opens(f"/e/{empty}/{path}", size=size)
    watched.page.wait_for_load_state("networkidle")
    assert watched.spilled() == []
    assert watched.violations() == []
    assert watched.page.locator("main .button, main button").count() > 0


@pytest.fixture(scope="module")
def empty(installed: Installation) -> str:
    return installed.api("POST", "events/", json={"name": "Nothing yet", "slug": "empty"})["slug"]


@SIZES
def test_what_lies_over_a_page_holds(
    opens: Opens, storm: str, lead: int, size: tuple[int, int]
) -> None:
    """The side panel, the palette, the list of keys and the menu."""
    watched = opens(f"/e/{storm}/#picture-{lead}", size=size)
    page = watched.page
    for look in ("light", "dark"):
        page.emulate_media(color_scheme=look)
        page.locator("#panel .fact-list").wait_for()
        assert watched.violations(within="#panel") == []
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.locator("#palette li").first.wait_for()
        assert watched.violations(within="#palette") == []
        page.keyboard.press("Escape")
        page.locator("#palette").wait_for(state="hidden")
        page.keyboard.press("?")
        page.locator("#keys dd").first.wait_for()
        assert watched.violations(within="#keys") == []
        page.keyboard.press("Escape")
        page.locator("#keys").wait_for(state="hidden")
        page.locator(".account > summary").click()
        assert watched.violations(within=".account") == []
        assert watched.spilled() == []
        page.keyboard.press("Escape")
        page.locator(".picture a").first.click()
