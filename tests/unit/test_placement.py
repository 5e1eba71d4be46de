"""Which subnets a cache is placed in."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    CacheNetwork,
    ConfigurationError,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
)
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.network.subnets import Spread, choose_subnets, create_placement
from tests.conftest import FLAGS, Bench
from tests.unit.builders import NO_ALARMS, memcached_cluster, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """The Availability Zones are those of the subnets, each once."""
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
        "subnets in one Availability Zone (eu-west-1a) for replicas_per_shard=2: nodes in several Availability Zones "
        "need subnets in at least two "
        "of them. Choose subnets of a second zone, or have a single node: replicas_per_shard=0. "
        f"{reference('TOP-10')}"
    )
    assert expected == str(refusal.value)


def test_one_zone_is_refused_for_a_spread_memcached_cluster(bench: Bench) -> None:
    """Several nodes need a second zone; the message says so in the words of a Memcached cluster."""
    with pytest.raises(ConfigurationError) as refusal:
        memcached_cluster(bench, vpc_subnets=_one_zone(bench), nodes=3)

    expected = (
        "subnets in one Availability Zone (eu-west-1a) for nodes=3: nodes in several Availability Zones need subnets "
        "in at least two of them. "
        f"Choose subnets of a second zone, or have a single node: nodes=1. {reference('TOP-10')}"
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

    with pytest.raises(ConfigurationError, match=r"^subnets in one Availability Zone \(eu-west-1a\) for two=2: "):
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
        f"Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED). {reference('NET-19')}"
    )
    assert expected == str(refusal.value)


def test_public_subnets_are_no_default(bench: Bench) -> None:
    """A VPC with public subnets alone is refused, in this package's words."""
    with pytest.raises(ConfigurationError) as refusal:
        choose_subnets(vpc=_vpc(bench, public=["w-a", "w-b"]), vpc_subnets=None, spread=None)

    assert "a VPC that has 2 public subnets" in refusal.value.got
    assert "Use a VPC with private or isolated subnets" == refusal.value.fix


def _looked_up(
    subnet_group: str | None, kinds: tuple[str, ...] | None = None
) -> tuple[cdk.Stack, ec2.IVpc, ec2.SubnetSelection]:
    """A VPC that is to be looked up; or was, and has subnets of these kinds in two zones."""
    environment = cdk.Environment(account="123456789012", region="eu-west-1")
    key = "vpc-provider:account=123456789012:filter.vpc-id=vpc-1:region=eu-west-1:returnAsymmetricSubnets=true"
    groups = [
        {
            "name": kind,
            "type": kind,
            "subnets": [
                {"subnetId": f"s-{kind}-{zone}", "availabilityZone": f"eu-west-1{zone}", "routeTableId": f"r-{kind}"}
                for zone in "ab"
            ],
        }
        for kind in kinds or ()
    ]
    found = {key: {"vpcId": "vpc-1", "availabilityZones": [], "subnetGroups": groups}} if kinds else {}
    context = {**FLAGS, **found}
    app = cdk.App(context=context, analytics_reporting=False, builtin_cloud_formation_validation=False)
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
    """A subnet imported by its id alone has no zone, and the message says what to add."""
    subnet = ec2.Subnet.from_subnet_attributes(bench.stack, "Subnet", subnet_id="subnet-1", route_table_id="rtb-1")
    subnets = ec2.SubnetSelection(subnets=[subnet])

    with pytest.raises(
        ConfigurationError, match=r"from_subnet_attributes\(subnet_id=\.\.\., availability_zone=\.\.\.\)"
    ):
        choose_subnets(vpc=bench.vpc, vpc_subnets=subnets, spread=None)


def _unknown_zones(bench: Bench, zones: list[str]) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=zones, isolated_subnet_ids=["i-a", "i-b"]
    )


def test_zone_may_be_a_token(bench: Bench) -> None:
    """A zone whose name is known at deployment only is one zone all the same."""
    vpc = _unknown_zones(bench, [cdk.CfnParameter(bench.stack, "Zone").value_as_string])
    placement = create_placement(bench.stack, choose_subnets(vpc=vpc, vpc_subnets=None, spread=None))

    assert ["i-a", "i-b"] == _subnet_ids(bench)
    assert () == placement.zones
    with pytest.raises(ConfigurationError, match="subnets in one Availability Zone for"):
        choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD)


def test_zones_may_be_tokens(bench: Bench) -> None:
    """Two zones that are known at deployment only are two, and the nodes go round them."""
    zones = [cdk.Fn.select(number, cdk.Fn.get_azs()) for number in (0, 1)]
    memcached_cluster(bench, vpc=_unknown_zones(bench, zones))

    expected = [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]
    assert expected == bench.only("ElastiCache::CacheCluster")["Properties"]["PreferredAvailabilityZones"]


