"""Small price lists of the documented form, with the rows in them that other tools fall for. The prices are made up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from cost.prices.lists import PriceList, from_bulk
from cost.prices.services import SERVICES, Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = "20260914063714"
REGION = "eu-west-1"
PREFIXES = {"eu-west-1": "EU-", "us-east-1": ""}
# Some types have their prefix in us-east-1 as well.
ALWAYS_PREFIXED = {"eu-west-1": "EU-", "us-east-1": "USE1-"}
NODE_TYPE = "cache.r7g.large"
RATES = {"Redis": "0.2430", "Memcached": "0.2430", "Valkey": "0.1944"}
OPERATIONS = {
    "Redis": "CreateCacheCluster:0002",
    "Memcached": "CreateCacheCluster:0001",
    "Valkey": "CreateCacheCluster:Valkey",
}
DISCLAIMER = "This pricing list is for informational purposes only."


@dataclass
class Offer:
    """A price list file as it grows."""

    service: str
    region: str = REGION
    version: str = VERSION
    products: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(
        self, usage: str, price: str, unit: str = "Hrs", family: str = "", prefix: str | None = None, **attributes: str
    ) -> str:
        """Add a product with its on-demand price, and a reserved one that is lower."""
        sku = f"SKU{next(self._numbers):04}"
        begin = ALWAYS_PREFIXED[self.region] if prefix is None else prefix
        self.products[sku] = {
            "sku": sku,
            "productFamily": family,
            "attributes": {
                "servicecode": self.service,
                "location": "EU (Ireland)",
                "locationType": "AWS Region",
                "regionCode": self.region,
                "usagetype": f"{begin}{usage}",
                "servicename": self.service,
                **attributes,
            },
        }
        self.terms[sku] = {f"{sku}.JRTCKXETXF": term(sku, [("0", "Inf", price)], unit)}
        return sku

    def document(self) -> dict[str, Any]:
        """The file."""
        reserved = {
            sku: {
                f"{sku}.BPH4J8HBKS": {
                    **term(sku, [("0", "Inf", "0.0100")]),
                    "termAttributes": {"LeaseContractLength": "3yr"},
                }
            }
            for sku in self.products
        }
        return {
            "formatVersion": "v1.0",
            "disclaimer": DISCLAIMER,
            "offerCode": self.service,
            "version": self.version,
            "publicationDate": "2026-09-14T06:37:14Z",
            "products": self.products,
            "terms": {"OnDemand": self.terms, "Reserved": reserved},
        }

    def content(self) -> bytes:
        """The file's bytes."""
        return json.dumps(self.document()).encode()

    def items(self) -> list[str]:
        """The same products as `pricing:GetProducts` answers them."""
        whole = self.document()
        return [
            json.dumps(
                {
                    "product": product,
                    "serviceCode": self.service,
                    "terms": {kind: terms.get(sku, {}) for kind, terms in whole["terms"].items()},
                    "version": self.version,
                    "publicationDate": whole["publicationDate"],
                }
            )
            for sku, product in self.products.items()
        ]

    def kept(self) -> PriceList:
        """The list that is read from the file."""
        return from_bulk(self.content(), service(self.service), self.region, self.version)


def term(sku: str, tiers: list[tuple[str, str, str]], unit: str = "Hrs") -> dict[str, Any]:
    """An on-demand term."""
    return {
        "offerTermCode": "JRTCKXETXF",
        "sku": sku,
        "effectiveDate": "2026-09-01T00:00:00Z",
        "priceDimensions": {
            f"{sku}.JRTCKXETXF.{number}": {
                "rateCode": f"{sku}.JRTCKXETXF.{number}",
                "description": "per unit",
                "beginRange": begin,
                "endRange": end,
                "unit": unit,
                "pricePerUnit": {"USD": price},
                "appliesTo": [],
            }
            for number, (begin, end, price) in enumerate(tiers)
        },
        "termAttributes": {},
    }


def service(code: str) -> Service:
    """The service of a code."""
    return next(each for each in SERVICES if each.code == code)


def elasticache(region: str = REGION, node_types: tuple[str, ...] = (NODE_TYPE, "cache.t4g.small")) -> Offer:
    """ElastiCache: nodes with every row that a node type has next to its price, serverless, backups."""
    offer = Offer("AmazonElastiCache", region)
    for node_type in node_types:
        _nodes(offer, node_type)
    for engine, (stored, units) in {
        "Valkey": ("0.0900", "0.0000000025"),
        "Redis": ("0.1300", "0.0000000034"),
        "Memcached": ("0.1300", "0.0000000034"),
    }.items():
        shared = {"family": "ElastiCache Serverless", "cacheEngine": engine}
        offer.add(f"CachedData:{engine}", stored, "GB-Hours", operation="CreateServerlessCache", **shared)
        offer.add(
            f"ElastiCacheProcessingUnits:{engine}", units, "ElastiCacheProcessingUnits",
            operation="CreateServerlessCache", **shared,
        )  # fmt: skip
        offer.add(f"BackupUsage:{engine}", "0.0850", "GB-Mo", operation="CreateServerlessCacheSnapshot", **shared)
    offer.add("BackupUsage", "0.0850", "GB-Mo", "Storage Snapshot", PREFIXES[region])
    return offer


