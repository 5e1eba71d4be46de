"""What is on the shelf, and what a cart is."""

from __future__ import annotations

from typing import Annotated

import msgspec

from workloads.names import Name

Cart = dict[str, int]
"""Quantities by item."""

HIGHEST_QUANTITY = 99


class Item(msgspec.Struct, frozen=True):
    """Something on the shelf."""

    item: str
    name: str
    price_cents: int


class Line(msgspec.Struct, frozen=True):
    """A line of a cart, as it is shown."""

    item: str
    name: str
    price_cents: int
    quantity: int


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of an item a cart shall hold."""

    item: str
    quantity: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_QUANTITY)]


class User(Name):
    """A user's name."""

    longest = 40


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says to be."""

    user: User


SHELF = {
    each.item: each
    for each in (
        Item("teapot", "Clay teapot", 3900),
        Item("kettle", "Copper kettle", 8900),
        Item("lamp", "Oak lamp", 6450),
        Item("blanket", "Wool blanket", 12000),
    )
}


def lines(cart: Cart) -> list[Line]:
    """The cart with names and prices, in the order of the shelf."""
    return [
        Line(each.item, each.name, each.price_cents, cart[each.item]) for each in SHELF.values() if each.item in cart
    ]
