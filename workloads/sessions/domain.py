"""The items of the shop, and its carts."""

from __future__ import annotations

from typing import Annotated

import msgspec

from workloads.names import Name

Cart = dict[str, int]
"""Quantities by item."""

MAX_QUANTITY = 99


class Item(msgspec.Struct, frozen=True):
    """An item of the shop."""

    item: str
    name: str
    price_cents: int


class Line(msgspec.Struct, frozen=True):
    """A line of a cart as it is shown."""

    item: str
    name: str
    price_cents: int
    quantity: int


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The new quantity of an item in a cart."""

    item: str
    quantity: Annotated[int, msgspec.Meta(ge=0, le=MAX_QUANTITY)]


class User(Name):
    """A user's name."""

    max_length = 40


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user that a client claims to be."""

    user: User


SHELF = {
    item.item: item
    for item in (
        Item("teapot", "Clay teapot", 3900),
        Item("kettle", "Copper kettle", 8900),
        Item("lamp", "Oak lamp", 6450),
        Item("blanket", "Wool blanket", 12000),
    )
}


def lines(cart: Cart) -> list[Line]:
    """The cart's lines with names and prices, in the order of the shop's items."""
    return [
        Line(item.item, item.name, item.price_cents, cart[item.item]) for item in SHELF.values() if item.item in cart
    ]
