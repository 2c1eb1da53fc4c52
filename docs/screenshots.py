"""Takes the README's pictures of the demo event: `python docs/screenshots.py`.

Makes the demo event in a folder of its own, serves it on a free port, and drives the system's
Chromium. Pictures are JPEGs in docs/img/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOTS = (
    ("overview", "", "light"),
    ("timeline", "timeline/", "dark"),
    ("groups", "groups/", "light"),
    ("picture", "i/", "light"),
    ("compare", "compare/", "dark"),
)
FLAGS = ["--no-sandbox", "--disable-background-networking"]
PASSWORD = re.compile(r"password “(.+)”")
ADDRESS = re.compile(r"(http://\S+)")


def main() -> int:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed: no pictures taken", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="afterimage-shots-") as data:
        env = os.environ | {"AFTERIMAGE_DATA": data, "PYTHONUNBUFFERED": "1"}
        run = [sys.executable, "manage.py", "demo"]
        made = subprocess.run(
            [*run, "--no-serve"], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
        password = PASSWORD.search(made.stdout)
        server = subprocess.Popen(
            [*run, "--port", "8765"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        try:
            address = next(m[1] for line in server.stdout or () if (m := ADDRESS.search(line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                take(browser, address, password[1] if password else "")
                browser.close()
        finally:
            server.terminate()
            server.wait()
    return 0


def take(browser, address: str, password: str) -> None:
    for name, path, scheme in SHOTS:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        page.goto(f"{address}login/")
        page.fill("[name=username]", "owner")
        page.fill("[name=password]", password)
        page.press("[name=password]", "Enter")
        page.wait_for_load_state("networkidle")
        if path in ("i/", "compare/"):  # of the most posted picture, and of one of its crops
            page.goto(f"{address}e/demo/top/")
            page.goto(page.locator("a[href*='/i/']").first.evaluate("link => link.href"))
        if path == "compare/":
            crop = page.locator("a[data-version][data-outline]").first
            page.goto(crop.evaluate("link => link.href") + "&mode=overlay")
        if path not in ("i/", "compare/"):
            page.goto(f"{address}e/demo/{path}")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1200)  # pictures fade in
        target = ROOT / "docs" / "img" / f"{name}-{scheme}.jpg"
        page.screenshot(path=target, type="jpeg", quality=82)
        print(target.relative_to(ROOT))
        page.close()


if __name__ == "__main__":
    raise SystemExit(main())
