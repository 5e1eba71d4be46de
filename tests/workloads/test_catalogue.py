"""The catalogue over HTTP, with a real database and a real cache."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import mean
from typing import TYPE_CHECKING, Any

import pytest

from workloads.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.workloads.conftest import Application
    from workloads.database import DatabaseSettings


def product(catalogue: Application, number: int, query: str = "") -> dict[str, Any]:
    """A product as its page receives it."""
    answer: dict[str, Any] = catalogue.get(f"/api/products/{number}{query}").raise_for_status().json()
    return answer


def queries(catalogue: Application) -> int:
    """How many statements the database has executed for this process."""
    answer: int = catalogue.get("/api/figures").json()["database"]["queries"]
    return answer


def test_categories_and_their_products(catalogue: Application) -> None:
    """Eight categories by name, each with its products."""
    categories = catalogue.get("/api/categories").json()
    listed = catalogue.get("/api/categories/Kettles/products").json()
    assert ["Blankets", "Bowls", "Chairs", "Clocks", "Desks", "Kettles", "Lamps", "Rugs"] == categories
    assert (24, {"id": 1, "name": "Ash Kettle 1"}) == (len(listed), listed[0])
    assert "Kettles" == product(catalogue, listed[0]["id"])["category"]


def test_a_product_with_what_customers_say(catalogue: Application, database: DatabaseSettings) -> None:
    """The reviews, stars and other liked products equal a count of the individual reviews."""
    with Database(database) as opened:
        reviews = opened.all(dict[str, int], "SELECT product_id, customer_id, stars FROM reviews")
    stars = [review["stars"] for review in reviews if review["product_id"] == 42]
    liked = [review for review in reviews if review["stars"] >= 4]
    fans = {review["customer_id"] for review in liked if review["product_id"] == 42}
    others = Counter(
        review["product_id"] for review in liked if review["customer_id"] in fans and review["product_id"] != 42
    )
    most = sorted(others, key=lambda number: (-others[number], number))[:4]
    shown = product(catalogue, 42)
    assert (len(stars), pytest.approx(mean(stars))) == (shown["reviews"], shown["rating"])
    assert most == [product["id"] for product in shown["also_liked"]]


def test_the_second_look_costs_no_query(catalogue: Application) -> None:
    """What one caller has loaded, the next gets from the cache, for lists and for products."""
    first = product(catalogue, 101), catalogue.get("/api/categories/Lamps/products").json()
    before = queries(catalogue)
    second = product(catalogue, 101), catalogue.get("/api/categories/Lamps/products").json()
    assert (first, 0) == (second, queries(catalogue) - before)


def test_without_the_cache_every_look_costs_one(catalogue: Application) -> None:
    """The switch bypasses the cache and returns the same answer."""
    cached = product(catalogue, 102)
    before = queries(catalogue)
    uncached = [product(catalogue, 102, "?cache=off") for _ in range(3)]
    assert ([cached] * 3, 3) == (uncached, queries(catalogue) - before)


def test_many_callers_of_one_product_cost_one_query(catalogue: Application) -> None:
    """Of fifty callers that request the same uncached product at once, one queries the database."""
    before = queries(catalogue)
    with ThreadPoolExecutor(50) as pool:
        shown = list(pool.map(lambda _: product(catalogue, 103), range(50)))
    assert ([shown[0]] * 50, 1) == (shown, queries(catalogue) - before)


def test_a_new_price_is_in_the_database_and_in_the_cache(catalogue: Application) -> None:
    """Write-through: the next caller gets the new price without a query, and the database has the same."""
    product(catalogue, 104)
    changed = catalogue.send("PUT", "/api/products/104/price", {"price_cents": 12345}).raise_for_status().json()
    before = queries(catalogue)
    cached = product(catalogue, 104)
    assert (12345, changed, 0) == (changed["price_cents"], cached, queries(catalogue) - before)
    assert changed == product(catalogue, 104, "?cache=off")


def test_what_is_not_there_is_remembered(catalogue: Application) -> None:
    """A product that does not exist costs one query."""
    before = queries(catalogue)
    statuses = [catalogue.get("/api/products/4711").status_code for _ in range(5)]
    assert ([404] * 5, 1) == (statuses, queries(catalogue) - before)


def test_what_is_no_name_costs_nothing(catalogue: Application) -> None:
    """An impossible name is refused before it costs a query or a key in the cache."""
    before = queries(catalogue)
    paths = [f"/api/categories/{word}/products" for word in ("%7Bx%7D", "L%C3%A4mps", "L" * 25)]
    statuses = [catalogue.get(path).status_code for path in [*paths, "/api/products/99999999999"]]
    assert ([404] * 4, 0) == (statuses, queries(catalogue) - before)


@pytest.mark.parametrize(
    ("ask", "status", "said"),
    [
        (lambda app: app.get("/api/products/99999999999"), 404, "Unknown product: must be an id that GET api/"),
        (lambda app: app.get("/api/products/kettle"), 404, "Not Found"),
        (lambda app: app.get("/api/categories/Sofas/products"), 404, "Unknown category: must be one that GET api/"),
        (lambda app: app.get("/api/categories/%7Bx%7D/products"), 404, "Unknown category"),
        (lambda app: app.get("/api/products/1?cache=maybe"), 422, "cache=maybe: must be on or off"),
        (lambda app: app.send("PUT", "/api/products/4712/price", {"price_cents": 1}), 404, "Unknown product"),
        (lambda app: app.send("PUT", "/api/products/1/price", {"price_cents": 0}), 422, "Expected `int` >= 1"),
        (lambda app: app.send("PUT", "/api/products/1/price", {"price_cents": "9"}), 422, "Expected `int`, got `str`"),
        (lambda app: app.send("PUT", "/api/products/1/price", {}), 422, "missing required field `price_cents`"),
        (lambda app: app.send("PUT", "/api/products/1/price", {"price_cents": 1, "to": 2}), 422, "unknown field `to`"),
        (lambda app: app.send("PUT", "/api/products/1/price", "x" * 5000), 413, ""),
        (lambda app: app.client.put("/api/products/1/price", content=b"{}"), 415, "Content-Type is missing: must be"),
        (
            lambda app: app.client.put("/api/products/1/price", data={"price_cents": 1}),
            415,
            "Content-Type is application/x-www-form-urlencoded: must be application/json. Send JSON",
        ),
        (
            lambda app: app.client.put(
                "/api/products/1/price", content=b"{", headers={"content-type": "application/json"}
            ),
            422,
            "The body does not fit",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    catalogue: Application, ask: Callable[[Application], httpx.Response], status: int, said: str
) -> None:
    """The answer says what was given and what is allowed, and nothing is changed."""
    answer = ask(catalogue)
    assert status == answer.status_code
    assert said in answer.text
