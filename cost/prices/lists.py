"""A price list as it is kept: the rows of one service in one Region.

The bulk files and `pricing:GetProducts` describe a product in the same way, so one reader reads both:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/bulk-api-reading-price-list-files.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from cost.errors import CostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cost.prices.services import Service

_FORMAT = "v1"
_ATTRIBUTES = (
    "cacheEngine",
    "databaseEngine",
    "deploymentOption",
    "instanceType",
    "licenseModel",
    "location",
    "locationType",
    "operation",
    "regionCode",
    "usagetype",
    "volumeType",
)
_READ_AGAIN = "Run make prices again; if it stays so, the form of the list has changed"


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for the units from `begin` on.

    Args:
        begin: The first unit of a month that it is for.
        price: Of one unit.
    """

    begin: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """What a unit costs on demand.

    Args:
        unit: As the list calls it, for example ``Hrs``.
        currency: For example ``USD``.
        tiers: The first begins at 0.
    """

    unit: str
    currency: str
    tiers: tuple[Tier, ...]

    @property
    def price(self) -> Decimal:
        """The price of the first unit."""
        return self.tiers[0].price

    def of(self, units: Decimal) -> Decimal:
        """What so many units cost in a month, if the account uses no others."""
        ends = [tier.begin for tier in self.tiers[1:]] + [max(units, self.tiers[-1].begin)]
        return sum(
            (
                (min(units, end) - tier.begin) * tier.price
                for tier, end in zip(self.tiers, ends, strict=True)
                if units > tier.begin
            ),
            Decimal(0),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A product of a price list.

    Args:
        sku: Its number.
        family: Its product family.
        attributes: Those that tell products apart.
        rates: Of its on-demand terms. It should have one.
    """

    sku: str
    family: str
    attributes: Mapping[str, str]
    rates: tuple[Rate, ...]

    @property
    def usage(self) -> str:
        """Its usage type."""
        return self.attributes.get("usagetype", "")


@dataclass(frozen=True, slots=True)
class PriceList:
    """The rows of one service in one Region.

    Args:
        service: The service's code.
        region: The Region.
        version: AWS's version of the list, for example ``20260914063714``.
        published: When AWS published it.
        disclaimer: AWS's disclaimer, which goes wherever the prices go.
        rows: Those that this project asks for.
    """

    service: str
    region: str
    version: str
    published: str
    disclaimer: str
    rows: tuple[Row, ...]


def from_bulk(content: bytes, service: Service, region: str, version: str) -> PriceList:
    """Read a service's price list file of a Region.

    Args:
        content: The file.
        service: The service.
        region: The Region.
        version: The version that the index of Regions names.

    Raises:
        CostError: If it is no such file, or of another service or version.
    """
    name = f"the price list of {service.code} in {region}"
    try:
        # Reduced as it is read: the list of a database service has a hundred times what is kept.
        document = json.loads(content, object_hook=lambda found: _reduced(found, service))
    except (RecursionError, ValueError) as error:
        raise CostError(name, f"it is no JSON or is cut off ({error})", _READ_AGAIN) from error
    if not isinstance(document, dict) or not str(document.get("formatVersion", "")).startswith(_FORMAT):
        raise CostError(name, f"its formatVersion is not {_FORMAT}", _READ_AGAIN)
    for field, expected in (("offerCode", service.code), ("version", version)):
        if document.get(field) != expected:
            raise CostError(f"{name} with {field} {document.get(field)!r}", f"the index says {expected}", _READ_AGAIN)
    try:
        products, on_demand = document["products"], document["terms"]["OnDemand"]
        rows = [_row(product, on_demand.get(sku, {})) for sku, product in products.items() if product]
        return PriceList(
            service.code, region, version, document["publicationDate"], document["disclaimer"], tuple(rows)
        )
    except (AttributeError, KeyError, TypeError, InvalidOperation) as error:
        raise CostError(name, f"it has not the documented form ({error!r})", _READ_AGAIN) from error


def _reduced(found: dict[str, Any], service: Service) -> dict[str, Any] | None:
    """Leave out products that are not asked for, and terms of reserved capacity."""
    if "attributes" in found and "sku" in found:
        return found if is_kept(found, service) else None
    return None if found.get("termAttributes") else found


def is_kept(product: Mapping[str, Any], service: Service) -> bool:
    """Whether the rows of a service that are kept include a product."""
    return service.usage.search(product["attributes"].get("usagetype", "")) is not None


def from_products(items: Iterable[str], service: Service, region: str, disclaimer: str) -> PriceList:
    """Read what `pricing:GetProducts` answers: one JSON text for each product.

    Raises:
        CostError: If there are no products, or they have not the documented form.
    """
    name = f"the answer of pricing:GetProducts for {service.code} in {region}"
    rows: list[Row] = []
    versions: set[tuple[str, str]] = set()
    try:
        for text in items:
            item = json.loads(text)
            versions.add((item["version"], item["publicationDate"]))
            if is_kept(item["product"], service):
                rows.append(_row(item["product"], item["terms"].get("OnDemand", {})))
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise CostError(name, f"it has not the documented form ({error!r})", _READ_AGAIN) from error
    if not versions:
        raise CostError(name, "it has no product", "Check the Region and that the service is offered there")
    version, published = max(versions)
    return PriceList(service.code, region, version, published, disclaimer, tuple(rows))


def _row(product: Mapping[str, Any], terms: Mapping[str, Any]) -> Row:
    attributes = {name: str(product["attributes"][name]) for name in _ATTRIBUTES if name in product["attributes"]}
    # A term with attributes is one of reserved capacity, wherever it stands.
    on_demand = [term for term in terms.values() if term and not term.get("termAttributes")]
    rates = [_rate(term["priceDimensions"].values()) for term in on_demand]
    return Row(product["sku"], product.get("productFamily", ""), attributes, tuple(rates))


def _rate(dimensions: Iterable[Mapping[str, Any]]) -> Rate:
    found = sorted(dimensions, key=lambda each: Decimal(each["beginRange"]))
    units = {each["unit"] for each in found}
    currencies = {currency for each in found for currency in each["pricePerUnit"]}
    tiers = [Tier(Decimal(each["beginRange"]), Decimal(*each["pricePerUnit"].values())) for each in found]
    are_amounts = all(tier.price.is_finite() and tier.price >= 0 for tier in tiers)
    if len(units) != 1 or len(currencies) != 1 or tiers[0].begin != 0 or not are_amounts:
        raise TypeError(found)
    return Rate(units.pop(), currencies.pop(), tuple(tiers))


def to_document(prices: PriceList) -> dict[str, Any]:
    """A list as JSON."""
    return {
        "service": prices.service,
        "region": prices.region,
        "version": prices.version,
        "publicationDate": prices.published,
        "disclaimer": prices.disclaimer,
        "rows": [
            {
                "sku": row.sku,
                "productFamily": row.family,
                "attributes": dict(row.attributes),
                "rates": [
                    {
                        "unit": rate.unit,
                        "currency": rate.currency,
                        "tiers": [[str(tier.begin), str(tier.price)] for tier in rate.tiers],
                    }
                    for rate in row.rates
                ],
            }
            for row in prices.rows
        ],
    }


def from_document(document: Mapping[str, Any]) -> PriceList:
    """A list from its JSON.

    Raises:
        KeyError: If something is missing; so do TypeError, ValueError and `decimal.InvalidOperation`.
    """
    return PriceList(
        document["service"],
        document["region"],
        document["version"],
        document["publicationDate"],
        document["disclaimer"],
        tuple(
            Row(row["sku"], row["productFamily"], row["attributes"], tuple(map(_kept_rate, row["rates"])))
            for row in document["rows"]
        ),
    )


def _kept_rate(rate: Mapping[str, Any]) -> Rate:
    tiers: Sequence[tuple[str, str]] = rate["tiers"]
    return Rate(rate["unit"], rate["currency"], tuple(Tier(Decimal(begin), Decimal(price)) for begin, price in tiers))