@pytest.mark.parametrize("nodes", [1, 3])
def test_memcached_nodes_have_no_zones_where_none_is_known(bench: Bench, nodes: int) -> None:
    """A list in place of the zones' names, known at deployment only, leaves the zones of nodes to the service."""
    memcached_cluster(bench, nodes=nodes, vpc=_unknown_zones(bench, cdk.Fn.get_azs()))

    assert "PreferredAvailabilityZones" not in bench.only("ElastiCache::CacheCluster")["Properties"]


def test_all_zones_may_be_one_token(bench: Bench) -> None:
    """A list of zones that is known at deployment only is not counted."""
    create_placement(
        bench.stack, choose_subnets(vpc=_unknown_zones(bench, cdk.Fn.get_azs()), vpc_subnets=None, spread=SPREAD)
    )

    assert ["i-a", "i-b"] == _subnet_ids(bench)


# What is known of subnets although their zones, or their ids, are tokens


def _in_any_region() -> tuple[cdk.Stack, ec2.Vpc]:
    """A VPC of two zones that are known at deployment only, in a stack without account and region."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Anywhere")
    isolated = [
        ec2.SubnetConfiguration(name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) for name in ("first", "second")
    ]
    return stack, ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=isolated)


_ONE_ZONE: dict[str, Callable[[ec2.IVpc], list[ec2.ISubnet]]] = {
    "one subnet": lambda vpc: vpc.isolated_subnets[:1],
    "two subnets of one zone": lambda vpc: [vpc.isolated_subnets[0], vpc.isolated_subnets[2]],
}


@pytest.mark.parametrize("which", _ONE_ZONE)
@pytest.mark.parametrize("kind", ["group", "cluster", "serverless"])
def test_one_zone_is_one_zone_wherever_it_is(which: str, kind: str) -> None:
    """That a zone's name is a token does not make several of it."""
    stack, vpc = _in_any_region()
    where: dict[str, Any] = {"vpc": vpc, "vpc_subnets": ec2.SubnetSelection(subnets=_ONE_ZONE[which](vpc))}
    bench = Bench(stack, vpc)
    build: dict[str, Callable[[], object]] = {
        "group": lambda: replication_group(bench, **where),
        "cluster": lambda: memcached_cluster(bench, **where),
        "serverless": lambda: ServerlessCache(
            stack,
            "Cache",
            engine=ServerlessEngine.MEMCACHED_1_6,
            limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000),
            **where,
        ),
    }
    with pytest.raises(ConfigurationError, match="subnets in one Availability Zone for"):
        build[kind]()


def test_one_imported_subnet_is_one_zone(bench: Bench) -> None:
    """One id is one subnet, whether its zone is known or not."""
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=cdk.Fn.get_azs(), isolated_subnet_ids=["subnet-a"]
    )
    with pytest.raises(ConfigurationError, match="subnets in one Availability Zone for"):
        choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD)


def test_a_list_of_subnets_may_be_a_token(bench: Bench) -> None:
    """What is one here, for example a list that another stack exports, may be any number at deployment."""
    ids = cdk.Fn.split(",", cdk.Fn.import_value("Subnets"))
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack, "Other", vpc_id="vpc-2", availability_zones=cdk.Fn.get_azs(), isolated_subnet_ids=ids
    )
    choose_subnets(vpc=vpc, vpc_subnets=None, spread=SPREAD)


@pytest.mark.parametrize("kind", ["group", "serverless"])
def test_a_subnet_is_named_once(bench: Bench, kind: str) -> None:
    """The same subnet in two zones is a slip of the pen."""
    vpc = ec2.Vpc.from_vpc_attributes(
        bench.stack,
        "Other",
        vpc_id="vpc-2",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["subnet-a", "subnet-a"],
    )
    build: dict[str, Callable[[], object]] = {
        "group": lambda: replication_group(bench, vpc=vpc),
        "serverless": lambda: ServerlessCache(
            bench.stack,
            "Cache",
            vpc=vpc,
            engine=ServerlessEngine.MEMCACHED_1_6,
            limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000),
        ),
    }
    with pytest.raises(ConfigurationError, match=r"^the subnet subnet-a twice: "):
        build[kind]()


def test_dedicated_vpc_is_refused() -> None:
    """ElastiCache does not run on dedicated hosts."""
    stack, _ = _in_any_region()
    vpc = ec2.Vpc(stack, "Dedicated", default_instance_tenancy=ec2.DefaultInstanceTenancy.DEDICATED)

    with pytest.raises(ConfigurationError, match="tenancy is dedicated"):
        choose_subnets(vpc=vpc, vpc_subnets=None, spread=None)


def test_vpc_that_becomes_dedicated_is_refused_for_the_next_cache() -> None:
    """The tenancy may change after a cache was placed in the VPC."""
    stack, _ = _in_any_region()
    vpc = ec2.Vpc(stack, "Changed")
    choose_subnets(vpc=vpc, vpc_subnets=None, spread=None)
    resource: Any = vpc.node.default_child
    resource.instance_tenancy = "dedicated"

    with pytest.raises(ConfigurationError, match="tenancy is dedicated"):
        choose_subnets(vpc=vpc, vpc_subnets=None, spread=None)


