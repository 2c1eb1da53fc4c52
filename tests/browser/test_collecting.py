"""From a form to posts as they are posted: their pictures on the page, then on the timeline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import installation
from tests.browser.conftest import MOST_MS, WIDE
from tests.browser.installation import PASSWORD, Installation
from tests.browser.watched import Watched
from tests.live_servers import MastodonServer, Query, Reply, toot
from tests.pictures import jpeg, photo

COMES_MS = 90_000  # on a machine that does much else


class Town(MastodonServer):
    """A server that has the pictures of its posts."""

    def answer(self, path: str, query: Query, headers: dict[str, str]) -> Reply:
        if path.startswith("/pictures/"):
            n = int(path.rpartition("/")[2].removesuffix(".jpg"))
            return 200, {"Content-Type": "image/jpeg"}, jpeg(photo(700 + n, (400, 300)))
        return super().answer(path, query, headers)

    def post(self, n: int) -> None:
        told = toot(n)
        told["media_attachments"][0]["url"] = f"{self.url}/pictures/{n}.jpg"
        self.publish(told)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    server = Town()
    server.start()
    yield server
    server.streaming.stop()
    server.stop()


@pytest.fixture(scope="module")
def listening(
    chromium: Browser, town: Town, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation that may connect to the town's server."""
    with pytest.MonkeyPatch.context() as patch:
        places = f"{town.place},{town.streaming.place}"
        patch.setenv("IMAGERY_FETCH_PRIVATE", places)
        with installation.running(tmp_path_factory.mktemp("listening")) as found:
            yield found


@pytest.fixture
def watched(chromium: Browser, listening: Installation) -> Iterator[Watched]:
    size = {"width": WIDE[0], "height": WIDE[1]}
    context = chromium.new_context(base_url=listening.address, viewport=size)
    context.set_default_timeout(MOST_MS)
    made = Watched(context.new_page())
    made.page.goto("/login/")
    made.page.fill("[name=username]", "owner")
    made.page.fill("[name=password]", PASSWORD)
    made.page.click("button:has-text('Log in')")
    made.page.wait_for_url("**/")
    yield made
    problems = made.unexpected()
    context.close()
    assert not problems, "\n".join(problems)


def test_from_a_form_to_a_post_s_picture(
    watched: Watched, listening: Installation, town: Town
) -> None:
    page = watched.page
    listening.api("POST", "events/", json={"name": "Flood", "slug": "flood"})
    page.goto("/e/flood/")
    page.get_by_role("link", name="Import posts").first.click()
    page.get_by_role("link", name="Collections").click()
    expect(page.get_by_role("heading", name="No collection yet")).to_be_visible()
    page.get_by_role("link", name="New collection").click()
    page.get_by_role("link", name="Mastodon").click()
    fill(page, town)
    page.get_by_role("button", name="Start collecting").click()
    standing = page.locator("#now .standing")
    expect(standing).to_contain_text("Collecting since", timeout=COMES_MS)
    town.streaming.wait_for_streams(seconds=30)

    for n in range(3):
        town.post(n)
    strip = page.locator(".strip .picture img.loaded")
    expect(strip).to_have_count(3, timeout=COMES_MS)
    expect(page.locator("#now dd a")).to_have_text("3")
    listening.wait("flood")
    page.reload()
    first = page.locator(".strip .picture").last
    before = first.evaluate("(node) => { node.marked = true; return node.id }")
    town.post(3)
    expect(strip).to_have_count(4, timeout=COMES_MS)
    # What is there already is not drawn anew: nothing flickers.
    assert page.evaluate("(id) => document.getElementById(id).marked", before) is True
    assert not watched.spilled()
    assert not watched.violations()

    page.get_by_role("button", name="Pause").click()
    expect(standing).to_contain_text("Paused")
    page.locator("#now dd a").click()
    expect(page.locator(".found-post")).to_have_count(4)
    listening.wait("flood")
    page.goto("/e/flood/timeline/")
    expect(page.locator("main img").first).to_be_visible(timeout=COMES_MS)


def fill(page: Page, town: Town) -> None:
    page.get_by_label("Name").fill("The town")
    page.get_by_label("Server").fill(town.url)
    page.get_by_label("Hashtags").fill("ElmFlood")
    page.get_by_label("Token").fill("secret")
    rule = page.get_by_placeholder("#storm, @name")
    rule.fill("#ElmFlood")
    rule.press("Enter")
    page.get_by_label("Kind of rule").select_option("language")
    rule = page.get_by_placeholder("es")
    rule.fill("fr")
    rule.press("Enter")
    chips = page.get_by_role("list", name="Rules").get_by_role("listitem")
    expect(chips).to_have_count(2)
    page.get_by_role("button", name="Remove Language fr").click()
    expect(chips).to_have_count(1)
    rule.fill("en")  # and is not added by hand: sending the form adds it
