"""Keeping an event in order: failures, rules, settings, members, its end; and who may not."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import posts
from tests.browser.conftest import NARROW, WIDE, Opens
from tests.browser.installation import Installation

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@pytest.fixture(scope="module")
def small(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An event that tests here change, each another part of it."""
    made = posts.write(tmp_path_factory.mktemp("small"), 6, seed=300, bad=True)
    return installed.event("small", made.posts, made.pictures)


def n_shown(page: Page) -> int:
    return int(page.locator(".band-count").first.inner_text().replace(",", ""))


def test_failures_say_why_and_are_tried_again(
    opens: Opens, installed: Installation, small: str
) -> None:
    page = opens(f"/e/{small}/failures/").page
    rows = page.locator(".failed-links > li")
    expect(rows).to_have_count(2)
    refused = rows.filter(has_text=posts.BROKEN_LINK)
    assert "127.0.0.1" in refused.locator(".failed-what > p").first.inner_text()
    cut = rows.filter(has_text=posts.CUT_SHORT)
    assert cut.locator(".failed-what > p").first.inner_text().strip()
    expect(refused).to_contain_text("1 attempt")
    refused.get_by_role("button", name="Try again").click()
    expect(page.locator(".messages")).to_contain_text("1 link will be tried again")
    installed.wait(small)
    page.reload()
    expect(rows).to_have_count(2)
    expect(refused).to_contain_text("2 attempts")
    assert "Traceback" not in page.content()


def test_rules_select_posts_and_give_them_back(
    opens: Opens, installed: Installation, small: str
) -> None:
    page = opens(f"/e/{small}/").page
    whole = n_shown(page)
    page.goto(f"/e/{small}/rules/")
    page.get_by_label("Kind").select_option(label="Hashtag")
    page.get_by_label("Value").fill("#river")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("main table")).to_contain_text("river")
    page.get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.locator(".messages")).to_contain_text("being applied")
    until_counted(page, small, lambda n: 0 < n < whole)
    installed.wait(small)
    told = installed.api("GET", f"events/{small}/reduction/")
    assert told["posts"] == n_shown(page) < whole
    assert told["unique_images"] == 3
    page.goto(f"/e/{small}/rules/")
    page.get_by_role("button", name=re.compile("^Remove")).click()
    page.get_by_role("button", name=re.compile("^Apply")).click()
    until_counted(page, small, lambda n: n == whole)


def until_counted(page: Page, slug: str, wanted) -> None:
    for _ in range(60):
        page.goto(f"/e/{slug}/")
        if wanted(n_shown(page)):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{n_shown(page)} posts are counted")


@SIZES
def test_settings_are_kept_and_refused_in_words(
    opens: Opens, small: str, size: tuple[int, int]
) -> None:
    watched = opens(f"/e/{small}/settings/", size=size)
    page = watched.page
    page.get_by_label("Name").fill(f"Small at {size[0]}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("Saved.")
    expect(page.locator(".event-name")).to_contain_text(f"Small at {size[0]}")
    watched.expected = ("422",)
    page.get_by_label("Time zone").fill("Atlantis/Centre")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist")).to_contain_text("Atlantis/Centre")


def test_members_come_change_and_go(opens: Opens, installed: Installation) -> None:
    installed.api("POST", "events/", json={"name": "Shared", "slug": "shared"})
    page = opens("/e/shared/members/").page
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Add").click()
    row = page.locator("tr", has_text="viewer").first
    expect(row).to_be_visible()
    page.get_by_label("Role of viewer").select_option("analyst")
    expect(page.locator(".messages")).to_contain_text("viewer is now analyst")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove viewer").click()
    expect(page.locator(".messages")).to_contain_text("no longer a member")
    expect(page.get_by_label("Role of viewer")).to_have_count(0)


def test_an_event_ends_when_its_address_is_typed(opens: Opens, installed: Installation) -> None:
    installed.api("POST", "events/", json={"name": "Over", "slug": "over"})
    watched = opens("/e/over/settings/")
    page = watched.page
    page.locator("#confirm").fill("ove")
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/settings/$"))
    page.locator("#confirm").fill("over")
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(f"{installed.address}/")
    expect(page.locator(".messages")).to_contain_text("Over was deleted")
    watched.expected = ("404",)
    assert page.goto("/e/over/").status == 404


# Who may not ---------------------------------------------------------------------------------


def test_a_stranger_finds_nothing(opens: Opens, storm: str, lead: int) -> None:
    watched = opens("/", user="stranger")
    watched.expected = ("404",)
    page = watched.page
    for path in ("", "timeline/", "groups/", f"i/{lead}/", "import/", "members/"):
        assert page.goto(f"/e/{storm}/{path}").status == 404
        expect(page.get_by_role("heading", name="Nothing is here")).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("Storm", exact=True)).to_have_count(0)


def test_a_viewer_sees_no_button_that_is_not_theirs(
    opens: Opens, installed: Installation, storm: str
) -> None:
    page = opens(f"/e/{storm}/members/").page
    if not page.get_by_label("Role of viewer").count():
        page.get_by_label("Username").fill("viewer")
        page.get_by_label("Role", exact=True).select_option("viewer")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_label("Role of viewer")).to_be_visible()
    page = opens(f"/e/{storm}/", user="viewer").page
    for path in ("", "groups/?similarity=0.6", "import/", "jobs/", "failures/", "rules/",
                 "settings/", "members/"):  # fmt: skip
        assert page.goto(f"/e/{storm}/{path}").status == 200
        assert page.locator("main form[method=post] button:visible:enabled").count() == 0, path


def test_nobody_is_asked_to_log_in_and_goes_on_from_there(
    opens: Opens, storm: str, installed: Installation
) -> None:
    page = opens(f"/e/{storm}/groups/?similarity=0.6", user="").page
    expect(page).to_have_url(re.compile("/login/"))
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".errorlist")).to_be_visible()
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{installed.address}/e/{storm}/groups/?similarity=0.6")
    page.locator(".account > summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login/"))
    page.goto(f"/e/{storm}/")
    expect(page).to_have_url(re.compile("/login/"))


def test_files_are_for_members_alone(
    opens: Opens, installed: Installation, storm: str, lead: int
) -> None:
    sha256 = installed.api("GET", f"events/{storm}/images/{lead}/")["representative"]["sha256"]
    watched = opens("/", user="stranger")
    watched.expected = ("404",)
    for path in (f"thumb/{sha256}/320.jpg", f"file/{sha256}/"):
        assert watched.page.request.get(f"/e/{storm}/{path}").status == 404
    assert opens("/").page.request.get(f"/e/{storm}/thumb/{sha256}/320.jpg").status == 200