# Selections that find nothing


@pytest.mark.parametrize(
    ("selection", "got", "fix"),
    [
        ({"subnet_group_name": "Cache"}, "subnet_group_name='Cache'", "PRIVATE_ISOLATED"),
        ({"subnet_type": ec2.SubnetType.PRIVATE_WITH_EGRESS}, "ec2.SubnetType.PRIVATE_WITH_EGRESS", "PRIVATE_ISOLATED"),
    ],
)
def test_selection_that_finds_nothing_says_what_would(
    bench: Bench, selection: dict[str, Any], got: str, fix: str
) -> None:
    """In one line, and with a selection that finds something."""
    with pytest.raises(ConfigurationError) as refusal:
        choose_subnets(vpc=bench.vpc, vpc_subnets=ec2.SubnetSelection(**selection), spread=None)

    assert got in refusal.value.got
    assert "has 2 isolated subnets" in refusal.value.got
    assert f"Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.{fix})" == refusal.value.fix


def test_lookup_falls_back_to_private_subnets() -> None:
    """A VPC of public and private subnets, the commonest of all, has its caches in the private ones."""
    _, vpc, subnets = _looked_up(None, kinds=("Public", "Private"))

    assert ["s-Private-a", "s-Private-b"] == vpc.select_subnets(subnet_type=subnets.subnet_type).subnet_ids
    assert ["s-Private-a", "s-Private-b"] == choose_subnets(vpc=vpc, vpc_subnets=subnets, spread=SPREAD).subnet_ids


@pytest.mark.parametrize(
    ("subnet_group", "kinds", "fix"),
    [
        ("Cache", ("Public", "Private"), "Use vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH"),
        (None, ("Public",), "Use a VPC with private or isolated subnets"),
    ],
)
def test_lookup_without_such_subnets_is_refused(subnet_group: str | None, kinds: tuple[str, ...], fix: str) -> None:
    """Where it is written, not where the first cache is placed."""
    with pytest.raises(ConfigurationError) as refusal:
        _looked_up(subnet_group, kinds=kinds)
    assert refusal.value.fix.startswith(fix)


# A zone that is added later


def _network(of_network: int) -> tuple[Bench, CacheNetwork]:
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Growing", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    names = [f"eu-west-1{letter}" for letter in "abc"[:of_network]]
    network = CacheNetwork(stack, "Net", availability_zones=names)
    return Bench(stack, network.vpc), network


@functools.cache
def _seen_network(of_network: int) -> tuple[Bench, CacheNetwork]:
    """A network that is built once for all caches that are refused in it."""
    return _network(of_network)


def _serverless(of: tuple[Bench, CacheNetwork], construct_id: str = "Cache", **arguments: Any) -> None:
    bench, network = of
    ServerlessCache(
        bench.stack,
        construct_id,
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.MEMCACHED_1_6,
        limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000),
        alarms=NO_ALARMS,
        **arguments,
    )


def _where(of_network: int, kind: str, **arguments: Any) -> Any:
    bench, network = _network(of_network)
    if kind == "serverless":
        _serverless((bench, network), **arguments)
        return bench.only("ElastiCache::ServerlessCache")["Properties"]["SubnetIds"]
    memcached_cluster(bench, vpc_subnets=network.cache_subnets, **arguments)
    return bench.only("ElastiCache::CacheCluster")["Properties"]["PreferredAvailabilityZones"]


def test_serverless_cache_stays_where_it_is_when_a_zone_is_added() -> None:
    """Its subnets are chosen once: two zones said, two zones kept."""
    before = _where(2, "serverless")

    assert before == _where(2, "serverless", max_azs=2) == _where(3, "serverless", max_azs=2)
    assert 3 == len(_where(3, "serverless"))


def test_memcached_nodes_stay_where_they_are_when_a_zone_is_added() -> None:
    """Nodes that exist keep their zones, and a new node comes after them, for example in the new zone."""
    before = _where(2, "cluster", nodes=3)

    assert before == _where(3, "cluster", nodes=3, availability_zones=before)
    assert [*before, "eu-west-1c"] == _where(3, "cluster", nodes=4, availability_zones=[*before, "eu-west-1c"])


@pytest.mark.parametrize("zones", [1, 4, True, 3.0])
def test_zones_of_a_serverless_cache_are_two_or_three(zones: Any) -> None:
    """Whatever the network has."""
    for network in (2, 3):
        with pytest.raises(ConfigurationError, match=r"^ServerlessCache\(max_azs="):
            _serverless(_seen_network(network), f"Of{zones}", max_azs=zones)


def test_zones_of_a_serverless_cache_are_in_its_network() -> None:
    """Three are no choice where there are two."""
    with pytest.raises(ConfigurationError, match=r"^ServerlessCache\(max_azs=3\) in 2 zones: "):
        _serverless(_seen_network(2), max_azs=3)
