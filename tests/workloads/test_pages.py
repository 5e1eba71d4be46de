"""The pages as users see them, in a headless Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from local_servers.ports import LOOPBACK
from tests.workloads.browser import NAMES, USES, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Route

# Two busy cores may need longer than the default of five seconds.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(name="page")
def _page(browser: Browser, sites: dict[str, int], request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of an application. Messages in the console, and requests to other sites, are failures."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    address = f"http://{LOOPBACK}:{sites[request.param]}/"
    page.on("request", lambda asked: None if asked.url.startswith(address) else complaints.append(asked.url))
    page.goto(address)
    yield page
    page.close()
    assert [] == [complaint for complaint in complaints if complaint != "data:,"]


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether a message is a failure. A refused input is not."""
    return message.type == "error" and "a status of 422" not in message.text


def page_of(name: str) -> pytest.MarkDecorator:
    """A test on one application's page."""
    return pytest.mark.parametrize("page", [name], indirect=True)


@pytest.mark.parametrize(("page", "name"), [(name, name) for name in NAMES], indirect=["page"])
def test_a_page_does_what_it_is_for(page: Page, name: str) -> None:
    """The steps that its screenshot shows."""
    USES[name](page)
    expect(page.locator("#notice")).to_be_empty()


@page_of("catalogue")
def test_the_switch_shows_what_the_cache_saves(page: Page) -> None:
    """Without the cache, every product that is shown costs a query."""
    # The requests of opening the page do not count.
    expect(page.get_by_role("button", name="Ash Blanket 1", exact=True)).to_be_visible()
    page.get_by_role("switch", name="Read through the cache").uncheck()
    before = queries(page)
    for name in ("Ash Blanket 1", "Oak Blanket 1", "Ash Blanket 1"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert queries(page) - before == 3


def queries(page: Page) -> int:
    """How many queries the application has counted."""
    counted: int = page.evaluate("fetch('api/figures').then((answer) => answer.json())")["database"]["queries"]
    return counted


@page_of("sessions")
def test_two_processes_take_turns(page: Page) -> None:
    """The page shows which process has answered, and each process knows the changes of the other."""
    page.get_by_role("button", name="Add Clay teapot").click()
    expect(page.locator("#total")).to_have_text("$39.00")
    for _ in range(3):
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator("#total")).to_have_text("$39.00")
    expect(page.locator("#session")).to_contain_text("served by 2 processes")


@page_of("sessions")
def test_every_click_counts(page: Page) -> None:
    """Also those before the answer to the first."""
    held = hold(page, "**/api/cart")
    for item in ("Add Oak lamp", "Add Clay teapot", "Add Oak lamp"):
        page.get_by_role("button", name=item).click()
    held[0].continue_()
    expect(page.locator("#total")).to_have_text("$168.00")


@page_of("sessions")
def test_logging_out_everywhere_reaches_other_browsers(page: Page, browser: Browser) -> None:
    """Another browser of the same user is logged out at its next request."""
    other = browser.new_page()
    other.goto(page.url)
    for user_page in (page, other):
        user_page.get_by_label("Name").fill("Grace")
        user_page.get_by_role("button", name="Log in").click()
        expect(user_page.locator("#who")).to_have_text("Grace")
    page.get_by_role("button", name="Log out everywhere").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    other.get_by_role("button", name="Ask again").click()
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    other.close()


@page_of("leaderboard")
def test_another_window_is_another_board(page: Page) -> None:
    """With the keyboard only: submit a score, and select this week's board."""
    page.get_by_label("Name").fill("Radia")
    page.get_by_label("Score", exact=True).fill("700")
    page.keyboard.press("Enter")
    expect(page.locator("#around tr.you")).to_contain_text("Radia")
    page.get_by_label("all time").focus()
    with page.expect_response("**/api/boards/weekly?*"):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("this week")).to_be_checked()
    expect(page.locator("#around tr.you")).to_contain_text("700")


@page_of("catalogue")
def test_a_refusal_is_said_at_the_top(page: Page) -> None:
    """An error message of the application is shown until another request succeeds."""
    page.get_by_role("button", name="Ash Blanket 1", exact=True).click()
    page.locator("#change").evaluate("form => { form.noValidate = true; }")
    page.get_by_label("New price in dollars").fill("0")
    with page.expect_response("**/price"):
        page.get_by_role("button", name="Write through").click()
    wait_for_figures(page)
    expect(page.get_by_role("status")).to_contain_text("Expected `int` >= 1")
    page.get_by_role("button", name="Oak Blanket 1", exact=True).click()
    expect(page.get_by_role("status")).to_be_empty()


@page_of("catalogue")
def test_the_last_choice_is_what_is_shown(page: Page) -> None:
    """A late answer to an earlier choice of a category or a product does not replace the current one."""
    category, product = hold(page, "**/api/categories/Chairs/*"), hold(page, "**/api/products/*")
    page.get_by_label("Category").select_option("Chairs")
    page.get_by_label("Category").select_option("Kettles")
    expect(page.locator("#category-title")).to_have_text("24 of kettles")
    for name in ("Ash Kettle 1", "Oak Kettle 1"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", name="Oak Kettle 1")).to_be_visible()
    with page.expect_response("**/api/categories/Chairs/*"), page.expect_response("**/api/products/*"):
        category[0].continue_()
        product[0].continue_()
    wait_for_figures(page)
    expect(page.locator("#category-title")).to_have_text("24 of kettles")
    expect(page.get_by_role("heading", name="Oak Kettle 1")).to_be_visible()


@page_of("catalogue")
def test_a_product_that_stays_is_changed_where_it_stands(page: Page) -> None:
    """Also after another one was chosen, and could not be read."""
    page.get_by_label("Category").select_option("Kettles")
    page.get_by_role("button", name="Ash Kettle 2", exact=True).click()
    expect(page.get_by_role("heading", name="Ash Kettle 2")).to_be_visible()
    refused = {"status": 422, "json": {"error": "refused"}}
    page.route("**/api/products/*", lambda route: route.fulfill(**refused), times=1)
    page.get_by_role("button", name="Oak Kettle 2", exact=True).click()
    expect(page.locator("#notice")).to_have_text("refused")
    page.get_by_label("New price in dollars").fill("77.00")
    page.get_by_role("button", name="Write through").click()
    expect(page.locator("#price")).to_have_text("$77.00")


@page_of("leaderboard")
def test_the_last_choice_of_a_board_is_what_is_shown(page: Page) -> None:
    """A late answer about another board does not replace the current one."""
    held = hold(page, "**/api/boards/all-time?*")
    with page.expect_request("**/api/boards/all-time?*"):
        pass  # the page asks by itself
    with page.expect_response("**/api/boards/daily?*"):
        page.get_by_label("today").check()
    late = [{"rank": 1, "player": "Late", "score": 1}]
    hold(page, "**/api/boards/daily?*")
    with page.expect_request("**/api/boards/daily?*"):  # a second after the answer
        held[0].fulfill(json={"top": late, "players": 1, "you": None, "around": []})
    assert "Late" not in page.locator("#top").inner_text()


def hold(page: Page, url: str) -> list[Route]:
    """Hold the first request of a page that fits; the test lets it go on."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(url, keep, times=1)
    return held


def wait_for_figures(page: Page) -> None:
    """Wait until the page has updated its figures once."""
    for _ in range(2):
        with page.expect_response("**/figures"):
            pass
