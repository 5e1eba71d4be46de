"""Finding the one row of a price. No row, or two, is an answer as well, and never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cost.prices.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cost.prices.lists import PriceList, Rate, Row

HOURS = r"h(ou)?rs?"
"""Units that are hours."""
GB_HOURS = r".*\bh(ou)?rs?"
"""Units that are GB times hours."""
GB_MONTHS = r"GB-?mo(nth)?s?"
"""Units that are GB times months."""
COUNTS = r"(?!.*\bh(ou)?rs?\b).*"
"""Units of which there is one a month, whatever the list calls them, and not hours."""

REGIONAL = r"(?:[A-Z0-9]+-)?"
"""What the usage types of a Region begin with: ``EU-`` in eu-west-1, nothing for most types in us-east-1.

It is upper case, so that ``EU-SyncDurability-NodeUsage:`` and ``EU-ExtendedSupportYr3-NodeUsage:`` are other types.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceKey:
    """What a row must be, to be the row of a price.

    Args:
        service: The service's code.
        usage: The usage type, as a pattern for all of it.
        unit: The unit, as a pattern for all of it, in any case.
        family: The product family. Default: any.
        attributes: Attributes and the values they may have, the better one first.
        anywhere: Whether the row belongs to no Region. Default: false.
    """

    service: str
    usage: str
    unit: str
    family: str | None = None
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    anywhere: bool = False

    @property
    def name(self) -> str:
        """The usage type for readers, without the Region."""
        return self.usage.removeprefix(REGIONAL).replace("\\", "")


@dataclass(frozen=True, slots=True)
class NoRate:
    """Why there is no price: ``price unknown`` or ``ambiguous``, with the reason."""

    text: str


def find(key: PriceKey, lists: Mapping[str, PriceList], region: str, currency: str) -> Rate | NoRate:
    """The rate of a key.

    Args:
        key: What is sought.
        lists: The price lists of the Region, by service.
        region: The Region.
        currency: The currency of its partition.
    """
    prices = lists.get(key.service)
    if prices is None:
        return NoRate(f"price unknown: no price list of {key.service} for {region} is kept{_queried(key)}")
    rate = _only_rate(key, prices, region)
    if isinstance(rate, NoRate):
        return rate
    if re.fullmatch(key.unit, rate.unit, re.IGNORECASE) is None:
        return NoRate(f"price unknown: the unit is {rate.unit}")
    if rate.currency != currency:
        return NoRate(f"price unknown: the price is in {rate.currency}, not in {currency}")
    return rate


def _only_rate(key: PriceKey, prices: PriceList, region: str) -> Rate | NoRate:
    rows = _best([row for row in prices.rows if _is_sought(row, key, region)], key)
    if not rows:
        return NoRate(f"price unknown: {key.service} {prices.version} has no row {key.name}{_queried(key)}")
    if len(rows) > 1:
        return NoRate(f"ambiguous: {', '.join(sorted(f'{row.usage} ({row.sku})' for row in rows))}")
    (row,) = rows
    if len(row.rates) != 1:
        return NoRate(f"ambiguous: {row.sku} has {len(row.rates)} on-demand terms")
    return row.rates[0]


def _queried(key: PriceKey) -> str:
    """How to get a price that no list of a Region has."""
    in_bulk = any(service.code == key.service and service.in_bulk for service in SERVICES)
    return "" if in_bulk and not key.anywhere else "; make prices ARGS=--api reads it"


def _is_sought(row: Row, key: PriceKey, region: str) -> bool:
    place = {"location": "Any"} if key.anywhere else {"locationType": "AWS Region", "regionCode": region}
    return (
        re.fullmatch(key.usage, row.usage) is not None
        and (key.family is None or row.family == key.family)
        and all(row.attributes.get(name) == value for name, value in place.items())
    )


def _best(rows: list[Row], key: PriceKey) -> list[Row]:
    """The rows with the attributes of a key; of rows for one engine and for any, those for the engine."""
    for name, values in key.attributes:
        found = [[row for row in rows if row.attributes.get(name) == value] for value in values]
        rows = next((some for some in found if some), [])
    return rows
