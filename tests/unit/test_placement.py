"""Which subnets a cache is placed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import CacheNetwork, ConfigurationError, Topology
from elasticache_constructs.placement import Spread, choose_subnets, create_placement
from tests.conftest import FLAGS
from tests.unit.builders import GUIDE, memcached_cluster, replication_group

if TYPE_CHECKING:
    from tests.conftest import Bench

PAGE = f"{GUIDE}/SubnetGroups.html"
SPREAD = Spread("two=2", "two=1")


def _vpc(bench: Bench, **subnets: list[str]) -> ec2.IVpc:
    attributes: dict[str, Any] = {f"{kind}_subnet_ids": ids for kind, ids in subnets.items()}
    return ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=["eu-west-1a", "eu-west-1b"], **attributes
    )


def _one_zone(bench: Bench) -> ec2.SubnetSelection:
    return ec2.SubnetSelection(availability_zones=["eu-west-1a"], subnets=bench.vpc.isolated_subnets[:1])


def _subnet_ids(bench: Bench) -> list[str]:
    ids: list[str] = bench.only("ElastiCache::SubnetGroup")["Properties"]["SubnetIds"]
    return ids


def test_isolated_subnets_are_the_default(bench: Bench) -> None:
    """Where there are isolated subnets a cache is placed in them."""
    vpc = _vpc(bench, isolated=["i-a", "i-b"], private=["p-a", "p-b"], public=["w-a", "w-b"])
    create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD))

    assert ["i-a", "i-b"] == _subnet_ids(bench)


def test_private_subnets_are_next(bench: Bench) -> None:
    """Where there are no isolated subnets a cache is placed in the private ones."""
    vpc = _vpc(bench, private=["p-a", "p-b"], public=["w-a", "w-b"])
    create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD))

    assert ["p-a", "p-b"] == _subnet_ids(bench)


def test_selection_is_honoured(bench: Bench) -> None:
    """Subnets that are chosen are used in place of the default."""
    vpc = _vpc(bench, isolated=["i-a", "i-b"], private=["p-a", "p-b"])
    chosen = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=chosen, spread=SPREAD))

    assert ["p-a", "p-b"] == _subnet_ids(bench)


def test_zones_of_the_subnets_are_told(bench: Bench) -> None:
    """The zones are those of the subnets, each once."""
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack,
        "Other",
        vpc_id="vpc-2",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["i-a1", "i-b1", "i-a2", "i-b2"],
        isolated_subnet_names=["one", "two"],
    )
    placement = create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD))

    assert ("eu-west-1a", "eu-west-1b") == placement.zones


def test_subnet_group_has_no_physical_name(bench: Bench) -> None:
    """A named group could not be replaced while it is in use."""
    create_placement(bench.stack, choose_subnets(vpc=bench.vpc, vpc_subnets=None, spread=SPREAD))

    assert "CacheSubnetGroupName" not in bench.only("ElastiCache::SubnetGroup")["Properties"]


def test_one_zone_is_refused_for_a_spread_replication_group(bench: Bench) -> None:
    """Replicas need a second zone; the message says so in the words of a replication group."""
    with pytest.raises(ConfigurationError) as refusal:
        replication_group(bench, vpc_subnets=_one_zone(bench), topology=Topology(replicas_per_shard=2))

    expected = (
        "subnets in one zone (eu-west-1a) for replicas_per_shard=2: nodes in several zones need subnets in two zones "
        "at least. Choose subnets of a second zone, or have a single node: replicas_per_shard=0. "
        f"See {PAGE} (TOP-10)"
    )
    assert expected == str(refusal.value)


def test_one_zone_is_refused_for_a_spread_memcached_cluster(bench: Bench) -> None:
    """Several nodes need a second zone; the message says so in the words of a Memcached cluster."""
    with pytest.raises(ConfigurationError) as refusal:
        memcached_cluster(bench, vpc_subnets=_one_zone(bench), nodes=3)

    expected = (
        "subnets in one zone (eu-west-1a) for nodes=3: nodes in several zones need subnets in two zones at least. "
        f"Choose subnets of a second zone, or have a single node: nodes=1. See {PAGE} (TOP-10)"
    )
    assert expected == str(refusal.value)


def test_two_subnets_of_one_zone_are_one_zone(bench: Bench) -> None:
    """Zones are counted, not subnets."""
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=["eu-west-1a"], isolated_subnet_ids=["i-1"]
    )
    subnets = [
        *vpc.isolated_subnets,
        ec2.Subnet.from_subnet_attributes(bench.stack, "Twin", subnet_id="i-2", availability_zone="eu-west-1a"),
    ]

    with pytest.raises(ConfigurationError, match=r"^subnets in one zone \(eu-west-1a\) for two=2: "):
        create_placement(
            bench.stack, choose_subnets(vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets), spread=SPREAD)
        )


def test_single_node_is_fine_in_one_zone_as_replication_group(bench: Bench) -> None:
    """A group of one node needs one zone only."""
    replication_group(bench, vpc_subnets=_one_zone(bench), topology=Topology(replicas_per_shard=0))

    assert ["subnet-a"] == _subnet_ids(bench)


def test_single_node_is_fine_in_one_zone_as_memcached_cluster(bench: Bench) -> None:
    """A cluster of one node needs one zone only."""
    memcached_cluster(bench, vpc_subnets=_one_zone(bench), nodes=1)

    assert ["subnet-a"] == _subnet_ids(bench)


def test_public_subnets_are_refused(bench: Bench) -> None:
    """A subnet with a route to the internet is no place for a cache."""
    vpc = _vpc(bench, isolated=["i-a", "i-b"], public=["w-a", "w-b"])
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    with pytest.raises(ConfigurationError) as refusal:
        create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=public, spread=None))

    expected = (
        "vpc_subnets with public subnets: caches belong in subnets without a route to the internet. "
        f"Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED). See {PAGE} (NET-19)"
    )
    assert expected == str(refusal.value)


def test_public_subnets_are_no_default(bench: Bench) -> None:
    """A VPC with public subnets alone is refused, here by the CDK."""
    with pytest.raises(RuntimeError, match="There are no 'Private' subnet groups in this VPC"):
        create_placement(
            bench.stack, choose_subnets(vpc=_vpc(bench, public=["w-a", "w-b"]), vpc_subnets=None, spread=None)
        )


def _looked_up(subnet_group: str | None) -> tuple[cdk.Stack, ec2.IVpc, ec2.SubnetSelection]:
    environment = cdk.Environment(account="123456789012", region="eu-west-1")
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Lookup", env=environment)
    network = CacheNetwork.from_lookup(stack, "Vpc", vpc_id="vpc-1", cache_subnet_group=subnet_group)
    return stack, network.vpc, network.cache_subnets


@pytest.mark.parametrize("subnet_group", [None, "cache"])
def test_replication_group_waits_for_a_look_up(bench: Bench, subnet_group: str | None) -> None:
    """While the VPC is yet to be looked up nothing is refused."""
    stack, vpc, subnets = _looked_up(subnet_group)

    assert replication_group(bench, scope=stack, vpc=vpc, vpc_subnets=subnets)


@pytest.mark.parametrize(
    "subnet_group",
    [
        None,
        pytest.param(
            "cache",
        ),
    ],
)
def test_memcached_cluster_waits_for_a_look_up(bench: Bench, subnet_group: str | None) -> None:
    """While the VPC is yet to be looked up nothing is refused."""
    stack, vpc, subnets = _looked_up(subnet_group)

    memcached_cluster(bench, scope=stack, vpc=vpc, vpc_subnets=subnets)

    zones = bench.only("ElastiCache::CacheCluster", stack)["Properties"].get("PreferredAvailabilityZones")
    assert (None if subnet_group else ["dummy1a", "dummy1b"]) == zones


def test_subnets_without_zone_are_refused(bench: Bench) -> None:
    """A subnet imported by its id alone has no zone: the CDK refuses it, and says what to add."""
    subnet = ec2.Subnet.from_subnet_attributes(bench.stack, "Subnet", subnet_id="subnet-1", route_table_id="rtb-1")
    subnets = ec2.SubnetSelection(subnets=[subnet])

    with pytest.raises(
        RuntimeError, match=r"Add the availabilityZone when importing using Subnet\.fromSubnetAttributes\(\)$"
    ):
        create_placement(bench.stack, choose_subnets(vpc=bench.vpc, vpc_subnets=subnets, spread=None))


def _unknown_zones(bench: Bench, zones: list[str]) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=zones, isolated_subnet_ids=["i-a", "i-b"]
    )


def test_zone_may_be_a_token(bench: Bench) -> None:
    """A zone that is known at deployment only is not counted: it may stand for several."""
    vpc = _unknown_zones(bench, [cdk.CfnParameter(bench.stack, "Zone").value_as_string])
    placement = create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD))

    assert ["i-a", "i-b"] == _subnet_ids(bench)
    assert () == placement.zones


def test_zones_may_be_tokens(bench: Bench) -> None:
    """Two zones that are known at deployment only are two, and the nodes go round them."""
    zones = [cdk.Fn.select(number, cdk.Fn.get_azs()) for number in (0, 1)]
    memcached_cluster(bench, vpc=_unknown_zones(bench, zones))

    expected = [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]
    assert expected == bench.only("ElastiCache::CacheCluster")["Properties"]["PreferredAvailabilityZones"]


@pytest.mark.parametrize("nodes", [1, 3])
def test_memcached_nodes_have_no_zones_where_none_is_known(bench: Bench, nodes: int) -> None:
    """A token in place of the zones' names leaves the zones of nodes to the service."""
    memcached_cluster(
        bench, nodes=nodes, vpc=_unknown_zones(bench, [cdk.CfnParameter(bench.stack, "Z").value_as_string])
    )

    assert "PreferredAvailabilityZones" not in bench.only("ElastiCache::CacheCluster")["Properties"]


def test_all_zones_may_be_one_token(bench: Bench) -> None:
    """A list of zones that is known at deployment only is not counted."""
    create_placement(
        bench.stack, choose_subnets(vpc=_unknown_zones(bench, cdk.Fn.get_azs()), vpc_subnets=None, spread=SPREAD)
    )

    assert ["i-a", "i-b"] == _subnet_ids(bench)