def _nodes(offer: Offer, node_type: str) -> None:
    prefix = PREFIXES[offer.region]
    shared = {"family": "Cache Instance", "instanceType": node_type}
    # Rows that come first and last, since the peers take one of those.
    for engine, surcharge, price in (
        ("Redis", "ExtendedSupportYr3-", "0.3888"),
        ("Valkey", "SyncDurability-", "0.0350"),
        ("Redis", "ExtendedSupportYr1_Yr2-", "0.1944"),
    ):
        offer.add(
            f"{surcharge}NodeUsage:{node_type}", price, cacheEngine=engine, operation=OPERATIONS[engine], **shared
        )
    for engine, rate in RATES.items():
        offer.add(
            f"NodeUsage:{node_type}", rate, prefix=prefix, cacheEngine=engine, operation=OPERATIONS[engine], **shared
        )
    offer.add(
        f"Outpost-NodeUsage:{node_type}", "0.3100", cacheEngine="Redis", operation=OPERATIONS["Redis"],
        locationType="AWS Outposts", **shared,
    )  # fmt: skip
    offer.add(
        f"NodeUsage:{node_type}", "0.2900", prefix="USW2-", cacheEngine="Redis", operation=OPERATIONS["Redis"],
        locationType="AWS Local Zone", **shared,
    )  # fmt: skip
    offer.add(
        f"SyncDurability-NodeUsage:{node_type}", "0.3600", prefix="MUC1-", cacheEngine="Valkey",
        operation=OPERATIONS["Valkey"], locationType="AWS Local Zone", **shared,
    )  # fmt: skip


def rds(region: str = REGION) -> Offer:
    """RDS: one class in both deployments, and its storage for an engine and for any."""
    offer = Offer("AmazonRDS", region)
    prefix = PREFIXES[region]
    for engine in ("PostgreSQL", "MySQL", "Oracle"):
        for kind in ("db.m7g.large", "db.t4g.micro"):
            shared = {
                "family": "Database Instance",
                "instanceType": kind,
                "databaseEngine": engine,
                "licenseModel": "No license required",
            }
            offer.add(f"InstanceUsage:{kind}", "0.1850", prefix=prefix, deploymentOption="Single-AZ", **shared)
            offer.add(f"Multi-AZUsage:{kind}", "0.3700", prefix=prefix, deploymentOption="Multi-AZ", **shared)
            offer.add(
                f"Multi-AZClusterUsage:{kind}", "0.5550", prefix=prefix,
                deploymentOption="Multi-AZ (readable standbys)", **shared,
            )  # fmt: skip
    storage = {"family": "Database Storage", "volumeType": "General Purpose-GP3"}
    for engine in ("Any", "PostgreSQL"):
        offer.add(
            "RDS:GP3-Storage", "0.1270", "GB-Mo", prefix=prefix,
            deploymentOption="Single-AZ", databaseEngine=engine, **storage,
        )  # fmt: skip
    offer.add(
        "RDS:Multi-AZ-GP3-Storage", "0.2540", "GB-Mo", prefix=prefix,
        deploymentOption="Multi-AZ", databaseEngine="Any", **storage,
    )  # fmt: skip
    return offer


def others(region: str = REGION) -> list[Offer]:
    """Keys, secrets, alarms and endpoints."""
    kms = Offer("awskms", region)
    kms.add("KMS-Keys", "1.0000", "months", "Encryption Key", f"{region}-")
    kms.add("KMS-Requests", "0.000003", "Requests", "Encryption Key", f"{region}-")
    secrets = Offer("AWSSecretsManager", region)
    secrets.add("AWSSecretsManager-Secrets", "0.4000", "Secrets", "Secret")
    secrets.add("AWSSecretsManagerAPIRequest", "0.000005", "API Requests", "API Request")
    watch = Offer("AmazonCloudWatch", region)
    for usage, price in (
        ("AlarmMonitorUsage", "0.1000"),
        ("HighResAlarmMonitorUsage", "0.3000"),
        ("CompositeAlarmMonitorUsage", "0.5000"),
        ("MetricInsightAlarmUsage", "0.1100"),
        ("PromQLAlarmMonitorUsage", "0.1200"),
    ):
        watch.add(f"CW:{usage}", price, "Alarms", "Alarm", PREFIXES[region])
    watch.add("CW:MetricMonitorUsage", "0.3000", "Metrics", "Metric", PREFIXES[region])
    for usage in ("DashboardsUsageHour", "DashboardsUsageHour-Basic"):
        watch.add(usage, "3.0000", "Dashboards", "Dashboard", "", location="Any", regionCode="")
    vpc = Offer("AmazonVPC", region)
    vpc.add("VpcEndpoint-Hours", "0.0110", family="VpcEndpoint")
    vpc.add("VpcEndpoint-Resource-Hours", "0.0200", family="VpcEndpoint")
    vpc.add("PublicIPv4:InUseAddress", "0.0050")
    vpc.add("PublicIPv4:IdleAddress", "0.0060")
    ec2 = Offer("AmazonEC2", region)
    ec2.add("NatGateway-Hours", "0.0480", family="NAT Gateway", prefix=PREFIXES[region])
    ec2.add("RegionalNatGateway-Hours", "0.0500", family="NAT Gateway", prefix=PREFIXES[region])
    return [kms, secrets, watch, vpc, ec2]


@cache
def everything(region: str = REGION) -> Mapping[str, PriceList]:
    """All lists, as `make prices` keeps them."""
    return {each.service: each.kept() for each in (elasticache(region), rds(region), *others(region))}
