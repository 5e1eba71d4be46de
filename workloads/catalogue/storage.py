"""Reads products from PostgreSQL through the cache, and writes them to both."""

from __future__ import annotations

from msgspec.structs import replace

from elasticache_client import caching, connect
from workloads.catalogue.domain import Entry, Product
from workloads.database import Database

database = Database()
cache = caching.Cache(connect(), prefix="catalogue", bypass_limit=5)


@cache.lazy("category:{category}", ttl=60)
def products(category: str) -> list[Entry]:
    """The products of a category, oldest first."""
    return database.all(Entry, _PRODUCTS, category=category)


@cache.lazy("product:{product_id}", ttl=300)
def product(product_id: int) -> Product | None:
    """A product with its reviews."""
    return database.one(Product, _PRODUCT, product_id=product_id)


def set_price(product_id: int, cents: int) -> Product | None:
    """Change a price. Returns the changed product, or None if it does not exist."""
    before = database.one(Product, _PRODUCT, product_id=product_id)
    if before is None:
        return None
    after = replace(before, price_cents=cents)
    product.write_through(product_id, after, store=_store_price)
    return after


def _store_price(changed: Product) -> None:
    database.all(dict, _SET_PRICE, product_id=changed.id, cents=changed.price_cents)


def categories() -> list[str]:
    """The names of the categories, sorted."""
    return [row["name"] for row in database.all(dict[str, str], _CATEGORIES)]


_CATEGORIES = "SELECT name FROM categories ORDER BY name"

_PRODUCTS = """
SELECT p.id, p.name
FROM products AS p JOIN categories AS c ON c.id = p.category_id
WHERE c.name = %(category)s
ORDER BY p.id LIMIT 24
"""

_PRODUCT = """
SELECT p.id, p.name, c.name AS category, p.price_cents, said.reviews, said.rating, liked.also_liked
FROM products AS p
JOIN categories AS c ON c.id = p.category_id
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews, avg(stars)::float8 AS rating FROM reviews WHERE product_id = p.id
) AS said
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(o), '[]') AS also_liked
    FROM (
        SELECT other.id, other.name
        FROM reviews AS mine
        JOIN reviews AS theirs ON theirs.customer_id = mine.customer_id AND theirs.product_id <> mine.product_id
        JOIN products AS other ON other.id = theirs.product_id
        WHERE mine.product_id = p.id AND mine.stars >= 4 AND theirs.stars >= 4
        GROUP BY other.id
        ORDER BY count(*) DESC, other.id
        LIMIT 4
    ) AS o
) AS liked
WHERE p.id = %(product_id)s
"""

_SET_PRICE = "UPDATE products SET price_cents = %(cents)s WHERE id = %(product_id)s RETURNING id"
