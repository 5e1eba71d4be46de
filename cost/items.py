"""What is charged for, before it has a price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from cost.prices.keys import PriceKey

HOURS_A_MONTH = Decimal(730)
"""AWS's own calculator takes a month as that: 365 days in twelve parts."""


class Charge(Enum):
    """How sure a charge is. Charges of two kinds are never added together."""

    FIXED = "fixed"
    """Every month, whatever is used."""
    UP_TO = "up to"
    """At most that much on top of what is fixed."""
    BY_USE = "by use"
    """No limit follows from the template."""
    LATER = "later"
    """Fixed from a day on that is to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One charge of one resource. Stack, resource and part identify it in two templates.

    Args:
        stack: The name of its stack.
        resource: Its logical id.
        part: What of the resource is charged, for example ``nodes``.
        text: The same with quantities, for readers.
        charge: How sure the charge is.
        key: The key of its price. Default: there is none, and `reason` says why.
        units: How many a month. Default: not known, and `reason` says why, unless use decides.
        reason: Why key or units are missing. Default: none is missing.
        begins: The first day of a charge that begins later.
        page: Where AWS writes how it is charged. Default: the pricing page of the service.
    """

    stack: str
    resource: str
    part: str
    text: str
    charge: Charge = Charge.FIXED
    key: PriceKey | None = None
    units: Decimal | None = None
    reason: str = ""
    begins: dt.date | None = None
    page: str = ""
