"""The report's page, as a browser shows it: on screens and on paper, in light and dark."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import report
from rehearsal.report.page import page
from tests.rehearsal.report_sample import MARKUP, NOT_RUN, results
from tests.workloads.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

MOMENT = datetime(2026, 11, 28, tzinfo=UTC)
# Contrast of each text with what is behind it, by WCAG 2; texts of plots and pictures are in the colours of the page.
CONTRASTS = """
() => {
  const luminance = colour => {
    const [r, g, b] = colour.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const read = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (let node = element; node; node = node.parentElement) {
      const colour = read(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('h1,h2,h3,p,li,th,td,code,summary,span,dt,dd,small,caption,a,text')) {
    if (!element.getClientRects().length || !element.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const colour = read(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [a, b] = [luminance(colour), luminance(behind(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) poor.push([element.tagName, element.textContent.slice(0, 40), contrast]);
  }
  return poor;
}
"""


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(name="shown")
def _shown(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of a rehearsal that failed, without scripts; each request for another file is a failure."""
    file = tmp_path / "report.html"
    report.save_page(results(ok=False), file)
    options: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}, **getattr(request, "param", {})}
    context = browser.new_context(**options)
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda asked: None if asked.url == file.as_uri() else complaints.append(asked.url))
    shown.goto(file.as_uri())
    yield shown
    context.close()
    assert [] == [complaint for complaint in complaints if complaint != "data:,"]


def with_settings(*settings: dict[str, Any]) -> pytest.MarkDecorator:
    """A test of the page in each of these contexts of a browser."""
    return pytest.mark.parametrize("shown", settings, indirect=True, ids=str)


@with_settings({"java_script_enabled": False})
def test_it_is_read_without_scripts(shown: Page) -> None:
    """Sections, drills, plots and the picture are there; a name with markup is text."""
    for heading in ("What failed", "Topology", "Drills", "What is not proven", "Engines", "Grants", "Posture"):
        assert shown.get_by_role("heading", name=heading, exact=True).is_visible(), heading
    assert shown.get_by_role("img", name="Topology of vpc-1").is_visible()
    assert shown.locator("#drill-endpoints").is_visible()
    assert shown.locator("svg.plot").count() > 2
    assert shown.get_by_text(NOT_RUN).first.is_visible()
    assert shown.locator("section[aria-labelledby=grants]").get_by_text(MARKUP).is_visible()


def test_it_needs_no_other_file() -> None:
    """There is no script, no address besides SVG's namespace, and the policy forbids both."""
    text = page(results(), MOMENT)
    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\"'\s<>]+", text))
    assert "<script" not in text
    assert "default-src 'none'" in text


@with_settings({"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 400, "height": 800}})
def test_it_can_be_read(shown: Page) -> None:
    """All text has enough contrast, and no screen is too narrow for the page."""
    assert [] == shown.evaluate(CONTRASTS)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_is_accessible(shown: Page) -> None:
    """Images have names, tables have captions and headers of columns and rows, headings are in order."""
    assert shown.evaluate("[...document.querySelectorAll('svg')].every(e => e.querySelector('title').textContent)")
    assert shown.evaluate(
        "[...document.querySelectorAll('table')].every(e => e.caption && e.tHead.querySelector('th'))"
    )
    assert shown.evaluate("[...document.querySelectorAll('tbody tr')].every(e => e.querySelector('th[scope=row]'))")
    levels = shown.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert shown.evaluate("[...document.querySelectorAll('nav a')].every(e => document.querySelector(e.hash))")


def test_paper_shows_everything(shown: Page) -> None:
    """What a screen hides until it is opened is printed, on a white page."""
    hidden = shown.locator("details:not([open]) td").first
    assert not hidden.is_visible()
    shown.emulate_media(media="print", color_scheme="dark")
    assert hidden.is_visible()
    assert shown.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert [] == shown.evaluate(CONTRASTS)


def test_the_picture_tells_who_reaches_whom(shown: Page) -> None:
    """A dot for each connection that is allowed, none for others; the description says the same."""
    told = shown.locator("svg.topology .dot title").all_text_contents()
    assert sorted(told) == [
        "Leaderboard may connect to Redis on port 6379",
        "Redis/Rotation-default may connect to Redis on port 6379",
        "Redis/Rotation-default may connect to secretsmanager on port 443",
    ]
    described = shown.locator("svg.topology > desc").text_content() or ""
    assert all(f"{line.partition(' may')[0]} may connect to" in described for line in told)


def test_no_text_of_the_picture_overlaps(shown: Page) -> None:
    """Names in the picture and in the plots do not cover each other."""
    assert [] == shown.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => {
          const boxes = [...svg.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
          return boxes.flatMap(([a, one], index) => boxes.slice(index + 1)
            .filter(([, two]) => one.right > two.left + 1 && two.right > one.left + 1
              && one.bottom > two.top + 3 && two.bottom > one.top + 3)
            .map(([b]) => [a, b]));
        })"""
    )


def test_a_rehearsal_that_passed_has_no_failures() -> None:
    """The section of failures is there only if something failed."""
    assert "What failed" not in page(results(), MOMENT)
    assert not results(ok=False).ok
    assert results().ok
