"""A page that is watched: what its console says, what fails to load, what moves, what spills."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Request, Response

PICTURES_S = 10  # all of a page's pictures come within
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Runs before any script of the page.
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const nodes = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? "gone");
    window.shifts.push([entry.value, nodes]);
  }
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""
SPILL = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map((e) => e.outerHTML.slice(0, 160))"""
UNSIZED = """() => [...document.images].filter((img) => {
  const sized = img.hasAttribute("width") && img.hasAttribute("height");
  return !img.hasAttribute("alt") || !(sized || getComputedStyle(img).aspectRatio !== "auto");
}).map((img) => img.outerHTML.slice(0, 200))"""
# What was scrolled by too fast to be asked for is gone to again.
UNSEEN = """() => {
  const unseen = [...document.images]
    .filter((img) => img.checkVisibility() && !(img.complete && img.naturalWidth));
  unseen[0]?.scrollIntoView({ block: "center" });
  return unseen.map((img) => img.outerHTML.slice(0, 200));
}"""
AXE_RUN = """async ([within, options]) => {
  const { violations } = await axe.run(document.querySelector(within), options);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => [id, help, nodes.slice(0, 4).map((n) =>
      `${n.html.slice(0, 200)} ${n.any[0]?.message ?? ""}`)]);
}"""


class Watched:
    """Collects what goes wrong on a page from now on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()  # parts of problems that a test asks for
        page.add_init_script(WATCH)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _note(self, problem: str) -> None:
        self.problems.append(f"{self.page.url}: {problem}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text} {message.location}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left behind by going elsewhere
            self._note(f"{request.url} failed: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.url} answered {response.status}")

    def unexpected(self) -> list[str]:
        return [p for p in self.problems if not any(part in p for part in self.expected)]

    # What is on the page now ------------------------------------------------------------------

    def spilled(self) -> list[str]:
        """Elements past the right edge, where the page is wider than the window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return self.page.evaluate(SPILL) or ["the page is too wide"] if wide else []

    def unsized_images(self) -> list[str]:
        """Pictures without alt, or whose room is not known before they come."""
        return self.page.evaluate(UNSIZED)

    def see_all(self) -> None:
        """Scroll to the end and back, until every picture has come."""
        self.page.evaluate("""async () => {
          for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
            window.scrollTo(0, y);
            await new Promise((done) => setTimeout(done, 30));
          }
          for (const row of document.querySelectorAll("main *")) {
            if (!/auto|scroll/.test(getComputedStyle(row).overflowX)) continue;
            const seen = row.clientWidth;
            for (let x = seen; seen && x < row.scrollWidth; x += seen) {
              row.scrollIntoView({ block: "center" });
              row.scrollLeft = x;
              await new Promise((done) => setTimeout(done, 30));
            }
          }
        }""")
        until = time.monotonic() + PICTURES_S
        while (unseen := self.page.evaluate(UNSEEN)) and time.monotonic() < until:
            self.page.wait_for_timeout(50)
        assert not unseen, unseen
        self.page.evaluate("window.scrollTo(0, 0)")

    def shifted(self) -> list[Any]:
        """Layout shifts so far, where they sum to 0.1 or more."""
        shifts = self.page.evaluate("window.shifts")
        return shifts if sum(value for value, _ in shifts) >= 0.1 else []

    def violations(self, *rules: str, within: str = "html") -> list[Any]:
        """Serious and critical breaches of WCAG A and AA; of these rules alone, if any."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
        return self.page.evaluate(
            AXE_RUN, [within, {"runOnly": only, "resultTypes": ["violations"]}]
        )
