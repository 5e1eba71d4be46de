"""Where a cache's nodes go: a subnet group over the subnets chosen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs.errors import ConfigurationError, reported_together
from elasticache_constructs.kinds import Kind, check_kind
from elasticache_constructs.network_type import NetworkType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from elasticache_constructs.node_type import NodeType

_MOST_SUBNETS = 20
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SubnetGroups.html"
_LOCAL_ZONES_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Local_zones.html"

_VPC = Kind(of=ec2.IVpc, method="select_subnets", example="ec2.Vpc(...), or ec2.Vpc.from_lookup(...)", rule="NET-02")
_SUBNETS = Kind(
    of=ec2.SubnetSelection | None,
    example="ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)",
    rule="NET-01",
)


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


@dataclass(frozen=True, slots=True)
class ChosenSubnets:
    """Subnets that a cache may be in, and the zones that they span (none where they are not known yet)."""

    subnet_ids: list[str]
    zones: tuple[str, ...]
    _zone_of_each: tuple[str, ...] = ()

    def one_per_zone(self, most: int) -> list[str]:
        """The first subnet of each zone, of so many zones at most; where zones are not known, the first subnets."""
        first: dict[str, str] = {}
        for number, subnet_id in enumerate(self.subnet_ids):
            zone = self._zone_of_each[number] if self.zones else str(number)
            first.setdefault(zone, subnet_id)
        return list(first.values())[:most]


def choose_subnets(
    *,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    spread: Spread | None,
    network_type: NetworkType = NetworkType.IPV4,
    node_type: NodeType | None = None,
) -> ChosenSubnets:
    """Choose the subnets of a cache.

    Args:
        vpc: The VPC.

        vpc_subnets: Which of its subnets. Default: the isolated ones; where there are none, the private ones.

        spread: What needs two zones at least. ``None`` where one is enough.

        network_type: What the subnets must carry. Subnets that were imported are not judged.

        node_type: The size of the nodes, which not every zone has. Default: not judged.

    Raises:
        ConfigurationError: When a subnet is public or of another VPC, there are more than 20, all are in one zone and
            two are needed, some are in Local Zones and the others or the nodes cannot be, or they do not carry the
            network type.
    """
    with reported_together() as check:
        check(check_kind, "", "vpc", vpc, _VPC)
        check(check_kind, "", "vpc_subnets", vpc_subnets, _SUBNETS)
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
            rule="NET-19",
        )
    zones = tuple(dict.fromkeys(chosen.availability_zones))
    if len(zones) == 1 and (Token.is_unresolved(zones[0]) or Token.is_unresolved(list(zones))):
        # One token may stand for a whole list, Fn::GetAZs say.
        zones = ()
    with reported_together() as check:
        if not chosen.is_pending_lookup:
            check(_check_number, chosen.subnets)
        if vpc_subnets.subnets:
            check(_check_vpc, chosen.subnets, vpc)
        if network_type.needs_ipv6:
            check(_check_ipv6, chosen.subnets, network_type)
        check(_check_local_zones, zones, node_type)
        if spread is not None and not chosen.is_pending_lookup:
            check(_check_spread, zones, spread)
    return ChosenSubnets(chosen.subnet_ids, zones, tuple(chosen.availability_zones))


def create_placement(scope: Construct, chosen: ChosenSubnets) -> Placement:
    """Create the subnet group of a cache over the subnets chosen."""
    group = elasticache.CfnSubnetGroup(
        scope, "Subnets", description="Subnets of the cache", subnet_ids=chosen.subnet_ids
    )
    return Placement(group.ref, chosen.zones)


def _check_number(subnets: Sequence[ec2.ISubnet]) -> None:
    if not subnets:
        raise ConfigurationError(
            got="vpc_subnets without a subnet",
            allowed=f"a subnet group has 1 to {_MOST_SUBNETS} subnets",
            fix="Choose subnets that the VPC has: look at the zones, names and filters of vpc_subnets",
            page=_PAGE,
            rule="NET-01",
        )
    if len(subnets) > _MOST_SUBNETS:
        raise ConfigurationError(
            got=f"{len(subnets)} subnets",
            allowed=f"a subnet group has {_MOST_SUBNETS} at most",
            fix="Choose fewer with vpc_subnets, one in each zone say",
            page=_PAGE,
            rule="NET-01",
        )


def _check_vpc(subnets: Sequence[ec2.ISubnet], vpc: ec2.IVpc) -> None:
    of_cache = Stack.of(vpc).resolve(vpc.vpc_id)
    for subnet in _made_here(subnets):
        of_subnet = Stack.of(subnet).resolve(subnet.vpc_id)
        literal = isinstance(of_cache, str) and isinstance(of_subnet, str)
        named = _logical_id(of_cache), _logical_id(of_subnet)
        if (literal and of_cache != of_subnet) or (None not in named and named[0] != named[1]):
            raise ConfigurationError(
                got=f"vpc_subnets with {subnet.node.path}, a subnet of another VPC",
                allowed="all subnets of a cache are in the VPC that it is given",
                fix="Choose subnets of that VPC, or give the cache the other vpc",
                page=_PAGE,
                rule="NET-02",
            )


def _logical_id(resolved: Any) -> str | None:
    """The logical id that a reference to a VPC names; ``None`` for anything else."""
    match resolved:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case _:
            return None


def _check_ipv6(subnets: Sequence[ec2.ISubnet], network_type: NetworkType) -> None:
    alone = network_type == NetworkType.IPV6
    for subnet in _made_here(subnets):
        if subnet.ipv6_cidr_block is None or (subnet.ipv6_native is True) != alone:
            raise ConfigurationError(
                got=f"NetworkType {network_type.name} in {subnet.node.path}",
                allowed="it needs subnets with IPv6 addresses and no others"
                if alone
                else "it needs subnets with both IPv4 and IPv6 addresses",
                fix="Choose subnets with ipv6_native=True, or use NetworkType.dual_stack()"
                if alone
                else "Make the VPC with ip_protocol=ec2.IpProtocol.DUAL_STACK, or use NetworkType.IPV4",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/network-type.html",
                rule="NET-15",
            )


def _check_local_zones(zones: Sequence[str], node_type: NodeType | None) -> None:
    # us-west-2-lax-1a, where a zone of the region itself is us-west-2a.
    local = [zone for zone in zones if re.fullmatch(r"[a-z-]+-\d+-.+", zone)]
    if local and len(local) < len(zones):
        others = [zone for zone in zones if zone not in local]
        raise ConfigurationError(
            got=f"subnets in {local[0]} and {others[0]}",
            allowed="a subnet group has subnets in Local Zones or in zones of the region, not in both",
            fix="Choose subnets of one kind with vpc_subnets",
            page=_LOCAL_ZONES_PAGE,
            rule="NET-06",
        )
    if local and node_type is not None and node_type.family is not None and not node_type.family.local_zones:
        raise ConfigurationError(
            got=f"NodeType({node_type.name!r}) in {local[0]}",
            allowed="Local Zones do not offer it",
            fix="Use cache.m5.large or cache.r5.large, say, or subnets in zones of the region",
            page=_LOCAL_ZONES_PAGE,
            rule="LOC-02",
        )


def _check_spread(zones: Sequence[str], spread: Spread) -> None:
    if len(zones) == 1:
        raise ConfigurationError(
            got=f"subnets in one zone ({zones[0]}) for {spread.because}",
            allowed="nodes in several zones need subnets in two zones at least",
            fix=f"Choose subnets of a second zone, or have a single node: {spread.single}",
            page=_PAGE,
            rule="TOP-10",
        )


def _made_here(subnets: Sequence[ec2.ISubnet]) -> list[ec2.CfnSubnet]:
    resources = [subnet.node.default_child for subnet in subnets]
    return [resource for resource in resources if isinstance(resource, ec2.CfnSubnet)]
