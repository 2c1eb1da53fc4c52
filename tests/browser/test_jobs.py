"""The jobs pages after a pass: stages, times, who is at work; at rest nothing is asked for."""

from playwright.sync_api import expect

from tests.browser.conftest import Opens


def test_the_jobs_page_at_rest(opens: Opens, storm: str) -> None:
    watched = opens(f"/e/{storm}/jobs/")
    page = watched.page
    expect(page.locator(".stage-line > li")).to_have_count(7)
    expect(page.locator(".stage-line")).not_to_contain_text("not yet run")
    times = page.get_by_role("region", name="Times by stage")
    expect(times.locator("tbody tr")).to_have_count(6)
    processes = page.get_by_role("region", name="Processes")
    expect(processes.locator("tr", has_text="worker")).to_contain_text("at work")
    assert not page.locator("#jobs[hx-get]").count()
    page.set_viewport_size({"width": 390, "height": 800})
    assert not watched.spilled()
    assert not watched.violations()
    page.goto("/jobs/")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    assert not watched.spilled()
    assert not watched.violations()
