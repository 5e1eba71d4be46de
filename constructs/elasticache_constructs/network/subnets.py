"""The subnet group of a cache, over the chosen subnets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Reference, Stack, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from jsii.errors import JavaScriptError

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_region, check_zones, place_of, place_of_resource, stack_of
from elasticache_constructs.checks.tokens import asked_once, is_known, is_unresolved
from elasticache_constructs.values.network_type import NetworkType
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct, IConstruct

    from elasticache_constructs.values.node_type import NodeType

_MOST_SUBNETS = facts.limit("subnets_per_group").maximum

_VPC = Kind(of=ec2.IVpc, method="select_subnets", example="ec2.Vpc(...), or ec2.Vpc.from_lookup(...)", rule="NET-02")
_SUBNETS = Kind(
    of=ec2.SubnetSelection | None,
    example="ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)",
    rule="NET-01",
)


@dataclass(frozen=True, slots=True)
class Placement:
    """A subnet group by name, and its Availability Zones (empty if they are not known at synth)."""

    subnet_group_name: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """What asks for several zones, and what would not: two arguments of a cache, for the message."""

    because: str
    single: str | None
    """None where a single node needs as many."""
    rule: str = "TOP-10"
    """The id of the rule that asks for them."""


@dataclass(frozen=True, slots=True)
class ChosenSubnets:
    """Subnets for a cache, and their Availability Zones (empty if they are not known at synth)."""

    subnet_ids: list[str]
    zones: tuple[str, ...]
    _zones_by_subnet: tuple[str, ...] = ()

    def one_per_zone(self, most: int) -> list[str]:
        """The first subnet of each zone, for at most that many zones; the first subnets if zones are not known."""
        first: dict[str, str] = {}
        for number, subnet_id in enumerate(self.subnet_ids):
            zone = self._zones_by_subnet[number] if self.zones else str(number)
            first.setdefault(zone, subnet_id)
        return list(first.values())[:most]


def choose_subnets(
    *,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    spread: Spread | None,
    network_type: NetworkType = NetworkType.IPV4,
    node_type: NodeType | None = None,
    scaling: str | None = None,
    durability: str | None = None,
    placed: Sequence[str] = (),
    of: IConstruct | None = None,
) -> ChosenSubnets:
    """Choose the subnets of a cache or another resource with a subnet group.

    Args:
        vpc: The VPC.
        vpc_subnets: Which of its subnets. Default: the isolated ones, or the private ones if there are none.
        spread: Why at least two zones are needed. ``None`` if one is enough.
        network_type: The IP versions that the subnets must have. Imported subnets are not judged.
        node_type: The size of the nodes, which not every zone offers. Default: not judged.
        scaling: The argument that scales the nodes automatically, for the message. Default: their number is fixed.
        durability: The argument that makes writes durable, for the message. Default: they are not.
        placed: The Availability Zones that nodes are placed in. Default: the service chooses them.
        of: The construct that the subnets are for; they must be in its region. Default: the VPC itself.

    Raises:
        ConfigurationError: If the VPC is for dedicated hosts or of another region; when a subnet is not there, public
            or of another VPC, there are more than 20, one is there twice, all are in one zone and two are needed, some
            are in Local Zones and the others or the nodes cannot be, or they do not carry the network type.
    """
    with reported_together() as check:
        check(check_kind, "", "vpc", vpc, _VPC)
        check(check_kind, "", "vpc_subnets", vpc_subnets, _SUBNETS)
    with reported_together() as check:
        check(check_vpc, vpc, of=vpc if of is None else of)
        check(_check_tenancy, vpc)
    if vpc_subnets is None:
        vpc_subnets = ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PRIVATE_ISOLATED if _has_isolated(vpc) else ec2.SubnetType.PRIVATE_WITH_EGRESS
        )
    chosen = select(vpc, vpc_subnets)
    if chosen.has_public:
        raise ConfigurationError(
            got="vpc_subnets with public subnets",
            allowed="caches belong in subnets without a route to the internet",
            fix="Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)",
            rule="NET-19",
        )
    # A list that is known at deployment only is one subnet here, and any number of them there.
    subnet_ids, are_listed = list(chosen.subnet_ids), not is_unresolved(list(chosen.subnet_ids))
    stack = stack_of(vpc)
    zones_by_subnet = tuple(_zones(chosen.availability_zones))
    known = tuple(dict.fromkeys(zone for zone in zones_by_subnet if zone is not None))
    zones = known if are_listed and None not in zones_by_subnet else ()
    if len(zones) == 1 and is_unresolved(zones[0]):
        zones = ()
    with reported_together() as check:
        if not chosen.is_pending_lookup:
            check(_check_number, chosen.subnets)
        if are_listed:
            check(_check_once, [_resolved_text(stack, subnet_id) for subnet_id in subnet_ids])
        if vpc_subnets.subnets:
            check(_check_vpc, chosen.subnets, vpc)
        if network_type.needs_ipv6:
            check(_check_ipv6, chosen.subnets, network_type)
        check(check_zones, known, region=place_of(of or vpc).region, argument="availability_zones")
        check(_check_local_zones, known, node_type, scaling, durability)
        check(_check_placement, zones, placed)
        if spread is not None and are_listed and not chosen.is_pending_lookup:
            resolved = [zone if zone is None else _resolved_text(stack, zone) for zone in zones_by_subnet]
            check(_check_spread, resolved, spread)
    return ChosenSubnets(subnet_ids, zones, tuple(zone or "" for zone in zones_by_subnet))


def select(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection) -> ec2.SelectedSubnets:
    """The subnets that a selection finds in a VPC.

    Raises:
        ConfigurationError: If the VPC has no such subnets.
    """
    # Caches and functions mostly select the same ones, by their kind.
    by_kind = (vpc_subnets.subnet_type, vpc_subnets.subnet_group_name, vpc_subnets.one_per_az)
    has_more = vpc_subnets.availability_zones or vpc_subnets.subnet_filters or vpc_subnets.subnets
    found = None if has_more else _selected(vpc).get(by_kind)
    if found is None:
        found = _select(vpc, vpc_subnets)
        if not has_more:
            _selected(vpc)[by_kind] = found
    return found


@asked_once
def _selected(_vpc: ec2.IVpc) -> dict[tuple[object, ...], ec2.SelectedSubnets]:
    """What has been selected from a VPC by kind, name and zone alone."""
    return {}


def _select(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection) -> ec2.SelectedSubnets:
    try:
        return vpc.select_subnets(
            availability_zones=vpc_subnets.availability_zones,
            one_per_az=vpc_subnets.one_per_az,
            subnet_filters=vpc_subnets.subnet_filters,
            subnet_group_name=vpc_subnets.subnet_group_name,
            subnets=vpc_subnets.subnets,
            subnet_type=vpc_subnets.subnet_type,
        )
    except RuntimeError as error:
        if not isinstance(error.__cause__, JavaScriptError):
            raise
        raise _nothing_selected(vpc, vpc_subnets, str(error)) from None


def _nothing_selected(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection, reason: str) -> ConfigurationError:
    if vpc_subnets.subnets:
        return ConfigurationError(
            got="vpc_subnets with a subnet without its zone",
            allowed="a subnet is imported with the zone that it is in",
            fix="Import it with ec2.Subnet.from_subnet_attributes(subnet_id=..., availability_zone=...)",
            rule="NET-01",
        )
    kind, name = vpc_subnets.subnet_type, vpc_subnets.subnet_group_name
    if kind is not None and name is not None:
        return ConfigurationError(
            got=f"vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.{kind}, subnet_group_name={name!r})",
            allowed="subnets are selected by their type or by the name of their group",
            fix="Leave subnet_type out",
            rule="NET-01",
        )
    if kind is None and name is None:
        # Whatever else the CDK does not take, it says itself.
        return ConfigurationError(
            got="vpc_subnets",
            allowed=" ".join(reason.split(": ", 1)[-1].rstrip(".").split()),
            fix=_selection_that_finds(vpc),
            rule="NET-01",
        )
    written = f"subnet_type=ec2.{kind}" if name is None else f"subnet_group_name={name!r}"
    return ConfigurationError(
        got=f"vpc_subnets=ec2.SubnetSelection({written}) in a VPC that has {_groups_in_words(vpc)}",
        allowed="a selection finds subnets that the VPC has",
        fix=_selection_that_finds(vpc),
        rule="NET-01",
    )


def check_vpc(vpc: ec2.IVpc, *, of: IConstruct) -> None:
    """Refuse a VPC of another region than the construct that is placed in it.

    Raises:
        ConfigurationError: If both regions are known and differ.
    """
    check_region(
        "vpc", place_of_resource(vpc).region, of, allowed="what is in a VPC is of the VPC's own region", rule="NET-02"
    )


def check_placed(call: str, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, *, of: IConstruct) -> ChosenSubnets:
    """No subnets, for a cache that exists: it stays in those that it has.

    Raises:
        ConfigurationError: If subnets are chosen, or the VPC is of another region.
    """
    with reported_together() as check:
        check(check_kind, "", "vpc", vpc, _VPC)
        if vpc_subnets is not None:
            check(_refuse_subnets, call)
    check_vpc(vpc, of=of)
    return ChosenSubnets([], ())


def _refuse_subnets(call: str) -> None:
    raise ConfigurationError(
        got=f"{call}(existing=..., vpc_subnets=...)",
        allowed="a cache that exists stays in the subnets that it has",
        fix="Leave vpc_subnets out",
        rule="NET-01",
    )


def _check_tenancy(vpc: ec2.IVpc) -> None:
    resource = _l1_vpc(vpc)
    # Read each time: an app may still change it.
    if resource is not None and resource.instance_tenancy == "dedicated":
        raise ConfigurationError(
            got=f"{vpc.node.path} with default_instance_tenancy=ec2.DefaultInstanceTenancy.DEDICATED",
            allowed="ElastiCache does not run in VPCs whose tenancy is dedicated",
            fix="Leave default_instance_tenancy out, or use another vpc",
            page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VPCs.EC.html",
        )


def _resolved_text(stack: Stack, value: str) -> str:
    """What a value resolves to, as JSON: two tokens for one subnet give the same text."""
    return json.dumps(stack.resolve(value) if is_unresolved(value) else value)


@asked_once
def _has_isolated(vpc: ec2.IVpc) -> bool:
    return bool(vpc.isolated_subnets)


@asked_once
def _l1_vpc(vpc: ec2.IVpc) -> ec2.CfnVPC | None:
    """The L1 construct of a VPC of this app; None for an imported one."""
    resource = vpc.node.default_child
    return resource if isinstance(resource, ec2.CfnVPC) else None


def _zones(zones: Sequence[str]) -> list[str | None]:
    """The zone of each subnet; None if the list is known at deployment only."""
    return [None if is_unresolved([zone]) else zone for zone in zones]


def _groups_in_words(vpc: ec2.IVpc) -> str:
    kinds = {"isolated": vpc.isolated_subnets, "private": vpc.private_subnets, "public": vpc.public_subnets}
    return ", ".join(f"{len(subnets)} {kind}" for kind, subnets in kinds.items() if subnets) + " subnets"


def _selection_that_finds(vpc: ec2.IVpc) -> str:
    written = "Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.{})"
    if vpc.isolated_subnets:
        return written.format("PRIVATE_ISOLATED")
    if vpc.private_subnets:
        return written.format("PRIVATE_WITH_EGRESS")
    return "Use a VPC with private or isolated subnets"


def create_placement(scope: Construct, chosen: ChosenSubnets) -> Placement:
    """Create the subnet group of a cache over the chosen subnets."""
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
            rule="NET-01",
        )
    if len(subnets) > _MOST_SUBNETS:
        raise ConfigurationError(
            got=f"{len(subnets)} subnets",
            allowed=f"a subnet group has {_MOST_SUBNETS} at most",
            fix="Choose fewer with vpc_subnets, one in each zone say",
            rule="NET-01",
        )


def _check_once(subnets: Sequence[str]) -> None:
    twice = next((each for number, each in enumerate(subnets) if each in subnets[:number]), None)
    if twice is not None:
        named = json.loads(twice)
        raise ConfigurationError(
            got=f"the subnet {named} twice" if isinstance(named, str) else "a subnet twice",
            allowed="each subnet is named once",
            fix="Leave the second one out, or name the subnet that was meant",
            rule="NET-01",
        )


def _check_vpc(subnets: Sequence[ec2.ISubnet], vpc: ec2.IVpc) -> None:
    for subnet in _made_here(subnets):
        if are_different(vpc.vpc_id, subnet.vpc_id):
            raise ConfigurationError(
                got=f"vpc_subnets with {subnet.node.path}, a subnet of another VPC",
                allowed="all subnets of a cache are in the VPC that it is given",
                fix="Choose subnets of that VPC, or give the cache the other vpc",
                rule="NET-02",
            )


def are_different(one: str, other: str) -> bool:
    """Whether two VPC ids are known to differ: two literals, or two VPCs of the app."""
    if one == other:
        return False
    if is_known(one) and is_known(other):
        return True
    made = _made_vpc(one), _made_vpc(other)
    return None not in made and made[0] != made[1]


def _made_vpc(vpc_id: str) -> str | None:
    """The path of the VPC that an id refers to; ``None`` for anything else, for example a parameter."""
    token = None if is_known(vpc_id) else Tokenization.reverse_string(vpc_id).first_token
    target = token.target if isinstance(token, Reference) else None
    return target.node.path if isinstance(target, ec2.CfnVPC) else None


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
                rule="NET-15",
            )


def _check_local_zones(
    zones: Sequence[str], node_type: NodeType | None, scaling: str | None, durability: str | None
) -> None:
    # us-west-2-lax-1a, where a zone of the region itself is us-west-2a.
    local = [zone for zone in zones if re.fullmatch(r"[a-z-]+-\d+-.+", zone)]
    if local and len(local) < len(zones):
        others = [zone for zone in zones if zone not in local]
        raise ConfigurationError(
            got=f"subnets in {local[0]} and {others[0]}",
            allowed="a subnet group has subnets in Local Zones or in zones of the region, not in both",
            fix="Choose subnets of one kind with vpc_subnets",
            rule="NET-06",
        )
    if local and node_type is not None and node_type.family is not None and not node_type.family.local_zones:
        raise ConfigurationError(
            got=f"NodeType({node_type.name!r}) in {local[0]}",
            allowed="Local Zones do not offer it",
            fix="Use cache.m5.large or cache.r5.large, or subnets in zones of the region",
            rule="LOC-02",
        )
    if local and scaling is not None:
        raise ConfigurationError(
            got=f"{scaling} in {local[0]}",
            allowed="caches in Local Zones are not scaled automatically",
            fix="Leave the scaling out, or choose subnets in zones of the region",
            rule="ASC-05",
        )
    if local and durability is not None:
        raise ConfigurationError(
            got=f"{durability} in {local[0]}",
            allowed="caches in Local Zones have no durability",
            fix="Leave the durability out, or choose subnets in zones of the region",
            rule="DUR-03",
        )


def _check_placement(zones: Sequence[str], placed: Sequence[str]) -> None:
    strangers = [zone for zone in placed if is_known(zone) and all(map(is_known, zones)) and zone not in zones]
    if zones and strangers:
        raise ConfigurationError(
            got=f"Topology(placement=...) in {', '.join(strangers)}",
            allowed=f"the nodes are in zones that the cache has subnets in: {', '.join(zones)}",
            fix=f"Choose subnets in {strangers[0]}, or place the nodes elsewhere",
            rule="NET-18",
        )


def _check_spread(zones: Sequence[str | None], spread: Spread) -> None:
    """Refuse a single subnet, and subnets that are known to be in one zone."""
    if len(zones) > 1 and (None in zones or len(set(zones)) > 1):
        return
    if zones:
        zone = None if zones[0] is None else json.loads(zones[0])
        where = f" ({zone})" if isinstance(zone, str) else ""
        raise ConfigurationError(
            got=f"subnets in one Availability Zone{where} for {spread.because}",
            allowed="nodes in several Availability Zones need subnets in at least two of them",
            fix="Choose subnets of a second zone"
            + (f", or have a single node: {spread.single}" if spread.single else ""),
            rule=spread.rule,
        )


def _made_here(subnets: Sequence[ec2.ISubnet]) -> list[ec2.CfnSubnet]:
    resources = [subnet.node.default_child for subnet in subnets]
    return [resource for resource in resources if isinstance(resource, ec2.CfnSubnet)]
