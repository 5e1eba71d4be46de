"""The pages in a headless Chromium, and their screenshots in docs/images.

``python -m tests.workloads.browser`` takes the screenshots.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect, sync_playwright

from local_servers.ports import LOOPBACK, free_port
from tests.client.engines import missing
from workloads.local.applications import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
NAMES = ("catalogue", "sessions", "leaderboard")

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Nothing leaves this machine.
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """The system's own browser, with additional options."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        missing("Chromium: it must be installed. Install the system's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_OPTIONS, *options])
        try:
            yield browser
        finally:
            browser.close()


def use_catalogue(page: Page) -> None:
    """Look at a product, change its price, and run shoppers with and without the cache."""
    page.get_by_label("Category").select_option("Kettles")
    page.get_by_role("button", name="Oak Kettle 1", exact=True).click()
    page.get_by_label("New price in dollars").fill("189.00")
    page.get_by_role("button", name="Write through").click()
    expect(page.locator("#price")).to_have_text("$189.00")
    page.get_by_label("Send eight shoppers").check()
    expect(page.locator("#hit-rate")).to_contain_text("%")


def use_sessions(page: Page) -> None:
    """Fill a cart and log in, with two processes taking turns."""
    for item in ("Add Oak lamp", "Add Clay teapot", "Add Oak lamp"):
        page.get_by_role("button", name=item).click()
    expect(page.locator("#total")).to_have_text("$168.00")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#who")).to_have_text("Ada")


def use_leaderboard(page: Page) -> None:
    """Run other players, and submit the best score."""
    page.get_by_label("Let others play").check()
    expect(page.locator("#top tr")).to_have_count(10)
    page.get_by_label("Score", exact=True).fill("480")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#best")).to_contain_text("480")


USES: dict[str, Callable[[Page], None]] = {
    "catalogue": use_catalogue,
    "sessions": use_sessions,
    "leaderboard": use_leaderboard,
}


def take_pictures() -> None:
    """Use each page for a while, and take its screenshot."""
    ports = {name: free_port() for name in NAMES}
    IMAGES.mkdir(exist_ok=True)
    with serving(ports), chromium() as browser:
        for name, use in USES.items():
            page = browser.new_page(viewport={"width": 1120, "height": 800}, device_scale_factor=1.5)
            page.goto(f"http://{LOOPBACK}:{ports[name]}/")
            use(page)
            if name == "catalogue":
                page.wait_for_timeout(20_000)
                page.get_by_label("Read through the cache").uncheck()
                page.wait_for_timeout(12_000)
                page.get_by_label("Read through the cache").check()
            page.wait_for_timeout(14_000)
            page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
            page.close()


if __name__ == "__main__":
    take_pictures()
