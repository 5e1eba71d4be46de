"""Templates of a few resources."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from cost.estimate import Estimate, Line, estimate
from cost.stacks import Stacks
from tests.cost.offers import REGION, everything

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cost.prices.lists import PriceList

TODAY = dt.date(2026, 11, 28)
Resource = dict[str, Any]


def resource(kind: str, **properties: Any) -> Resource:
    """A resource, for example ``KMS::Key``."""
    return {"Type": f"AWS::{kind}", "Properties": properties}


def group(**properties: Any) -> Resource:
    """A replication group: Valkey 8.2, cache.r7g.large, without backups."""
    usual = {"Engine": "valkey", "EngineVersion": "8.2", "CacheNodeType": "cache.r7g.large"}
    return resource("ElastiCache::ReplicationGroup", **{**usual, **properties})


def estimated(
    resources: Mapping[str, Resource], lists: Mapping[str, PriceList] | None = None, today: dt.date = TODAY
) -> Estimate:
    """The estimate of a stack with some resources."""
    stacks = Stacks({"prod-cache": {"Resources": dict(resources)}}, REGION)
    return estimate(stacks, everything() if lists is None else lists, "USD", today)


def lines(kind: Resource, today: dt.date = TODAY, **others: Resource) -> dict[str, Line]:
    """The lines of one resource, by part."""
    found = estimated({"One": kind, **others}, today=today).lines
    return {line.item.part: line for line in found if line.item.resource == "One"}
