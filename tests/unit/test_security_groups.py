"""Who may reach a cache over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import ConfigurationError, MemcachedCluster, ReplicationGroup
from elasticache_constructs.network.security_groups import CacheSecurityGroups
from tests.unit.builders import client_of, memcached_cluster, other_stack, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elasticache_constructs import MemcachedClusterBase, ReplicationGroupBase
    from tests.conftest import Bench

    Cache = ReplicationGroupBase | MemcachedClusterBase

PLACEHOLDER = [
    {
        "CidrIp": "255.255.255.255/32",
        "Description": "Disallow all traffic",
        "FromPort": 252,
        "IpProtocol": "icmp",
        "ToPort": 86,
    }
]


def _imported_replication_group(
    bench: Bench, security_groups: Sequence[ec2.ISecurityGroup] | None = None
) -> ReplicationGroupBase:
    nodes = ec2.SecurityGroup.from_security_group_id(bench.stack, "Nodes", "sg-nodes")
    return ReplicationGroup.from_replication_group_attributes(
        bench.stack,
        "Redis",
        replication_group_id="orders",
        endpoint_address="orders.example.com",
        security_groups=[nodes] if security_groups is None else security_groups,
        port=6379,
    )


def _imported_memcached_cluster(
    bench: Bench, security_groups: Sequence[ec2.ISecurityGroup] | None = None
) -> MemcachedClusterBase:
    nodes = ec2.SecurityGroup.from_security_group_id(bench.stack, "Nodes", "sg-nodes")
    return MemcachedCluster.from_memcached_cluster_attributes(
        bench.stack,
        "Memcached",
        cluster_id="orders",
        discovery_endpoint_address="orders.example.com",
        security_groups=[nodes] if security_groups is None else security_groups,
        nodes=2,
    )


ALL_CACHES = pytest.mark.parametrize(
    ("make", "port"),
    [
        pytest.param(replication_group, 6379, id="replication group"),
        pytest.param(memcached_cluster, 11211, id="memcached cluster"),
        pytest.param(_imported_replication_group, 6379, id="imported replication group"),
        pytest.param(_imported_memcached_cluster, 11211, id="imported memcached cluster"),
    ],
)
OWN_CACHES = pytest.mark.parametrize("make", [replication_group, memcached_cluster])
EITHER_WAY: dict[str, Callable[[Any, ec2.SecurityGroup], None]] = {
    "FromTheCache": lambda cache, client: cache.connections.allow_default_port_from(client),
    "FromTheClient": lambda cache, client: client.connections.allow_to_default_port(cache),
}
"""How a cache and a client are connected, by the construct id of the client."""


def _rules(bench: Bench, way: str, stack: cdk.Stack | None = None) -> list[dict[str, Any]]:
    return [each["Properties"] for each in bench.resources(f"EC2::SecurityGroup{way}", stack).values()]


def _group(bench: Bench, description: str) -> tuple[str, dict[str, Any]]:
    ((name, group),) = (
        (name, each["Properties"])
        for name, each in bench.resources("EC2::SecurityGroup").items()
        if each["Properties"]["GroupDescription"] == description
    )
    return name, group


# The two groups


@pytest.mark.parametrize("port", [6379, 7000])
def test_clients_get_in_on_the_port_alone(bench: Bench, port: int) -> None:
    """The one way in is from the client group, on exactly the cache's port."""
    CacheSecurityGroups(bench.stack, "Network", vpc=bench.vpc, port=port)

    nodes, clients = (_group(bench, f"{who} of the cache")[0] for who in ("Nodes", "Clients"))
    expected = {
        "Description": "From clients of the cache",
        "FromPort": port,
        "ToPort": port,
        "IpProtocol": "tcp",
        "GroupId": {"Fn::GetAtt": [nodes, "GroupId"]},
        "SourceSecurityGroupId": {"Fn::GetAtt": [clients, "GroupId"]},
    }
    assert [expected] == _rules(bench, "Ingress")


@pytest.mark.parametrize("port", [6379, 7000])
def test_clients_get_out_to_the_nodes_alone(bench: Bench, port: int) -> None:
    """Members of the client group may reach the nodes on the cache's port, and by this group nothing else."""
    CacheSecurityGroups(bench.stack, "Network", vpc=bench.vpc, port=port)

    nodes, clients = (_group(bench, f"{who} of the cache")[0] for who in ("Nodes", "Clients"))
    expected = {
        "Description": "To the nodes of the cache",
        "FromPort": port,
        "ToPort": port,
        "IpProtocol": "tcp",
        "GroupId": {"Fn::GetAtt": [clients, "GroupId"]},
        "DestinationSecurityGroupId": {"Fn::GetAtt": [nodes, "GroupId"]},
    }
    assert [expected] == _rules(bench, "Egress")


