"""Where a cache's nodes go: a subnet group over the subnets chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.errors import ConfigurationError

if TYPE_CHECKING:
    from constructs import Construct

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SubnetGroups.html"


@dataclass(frozen=True, slots=True)
class Placement:
    """A subnet group by name, and the zones that it spans (none where they are not known yet)."""

    subnet_group_name: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """What asks for several zones, and what would not: two arguments of a cache, for the message."""

    because: str
    single: str


def create_placement(
    scope: Construct, *, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, spread: Spread | None
) -> Placement:
    """Create the subnet group of a cache.

    Args:
        scope: The cache.

        vpc: The VPC.

        vpc_subnets: Which of its subnets. Default: the isolated ones; where there are none, the private ones.

        spread: What needs two zones at least. ``None`` where one is enough.

    Raises:
        ConfigurationError: When a subnet is public, or all are in one zone and two are needed.
    """
    if vpc_subnets is None:
        vpc_subnets = ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PRIVATE_ISOLATED if vpc.isolated_subnets else ec2.SubnetType.PRIVATE_WITH_EGRESS
        )
    chosen = vpc.select_subnets(
        availability_zones=vpc_subnets.availability_zones,
        one_per_az=vpc_subnets.one_per_az,
        subnet_filters=vpc_subnets.subnet_filters,
        subnet_group_name=vpc_subnets.subnet_group_name,
        subnets=vpc_subnets.subnets,
        subnet_type=vpc_subnets.subnet_type,
    )
    if chosen.has_public:
        raise ConfigurationError(
            got="vpc_subnets with public subnets",
            allowed="caches belong in subnets without a route to the internet",
            fix="Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)",
            page=_PAGE,
        )
    zones = tuple(dict.fromkeys(chosen.availability_zones))
    if len(zones) == 1 and (Token.is_unresolved(zones[0]) or Token.is_unresolved(list(zones))):
        # One token may stand for a whole list, Fn::GetAZs say.
        zones = ()
    if spread is not None and len(zones) == 1 and not chosen.is_pending_lookup:
        raise ConfigurationError(
            got=f"subnets in one zone ({zones[0]}) for {spread.because}",
            allowed="nodes in several zones need subnets in two zones at least",
            fix=f"Choose subnets of a second zone, or have a single node: {spread.single}",
            page=_PAGE,
        )
    group = elasticache.CfnSubnetGroup(
        scope, "Subnets", description="Subnets of the cache", subnet_ids=chosen.subnet_ids
    )
    return Placement(group.ref, zones)
