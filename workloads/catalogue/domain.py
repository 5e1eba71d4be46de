"""The data types of the catalogue."""

from __future__ import annotations

from typing import Annotated

import msgspec

MAX_ID = 2**31 - 1
MAX_CATEGORY_LENGTH = 24
MAX_CENTS = 1_000_000

Cents = Annotated[int, msgspec.Meta(ge=1, le=MAX_CENTS)]


class Entry(msgspec.Struct, frozen=True):
    """A product in a list."""

    id: int
    name: str


class Product(msgspec.Struct, frozen=True):
    """A product with all details."""

    id: int
    name: str
    category: str
    price_cents: int
    reviews: int
    rating: float | None
    """The average of one to five stars, or None without reviews."""
    also_liked: list[Entry]
    """Other products that customers who liked this one also liked, most liked first."""


class PriceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product's new price."""

    price_cents: Cents
