"""What a catalogue speaks of."""

from __future__ import annotations

from typing import Annotated

import msgspec

HIGHEST_ID = 2**31 - 1
LONGEST_CATEGORY = 24
HIGHEST_CENTS = 1_000_000

Cents = Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_CENTS)]


class Entry(msgspec.Struct, frozen=True):
    """A product as a list shows it."""

    id: int
    name: str


class Product(msgspec.Struct, frozen=True):
    """A product as its own page shows it."""

    id: int
    name: str
    category: str
    price_cents: int
    reviews: int
    rating: float | None
    """The average of one to five stars; None without a review."""
    also_liked: list[Entry]
    """What those liked who liked this one, the most often liked first."""


class PriceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new price for a product."""

    price_cents: Cents
