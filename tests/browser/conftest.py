"""Chromium, an installation to look at, and pages that are watched for errors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser import installation, posts
from tests.browser.installation import Installation
from tests.browser.posts import OnDisk
from tests.browser.watched import Watched

WIDE, NARROW = (1440, 900), (390, 844)
MOST_MS = 15_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Opens(Protocol):
    """Opens a page as one of the installation's people; user "" is nobody."""

    def __call__(
        self, path: str, user: str = "owner", size: tuple[int, int] = WIDE, **context: Any
    ) -> Watched: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("AFTERIMAGE_SKIP_NOTHING") == "1":
            pytest.fail("Chromium is missing, and nothing may be skipped")
        pytest.skip("Chromium is missing: apt-get install chromium")
    args = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def installed(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The whole product, running; begun only where there is a browser to look at it."""
    with installation.running(tmp_path_factory.mktemp("installation")) as found:
        yield found


@pytest.fixture(scope="session")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    return posts.write(tmp_path_factory.mktemp("posts"), 30, bad=True)


@pytest.fixture(scope="session")
def storm(installed: Installation, on_disk: OnDisk) -> str:
    """The slug of an organised event that no test changes; `viewer` may see it."""
    return installed.event("storm", on_disk.posts, on_disk.pictures, timezone="Europe/Lisbon")


@pytest.fixture(scope="session")
def lead(installed: Installation, storm: str) -> int:
    """Its most posted picture."""
    return installed.api("GET", f"events/{storm}/images/?limit=1")["results"][0]["id"]


@pytest.fixture(scope="session")
def known(chromium: Browser, installed: Installation) -> Callable[[str], Any]:
    """A person's session, logged in once by the form."""
    kept: dict[str, Any] = {}

    def session(user: str) -> Any:
        if user not in kept:
            context = chromium.new_context(base_url=installed.address)
            page = context.new_page()
            page.goto("/login/")
            page.fill("[name=username]", user)
            page.fill("[name=password]", installation.PASSWORD)
            page.click("button:has-text('Log in')")
            page.wait_for_url("**/")
            kept[user] = context.storage_state()
            context.close()
        return kept[user]

    return session


@pytest.fixture
def opens(
    chromium: Browser, installed: Installation, known: Callable[[str], Any]
) -> Iterator[Opens]:
    """After the test, no page that it opened may have met an error it did not expect."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def opened(
        path: str, user: str = "owner", size: tuple[int, int] = WIDE, **context: Any
    ) -> Watched:
        context.setdefault("color_scheme", "light")
        context.setdefault("storage_state", known(user) if user else None)
        made = chromium.new_context(
            base_url=installed.address, viewport={"width": size[0], "height": size[1]}, **context
        )
        made.set_default_timeout(MOST_MS)
        contexts.append(made)
        watched = Watched(made.new_page())
        pages.append(watched)
        watched.page.goto(path)
        return watched

    yield opened
    found = [problem for page in pages for problem in page.unexpected()]
    for made in contexts:
        made.close()
    assert not found, "\n".join(found)