@pytest.mark.parametrize("who", ["Nodes", "Clients"])
def test_group_has_no_way_out_of_its_own(bench: Bench, who: str) -> None:
    """The rule that allows nothing stays in the group: without it the service would allow everything."""
    CacheSecurityGroups(bench.stack, "Network", vpc=bench.vpc, port=6379)

    _, group = _group(bench, f"{who} of the cache")
    assert (PLACEHOLDER, None) == (group["SecurityGroupEgress"], group.get("SecurityGroupIngress"))


@pytest.mark.parametrize("who", ["Nodes", "Clients"])
def test_group_has_no_physical_name(bench: Bench, who: str) -> None:
    """A named group in use could not be replaced."""
    CacheSecurityGroups(bench.stack, "Network", vpc=bench.vpc, port=6379)

    assert "GroupName" not in _group(bench, f"{who} of the cache")[1]


@OWN_CACHES
def test_nodes_are_in_the_group_of_nodes(bench: Bench, make: Callable[..., Cache]) -> None:
    """The cache's nodes have the one group that clients may reach."""
    make(bench)

    nodes, _ = _group(bench, "Nodes of the cache")
    (cache,) = [
        *bench.resources("ElastiCache::ReplicationGroup").values(),
        *bench.resources("ElastiCache::CacheCluster").values(),
    ]
    properties = cache["Properties"]
    groups = properties.get("SecurityGroupIds") or properties.get("VpcSecurityGroupIds")
    assert [{"Fn::GetAtt": [nodes, "GroupId"]}] == groups


@OWN_CACHES
def test_port_of_the_cache_is_that_of_its_rules(bench: Bench, make: Callable[..., Cache]) -> None:
    """Another port is honoured in the way in, and in the way out of clients."""
    make(bench, port=7000)

    rules = [*_rules(bench, "Ingress"), *_rules(bench, "Egress")]
    assert [(7000, 7000)] * 2 == [(each["FromPort"], each["ToPort"]) for each in rules]


# Connections


def _rules_about(bench: Bench, client: ec2.SecurityGroup, stack: cdk.Stack) -> tuple[list[Any], list[Any]]:
    """Rules of a stack that the client is part of: into the nodes, and out of the client."""
    group_id = stack.resolve(client.security_group_id)
    into = [each for each in _rules(bench, "Ingress", stack) if each["SourceSecurityGroupId"] == group_id]
    out = [each for each in _rules(bench, "Egress", stack) if each["GroupId"] == group_id]
    return into, out


def _connected(bench: Bench, cache: Cache, stack: cdk.Stack) -> dict[str, ec2.SecurityGroup]:
    """A client in a stack for each way to connect it."""
    clients = {name: client_of(stack, bench.vpc, name) for name in EITHER_WAY}
    for name, connect in EITHER_WAY.items():
        connect(cache, clients[name])
    return clients


@ALL_CACHES
def test_client_of_the_same_stack_is_let_in(bench: Bench, make: Callable[..., Cache], port: int) -> None:
    """A client in the cache's own stack gets in, by its group and on the cache's port alone, connected either way."""
    clients = _connected(bench, make(bench), bench.stack)

    for name, client in clients.items():
        rules = _rules_about(bench, client, bench.stack)
        ports = [[(each["FromPort"], each["ToPort"], each["IpProtocol"]) for each in some] for some in rules]
        assert [[(port, port, "tcp")]] * 2 == ports, name


@ALL_CACHES
def test_client_of_another_stack_makes_no_cycle(bench: Bench, make: Callable[..., Cache], port: int) -> None:
    """A client in another stack, which uses the endpoint too, gets in by rules in its own stack (aws-cdk#1654)."""
    other = other_stack(bench)
    cache = make(bench)
    clients = _connected(bench, cache, other)
    endpoint = cache.endpoint if hasattr(cache, "endpoint") else cache.configuration_endpoint
    cdk.CfnOutput(other, "Host", value=endpoint.host)

    for name, client in clients.items():
        into, out = _rules_about(bench, client, other)
        assert ([port], [port]) == ([each["FromPort"] for each in into], [each["FromPort"] for each in out]), name
    assert [] == [each.node.path for each in bench.stack.dependencies]


@OWN_CACHES
def test_rules_for_another_stack_leave_the_caches_stack_alone(bench: Bench, make: Callable[..., Cache]) -> None:
    """In the cache's stack there is no rule but the client group's, wherever clients connect from."""
    cache = make(bench)
    cache.connections.allow_default_port_from(client_of(other_stack(bench), bench.vpc))

    assert (1, 1) == (len(_rules(bench, "Ingress")), len(_rules(bench, "Egress")))


@OWN_CACHES
def test_port_may_be_said(bench: Bench, make: Callable[..., Cache]) -> None:
    """The general form opens the port that it is given."""
    cache = make(bench, port=7000)
    client = client_of(bench.stack, bench.vpc)
    cache.connections.allow_from(client, ec2.Port.tcp(7000), "Orders")

    into, _ = _rules_about(bench, client, bench.stack)
    assert [(7000, "Orders")] == [(each["FromPort"], each["Description"]) for each in into]


