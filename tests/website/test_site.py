"""The site, built once, in a real browser."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ViewportSize, expect

from local_servers.ports import LOOPBACK
from tests.workloads.browser import chromium
from website.places import ROOT, SITE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

PAGES = {
    "start": "",
    "construct": "reference/elasticache_constructs/ReplicationGroup/",
    "rule": "reference/service-rules/#top-06",
    "runbook": "runbooks/tls/",
    "alarm": "runbooks/alarms/evictions/",
    "example": "examples/valkey-cluster-mode-iam/",
}
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)

_SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")

# The theme hides what is too wide, so that the width of the page does not tell.
_CUT_OFF = """[...document.querySelectorAll('article, article *')]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
    .filter(each => !each.parentElement.closest('.table-wrapper, .highlight, p:has(> img)'))
    .map(each => each.outerHTML.slice(0, 120))"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP on this machine; its address."""
    with ThreadingHTTPServer((LOOPBACK, 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", name="site")
def _site() -> Iterator[str]:
    # As `make docs` does, in a process without pytest and its imports.
    built = subprocess.run([sys.executable, "-m", "website"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    with served(SITE / "html") as address:
        yield address


@pytest.fixture(scope="module", name="browser")
def _browser(site: str) -> Iterator[Browser]:
    del site  # built first, so that a fault of a page does not wait for a browser
    with chromium() as browser:
        yield browser


def test_nothing_comes_from_another_host(site: str, browser: Browser) -> None:
    """No page asks any other host for anything, and nothing that it asks for is missing."""
    page, asked = browser.new_page(viewport=DESK), set[str]()
    missing: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc or request.url[:20]))
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    for path in PAGES.values():
        page.goto(site + path, wait_until="networkidle")
    page.close()

    assert {urlsplit(site).netloc} == {host for host in asked if not host.startswith("data:")}
    assert [] == missing


def test_the_start_page_shows_it(site: str, browser: Browser) -> None:
    """The picture is there, and the way to a first change, in one screen and a click."""
    page = browser.new_page(viewport=DESK)
    page.goto(site)
    expect(page.get_by_role("heading", name="ElastiCache from code", level=1)).to_be_in_viewport()
    picture = page.get_by_role("img", name="The prod stage")
    expect(picture).to_be_in_viewport()
    assert picture.evaluate("image => image.naturalWidth") > 1000
    page.locator("article").get_by_role("link", name="Your first change").click()
    expect(page.get_by_role("heading", name="Add a cache")).to_be_visible()
    page.close()


@pytest.mark.parametrize(
    ("words", "found", "leads_to"),
    [
        ("TOP-06", "TOP-06", "reference/service-rules/#top-06"),
        ("maintenance_window", "ReplicationGroup", "reference/elasticache_constructs/ReplicationGroup/"),
        ("ShardScaling AutoScaling", "AutoScaling", "reference/elasticache_constructs/AutoScaling/"),
    ],
)
def test_search_finds(site: str, browser: Browser, words: str, found: str, leads_to: str) -> None:
    """A rule by its id, an argument by its name, a class by its own."""
    page = browser.new_page(viewport=DESK)
    page.goto(site)
    page.get_by_role("textbox", name="Search").first.fill(words.rsplit(maxsplit=1)[-1])
    page.keyboard.press("Enter")
    results = page.locator("#search-results")
    expect(results.get_by_role("link", name=found).first).to_be_visible(timeout=30_000)
    targets = results.get_by_role("link").evaluate_all("links => links.map(link => link.href)")
    page.close()

    assert [target for target in targets if leads_to.partition("#")[0] in target]
    assert not leads_to.count("#") or [target for target in targets if target.endswith(leads_to)]


def test_a_construct_has_its_arguments(site: str, browser: Browser) -> None:
    """With their defaults, and links to the pages of their values, of runbooks and of AWS."""
    page = browser.new_page(viewport=DESK)
    page.goto(site + PAGES["construct"])
    article = page.locator("article")
    expect(article).to_contain_text("Default: kept 35 days")
    targets = article.get_by_role("link").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    page.close()

    for target in ("runbooks/alarms", "docs.aws.amazon.com", "ConfigurationError", "EventTopic"):
        assert [link for link in targets if target in link], target


def test_an_id_of_an_error_message_is_a_link(site: str, browser: Browser) -> None:
    """A rule that a runbook names leads to the rule's entry, which has the message and AWS's page."""
    page = browser.new_page(viewport=DESK)
    page.goto(site + PAGES["runbook"])
    page.get_by_role("link", name="TLS-08", exact=True).first.click()
    page.wait_for_url("**/reference/service-rules/#tls-08")
    entry = page.locator("dl", has=page.locator("#tls-08"))
    expect(entry.get_by_role("link", name=re.compile("AWS.s page"))).to_be_visible()
    expect(entry).to_contain_text("TransitEncryption")
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(site: str, browser: Browser, name: str) -> None:
    """Nothing is cut off at the side, but for what scrolls by itself; it is dark or light as the system is."""
    page = browser.new_page(viewport=PHONE, color_scheme="light")
    page.goto(site + PAGES[name])
    cut_off = page.evaluate(_CUT_OFF)
    grounds = []
    for scheme in _SCHEMES:
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    page.close()

    assert [] == cut_off
    light, dark = (sum(int(part) for part in ground[4:-1].split(",")[:3]) for ground in grounds)
    assert light > 384 > dark
