"""The one row of a price: what other tools take instead of it, and when there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from cost.errors import CostError
from cost.prices.keys import NoRate, find
from cost.prices.lists import Rate, Tier, from_bulk, from_products
from cost.prices.services import partition_of
from cost.quantities.caches import node_key
from elasticache_rules import facts
from tests.cost.offers import DISCLAIMER, NODE_TYPE, RATES, REGION, VERSION, Offer, elasticache, service, term

if TYPE_CHECKING:
    from collections.abc import Callable

    from cost.prices.lists import PriceList

ELASTICACHE = service("AmazonElastiCache")


def _price(prices: PriceList, engine: str, surcharge: str = "", node_type: str = NODE_TYPE) -> Decimal | str:
    found = find(node_key(node_type, engine, surcharge), {prices.service: prices}, prices.region, "USD")
    return found.text if isinstance(found, NoRate) else found.price


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize("engine", ["redis", "memcached", "valkey"])
@pytest.mark.parametrize("is_queried", [False, True])
def test_a_node_has_the_price_of_its_engine_and_no_surcharge(region: str, engine: str, *, is_queried: bool) -> None:
    """In both forms of a list, with and without a prefix of the Region."""
    offer = elasticache(region)
    prices = from_products(offer.items(), ELASTICACHE, region, DISCLAIMER) if is_queried else offer.kept()

    assert _price(prices, engine) == Decimal(RATES[engine.title()])


@pytest.mark.parametrize("is_queried", [False, True])
def test_a_reserved_term_is_no_price(*, is_queried: bool) -> None:
    """Not even one that stands among those on demand."""
    offer = elasticache()
    reserved = {**term(_sku(offer), [("0", "Inf", "0.0100")]), "termAttributes": {"LeaseContractLength": "3yr"}}
    offer.terms[_sku(offer)] = {"reserved": reserved, **offer.terms[_sku(offer)]}
    prices = from_products(offer.items(), ELASTICACHE, REGION, DISCLAIMER) if is_queried else offer.kept()

    assert _price(prices, "redis") == Decimal(RATES["Redis"])


def test_a_surcharge_is_of_its_engine() -> None:
    """If Valkey has extended support one day, that is another row."""
    offer = elasticache()
    offer.add(
        f"ExtendedSupportYr1_Yr2-NodeUsage:{NODE_TYPE}", "0.1555", family="Cache Instance", instanceType=NODE_TYPE,
        cacheEngine="Valkey", operation="CreateCacheCluster:Valkey",
    )  # fmt: skip

    assert _price(offer.kept(), "redis", "ExtendedSupportYr1_Yr2-") == Decimal("0.1944")
    assert _price(offer.kept(), "valkey", "ExtendedSupportYr1_Yr2-") == Decimal("0.1555")


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_of_the_rows_changes_nothing(*, backwards: bool) -> None:
    """The peers take the first row, or the last."""
    prices = elasticache().kept()
    prices = replace(prices, rows=tuple(reversed(prices.rows)) if backwards else prices.rows)

    assert _price(prices, "valkey") == Decimal("0.1944")
    assert _price(prices, "valkey", "SyncDurability-") == Decimal("0.0350")
    assert _price(prices, "redis", "ExtendedSupportYr1_Yr2-") == Decimal("0.1944")
    assert _price(prices, "redis", "ExtendedSupportYr3-") == Decimal("0.3888")


def test_every_node_type_has_at_most_one_row() -> None:
    """All node types of the facts, with both engines that have surcharges."""
    types = facts.node_types()
    prices = elasticache(node_types=types).kept()

    found = {(name, engine): _price(prices, engine, node_type=name) for name in types for engine in ("redis", "valkey")}

    assert set(found.values()) == {Decimal(RATES["Redis"]), Decimal(RATES["Valkey"])}


def test_a_node_type_that_begins_like_another_is_another() -> None:
    """The whole usage type has to match."""
    prices = elasticache(node_types=("cache.r7g.large2",)).kept()

    assert _price(prices, "redis") == f"price unknown: AmazonElastiCache {VERSION} has no row NodeUsage:{NODE_TYPE}"


def _twice(offer: Offer) -> None:
    offer.add(
        f"NodeUsage:{NODE_TYPE}", "0.2400", family="Cache Instance", instanceType=NODE_TYPE, cacheEngine="Redis",
        operation="CreateCacheCluster:0002",
    )  # fmt: skip


def _sku(offer: Offer) -> str:
    """The row of the Redis node."""
    return next(
        sku
        for sku, product in offer.products.items()
        if product["attributes"]["usagetype"] == f"EU-NodeUsage:{NODE_TYPE}"
        and product["attributes"]["cacheEngine"] == "Redis"
    )


def _two_terms(offer: Offer) -> None:
    offer.terms[_sku(offer)]["another"] = term(_sku(offer), [("0", "Inf", "0.2400")])


def _no_term(offer: Offer) -> None:
    del offer.terms[_sku(offer)]


def _by_the_month(offer: Offer) -> None:
    offer.terms[_sku(offer)] = {"one": term(_sku(offer), [("0", "Inf", "177.39")], "Months")}


def _in_yuan(offer: Offer) -> None:
    (found,) = offer.terms[_sku(offer)].values()
    (dimension,) = found["priceDimensions"].values()
    dimension["pricePerUnit"] = {"CNY": "1.7000"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_twice, f"ambiguous: EU-NodeUsage:{NODE_TYPE} (SKU0003), EU-NodeUsage:{NODE_TYPE} (SKU0028)"),
        (_two_terms, "ambiguous: SKU0003 has 2 on-demand terms"),
        (_no_term, "ambiguous: SKU0003 has 0 on-demand terms"),
        (_by_the_month, "price unknown: the unit is Months"),
        (_in_yuan, "price unknown: the price is in CNY, not in USD"),
    ],
)
def test_there_is_no_guess(change: Callable[[Offer], None], said: str) -> None:
    """Two rows, two terms, none, another unit or currency: each says so, and other prices stay."""
    offer = elasticache()
    change(offer)

    assert _price(offer.kept(), "redis") == said
    assert _price(offer.kept(), "valkey") == Decimal(RATES["Valkey"])


def test_without_a_list_the_price_is_unknown() -> None:
    """The reason names the list."""
    found = find(node_key(NODE_TYPE, "redis"), {}, REGION, "USD")

    assert found == NoRate("price unknown: no price list of AmazonElastiCache for eu-west-1 is kept")


@pytest.mark.parametrize(("units", "cost"), [("0", "0"), ("5", "0.50"), ("10", "1.00"), ("25", "1.75")])
def test_units_are_paid_tier_by_tier(units: str, cost: str) -> None:
    """A cheaper second tier is for the units in it."""
    rate = Rate("Alarms", "USD", (Tier(Decimal(0), Decimal("0.10")), Tier(Decimal(10), Decimal("0.05"))))

    assert rate.of(Decimal(units)) == Decimal(cost)


def _without(field: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(field)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: document.update(formatVersion="v2.0"), "its formatVersion is not v1. "),
        (lambda document: document.update(offerCode="AmazonRDS"), "with offerCode 'AmazonRDS': the index says Amazon"),
        (lambda document: document.update(version="20250101000000"), f"the index says {VERSION}. "),
        (_without("disclaimer"), "it has not the documented form (KeyError('disclaimer'))"),
        (_without("terms"), "it has not the documented form (KeyError('terms'))"),
        (_without("products"), "it has not the documented form (KeyError('products'))"),
    ],
)
def test_a_list_of_another_form_is_refused(change: Callable[[dict[str, Any]], None], said: str) -> None:
    """A new form is an error, and no list without prices."""
    document = elasticache().document()
    change(document)

    with pytest.raises(CostError) as refused:
        from_bulk(json.dumps(document).encode(), ELASTICACHE, REGION, VERSION)

    assert said in str(refused.value)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-0.2430", "free", ""])
def test_a_price_that_is_no_amount_is_refused(price: str) -> None:
    """It would spoil the sum."""
    offer = elasticache()
    offer.terms[_sku(offer)] = {"one": term(_sku(offer), [("0", "Inf", price)])}

    with pytest.raises(CostError, match="it has not the documented form"):
        offer.kept()


def test_a_list_that_is_nested_without_end_is_refused() -> None:
    """Python's parser goes as deep as its stack."""
    with pytest.raises(CostError, match="it is no JSON or is cut off"):
        from_bulk(b"[" * 1_000_000, ELASTICACHE, REGION, VERSION)