@OWN_CACHES
def test_connections_use_the_caches_port(bench: Bench, make: Callable[..., Cache]) -> None:
    """Another port is the default one of the connections."""
    cache = make(bench, port=7000)
    client = client_of(bench.stack, bench.vpc)
    cache.connections.allow_default_port_from(client)

    into, _ = _rules_about(bench, client, bench.stack)
    assert [(7000, 7000)] == [(each["FromPort"], each["ToPort"]) for each in into]


@OWN_CACHES
def test_address_range_is_let_in(bench: Bench, make: Callable[..., Cache]) -> None:
    """A peer without a security group gets in too, by a rule on the nodes."""
    cache = make(bench, port=7000)
    cache.connections.allow_default_port_from(ec2.Peer.ipv4("10.9.0.0/16"), "Old data centre")

    expected = {
        "CidrIp": "10.9.0.0/16",
        "Description": "Old data centre",
        "FromPort": 7000,
        "ToPort": 7000,
        "IpProtocol": "tcp",
    }
    assert [expected] == _group(bench, "Nodes of the cache")[1]["SecurityGroupIngress"]


@OWN_CACHES
def test_joining_the_client_group_from_another_stack_makes_no_cycle(bench: Bench, make: Callable[..., Cache]) -> None:
    """A function that joins the client group in another stack needs the cache's stack, and is not needed by it."""
    other = other_stack(bench)
    cache = make(bench)
    assert cache.client_security_group is not None
    ec2.CfnNetworkInterface(
        other, "Member", subnet_id="subnet-a", group_set=[cache.client_security_group.security_group_id]
    )

    assert 1 == len(bench.only("EC2::NetworkInterface", other)["Properties"]["GroupSet"])
    assert ([], ["Test"]) == (
        [each.node.path for each in bench.stack.dependencies],
        [each.node.path for each in other.dependencies],
    )


@pytest.mark.parametrize("make", [_imported_replication_group, _imported_memcached_cluster])
@pytest.mark.parametrize(
    "connect",
    [
        pytest.param(lambda cache, client: cache.connections.allow_default_port_from(client), id="on the usual port"),
        pytest.param(lambda cache, client: cache.connections.allow_from(client, ec2.Port.tcp(7000)), id="on another"),
    ],
)
def test_cache_without_groups_lets_nobody_in(
    bench: Bench, make: Callable[..., Cache], connect: Callable[..., None]
) -> None:
    """Without groups on its nodes a rule would be lost in silence: it is refused, and none is written."""
    cache = make(bench, security_groups=[])

    with pytest.raises(ConfigurationError) as refusal:
        connect(cache, client_of(bench.stack, bench.vpc))

    expected = (
        "a rule for a cache that was imported without security groups: rules are added to the groups on its nodes. "
        "Import it with security_groups=[...]."
    )
    assert expected == str(refusal.value)
    assert ([], []) == (_rules(bench, "Ingress"), _rules(bench, "Egress"))


@pytest.mark.parametrize("make", [_imported_replication_group, _imported_memcached_cluster])
def test_immutable_group_lets_nobody_in(bench: Bench, make: Callable[..., Cache]) -> None:
    """A group that drops rules is named, and none is written."""
    nodes = ec2.SecurityGroup.from_security_group_id(bench.stack, "Immutable", "sg-nodes", mutable=False)
    cache, client = make(bench, security_groups=[nodes]), client_of(bench.stack, bench.vpc)

    with pytest.raises(ConfigurationError, match="imported with an immutable security group"):
        cache.connections.allow_default_port_from(client)
    assert ([], []) == (_rules(bench, "Ingress"), _rules(bench, "Egress"))


@pytest.mark.parametrize("make", [_imported_replication_group, _imported_memcached_cluster])
def test_imported_group_has_the_rules_asked_for_alone(bench: Bench, make: Callable[..., Cache]) -> None:
    """What is tried to see whether it takes rules leaves nothing behind."""
    cache = make(bench)
    cache.connections.allow_default_port_from(client_of(bench.stack, bench.vpc))

    assert 1 == len(_rules(bench, "Ingress"))


def test_imported_cache_has_the_client_group_it_was_given(bench: Bench) -> None:
    """An imported group's client group is the one named, or none."""
    clients = ec2.SecurityGroup.from_security_group_id(bench.stack, "Clients", "sg-clients")
    cache = ReplicationGroup.from_replication_group_attributes(
        bench.stack,
        "Redis",
        replication_group_id="orders",
        endpoint_address="orders.example.com",
        security_groups=[],
        client_security_group=clients,
    )

    assert clients is cache.client_security_group
    assert _imported_memcached_cluster(bench).client_security_group is None
