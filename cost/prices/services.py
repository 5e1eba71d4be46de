"""Which price lists are read, which of their rows are kept, and where they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cost.errors import CostError

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
# https://docs.amazonaws.cn/en_us/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
_CHINA = "cn-"
# Partitions that publish no list to the public: isolated Regions, and the European Sovereign Cloud.
_UNPUBLISHED = ("us-iso", "eu-iso", "eusc-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service whose price list is read.

    Args:
        code: Its code in the price lists.
        usage: The usage types that are kept, as a pattern that is searched for.
        families: Product families to ask `pricing:GetProducts` for. Default: all of the service.
        in_bulk: Whether the list of a Region is small enough to be read whole. Amazon EC2's has several hundred MB.
        anywhere: A product family whose rows belong to no Region. Only `pricing:GetProducts` has them. Default: none.
    """

    code: str
    usage: re.Pattern[str]
    families: tuple[str, ...] = ()
    in_bulk: bool = True
    anywhere: str | None = None


SERVICES = (
    Service(
        code="AmazonElastiCache",
        usage=re.compile(r"NodeUsage:|CachedData:|ElastiCacheProcessingUnits:|BackupUsage"),
    ),
    Service(
        code="AmazonRDS",
        usage=re.compile(r"(InstanceUsage|Multi-AZUsage):db\.|RDS:(Multi-AZ-)?GP[23]-Storage"),
        families=("Database Instance", "Database Storage"),
    ),
    Service(code="awskms", usage=re.compile(r"KMS-Keys$")),
    Service(code="AWSSecretsManager", usage=re.compile(r"AWSSecretsManager-Secrets$")),
    Service(
        code="AmazonCloudWatch",
        usage=re.compile(r"CW:\w*Alarm\w*Usage$|DashboardsUsageHour"),
        anywhere="Dashboard",
    ),
    Service(code="AmazonVPC", usage=re.compile(r"VpcEndpoint-Hours$|PublicIPv4:InUseAddress$")),
    Service(
        code="AmazonEC2",
        usage=re.compile(r"NatGateway-Hours$"),
        families=("NAT Gateway",),
        in_bulk=False,
    ),
)
"""The services of a stage whose prices have an exact key."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Where the price lists of a partition are.

    Args:
        host: Their host, which is reached by HTTPS only.
        name: The partition in their paths.
        currency: The currency of their prices.
    """

    host: str
    name: str
    currency: str


def partition_of(region: str) -> Partition:
    """The price lists for a Region.

    Raises:
        CostError: If it is not the name of a Region, or of one without public price lists.
    """
    if _REGION.fullmatch(region) is None:
        raise CostError(f"region {region!r}", "a Region is named like eu-west-1", "Name one: REGION=eu-west-1")
    if region.startswith(_UNPUBLISHED):
        raise CostError(
            f"region {region}", "AWS publishes no price list for its partition", "Ask AWS for the prices there"
        )
    if region.startswith(_CHINA):
        return Partition("pricing.cn-north-1.amazonaws.com.cn", "cn", "CNY")
    return Partition("pricing.us-east-1.amazonaws.com", "aws", "USD")
