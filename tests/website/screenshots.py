"""Take screenshots of the site: ``python -m tests.website.screenshots FOLDER``, after `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.website.test_site import DESK, PAGES, PHONE, served
from tests.workloads.browser import chromium
from website.places import SITE

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

SHOTS: dict[str, tuple[str, ViewportSize, Literal["light", "dark"]]] = {
    "start": ("start", DESK, "light"),
    "construct": ("construct", DESK, "dark"),
    "rule": ("rule", DESK, "light"),
    "example": ("example", DESK, "dark"),
    "phone": ("start", PHONE, "light"),
    "phone-construct": ("construct", PHONE, "dark"),
    "phone-rule": ("rule", PHONE, "dark"),
}


def take(folder: Path) -> None:
    """Write them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(SITE / "html") as address, chromium() as browser:
        for name, (path, size, scheme) in SHOTS.items():
            page = browser.new_page(viewport=size, color_scheme=scheme)
            page.goto(address + PAGES[path], wait_until="networkidle")
            page.screenshot(path=folder / f"{name}.png")
            page.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