@pytest.mark.parametrize("cut", [0, 1, 1000])
def test_a_list_that_is_cut_off_is_refused(cut: int) -> None:
    """Wherever it ends."""
    content = elasticache().content()

    with pytest.raises(CostError, match="it is no JSON or is cut off"):
        from_bulk(content[:cut], ELASTICACHE, REGION, VERSION)


def test_an_answer_without_products_is_refused() -> None:
    """It would hide every price."""
    with pytest.raises(CostError, match="it has no product"):
        from_products([], ELASTICACHE, REGION, DISCLAIMER)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("../..", "a Region is named like eu-west-1"),
        ("eu-west-1/index.json", "a Region is named like eu-west-1"),
        ("", "a Region is named like eu-west-1"),
        ("us-iso-east-1", "AWS publishes no price list for its partition"),
        ("eusc-de-east-1", "AWS publishes no price list for its partition"),
    ],
)
def test_what_has_no_price_list_is_refused(region: str, said: str) -> None:
    """Nothing but the name of a Region gets into an address."""
    with pytest.raises(CostError, match=said):
        partition_of(region)


def test_china_has_its_own_lists() -> None:
    """In its currency; GovCloud is in the common ones."""
    assert partition_of("cn-northwest-1").currency == "CNY"
    assert partition_of("us-gov-west-1").currency == "USD"
