"""Memcached clusters: what each gets without a word, and what a word changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns

from elasticache_constructs import (
    ConfigurationError,
    Endpoint,
    Engine,
    MemcachedCluster,
    MemcachedClusterBase,
    NodeType,
)
from elasticache_constructs.checks.errors import reference
from tests.conftest import Bench, new_bench
from tests.unit.builders import memcached_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "ElastiCache::CacheCluster"


def _properties(bench: Bench) -> dict[str, Any]:
    properties: dict[str, Any] = bench.only(KIND)["Properties"]
    return properties


def _logical_id(bench: Bench, kind: str) -> str:
    ((logical_id, _),) = bench.resources(kind).items()
    return logical_id


@pytest.fixture(scope="module", name="plain")
def _plain() -> Bench:
    """A cluster about which nothing is said but its size: only to be looked at."""
    bench = new_bench()
    memcached_cluster(bench)
    return bench


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("TransitEncryptionEnabled", True, id="TLS is on"),
        pytest.param("Engine", "memcached", id="the engine is Memcached"),
        pytest.param("EngineVersion", "1.6.22", id="of the newest version"),
        pytest.param("CacheNodeType", "cache.t4g.small", id="the node type is the one chosen"),
        pytest.param("NumCacheNodes", 2, id="there are two nodes"),
        pytest.param("AZMode", "cross-az", id="over several Availability Zones"),
        pytest.param("PreferredAvailabilityZones", ["eu-west-1a", "eu-west-1b"], id="one in each"),
        pytest.param("Port", 11211, id="the port is the usual one"),
        pytest.param("PreferredMaintenanceWindow", "sun:04:00-sun:05:00", id="maintenance is on Sunday at four"),
        pytest.param("AutoMinorVersionUpgrade", True, id="minor versions come by themselves"),
    ],
)
def test_default(plain: Bench, name: str, value: object) -> None:
    """Each default of the class's description is written into the template, not left to the service."""
    assert value == _properties(plain)[name]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ClusterName", id="a physical name, which would prevent a replacement"),
        pytest.param("SnapshotRetentionLimit", id="snapshots, which Memcached has not"),
        pytest.param("SnapshotWindow", id="a window for them"),
        pytest.param("LogDeliveryConfigurations", id="logs, which Memcached has not"),
        pytest.param("PreferredAvailabilityZone", id="a single zone, which excludes several"),
    ],
)
def test_default_leaves_out(plain: Bench, name: str) -> None:
    """What Memcached does not have, or would stand in the way later, is left out."""
    assert name not in _properties(plain)


def test_no_last_snapshot_is_asked_for(plain: Bench) -> None:
    """Memcached takes no snapshots, and asking for one would fail the deletion."""
    assert {"Snapshot"}.isdisjoint(
        {plain.only(KIND).get("DeletionPolicy"), plain.only(KIND).get("UpdateReplacePolicy")}
    )


def test_topic_of_its_own_is_told_events(plain: Bench) -> None:
    """Events go to a topic that is made with the cluster."""
    assert {"Ref": _logical_id(plain, "SNS::Topic")} == _properties(plain)["NotificationTopicArn"]


def test_parameter_group_of_its_own(plain: Bench) -> None:
    """The cluster has its own parameter group, of its engine's family."""
    group = plain.only("ElastiCache::ParameterGroup")["Properties"]

    assert {"Ref": _logical_id(plain, "ElastiCache::ParameterGroup")} == _properties(plain)["CacheParameterGroupName"]
    assert "memcached1.6" == group["CacheParameterGroupFamily"]


def test_subnet_group_of_its_own(plain: Bench) -> None:
    """The cluster is placed in a subnet group that is made with it."""
    assert {"Ref": _logical_id(plain, "ElastiCache::SubnetGroup")} == _properties(plain)["CacheSubnetGroupName"]


def test_it_has_no_key_and_no_secret(plain: Bench) -> None:
    """There is nothing to encrypt at rest and no user to log in, so nothing is paid for either."""
    assert {} == {**plain.resources("KMS::Key"), **plain.resources("SecretsManager::Secret")}


# Nodes and zones


def _vpc(bench: Bench, zones: list[str]) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        bench.stack,
        "Other",
        vpc_id="vpc-2",
        availability_zones=zones,
        isolated_subnet_ids=[f"subnet-{zone}" for zone in zones],
    )


@pytest.mark.parametrize(
    ("nodes", "zones", "preferred"),
    [
        (2, ["a", "b"], ["a", "b"]),
        (3, ["a", "b"], ["a", "b", "a"]),
        (5, ["a", "b", "c"], ["a", "b", "c", "a", "b"]),
        (2, ["a", "b", "c"], ["a", "b"]),
    ],
)
def test_nodes_go_round_the_zones(bench: Bench, nodes: int, zones: list[str], preferred: list[str]) -> None:
    """Each node has a zone, in turns: without them a later change of their number replaces the cluster."""
    memcached_cluster(bench, nodes=nodes, vpc=_vpc(bench, zones))

    properties = _properties(bench)
    assert (nodes, "cross-az", preferred) == (
        properties["NumCacheNodes"],
        properties["AZMode"],
        properties["PreferredAvailabilityZones"],
    )


def test_single_node_is_in_one_zone(bench: Bench) -> None:
    """A single node cannot be cross-az, and is in the first zone."""
    memcached_cluster(bench, nodes=1)

    properties = _properties(bench)
    assert (1, "single-az", ["eu-west-1a"]) == (
        properties["NumCacheNodes"],
        properties["AZMode"],
        properties["PreferredAvailabilityZones"],
    )


def test_more_nodes_move_none() -> None:
    """The zones of the nodes that are there stay the same when nodes are added."""
    zones = []
    for nodes in (2, 3):
        bench = new_bench()
        memcached_cluster(bench, nodes=nodes)
        zones.append(_properties(bench)["PreferredAvailabilityZones"])

    assert zones[0] == zones[1][:2]


def test_60_nodes_are_accepted(bench: Bench) -> None:
    """60 nodes are as many as a cluster takes."""
    memcached_cluster(bench, nodes=60)

    assert (60, 60) == (_properties(bench)["NumCacheNodes"], len(_properties(bench)["PreferredAvailabilityZones"]))


@pytest.mark.parametrize("nodes", [0, -1, 61, 2.0, 1.5, True, "2", None], ids=repr)
def test_nodes_out_of_their_limits_are_refused(bench: Bench, nodes: Any) -> None:
    """A cluster has 1 to 60 nodes, which are whole numbers."""
    with pytest.raises(ConfigurationError) as refusal:
        memcached_cluster(bench, nodes=nodes)

    other = "" if type(nodes) is int else f" of type {type(nodes).__name__}"
    expected = (
        f"MemcachedCluster(nodes={nodes!r}){other}: a cluster has 1 to 60 nodes. "
        f"Use nodes=2, in two Availability Zones. {reference('MEM-01')}"
    )
    assert expected == str(refusal.value)


def test_nodes_cannot_be_a_token(bench: Bench) -> None:
    """How many nodes there are decides zones and metrics, so it is known at once or refused."""
    nodes = cdk.CfnParameter(bench.stack, "Nodes", type="Number").value_as_number

    with pytest.raises(
        ConfigurationError, match=r"^MemcachedCluster\(nodes=<a token, known at deployment only>\): a cluster has "
    ):
        memcached_cluster(bench, nodes=nodes)


# Engines


@pytest.mark.parametrize("engine", [Engine.REDIS_7_1, Engine.VALKEY_8_2], ids=str)
def test_other_engines_are_refused(bench: Bench, engine: Engine) -> None:
    """Redis and Valkey belong in replication groups, where alone they have TLS and replicas."""
    with pytest.raises(ConfigurationError) as refusal:
        memcached_cluster(bench, engine=engine)

    expected = (
        f"MemcachedCluster(engine={engine}): a Memcached cluster runs Memcached. "
        f"Use ReplicationGroup for Redis and Valkey. {reference('ENG-02')}"
    )
    assert expected == str(refusal.value)


def test_oldest_engine_with_tls_is_accepted(bench: Bench) -> None:
    """Memcached 1.6.12 is new enough."""
    memcached_cluster(bench, engine=Engine.MEMCACHED_1_6_12)

    assert "1.6.12" == _properties(bench)["EngineVersion"]


# With a word


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"port": 65536}, r"^port=65536: .* Use port=11211, or leave it out\.", id="a port"),
        pytest.param({"maintenance_window": "sun:4-sun:5"}, "^maintenance window 'sun:4-sun:5': ", id="a window"),
        pytest.param({"parameters": {"max_item_size": 5}}, r"^parameters\['max_item_size'\] = 5: ", id="a parameter"),
    ],
)
def test_values_are_checked(bench: Bench, changes: dict[str, Any], message: str) -> None:
    """What the service would refuse is refused by the constructor."""
    with pytest.raises(ConfigurationError, match=message):
        memcached_cluster(bench, **changes)


@pytest.mark.parametrize("changes", [{"port": 0}, {"nodes": 0}, {"maintenance_window": ""}])
def test_refusal_leaves_no_construct_behind(bench: Bench, changes: dict[str, Any]) -> None:
    """A refused cluster can be tried again under the same id."""
    with pytest.raises(ConfigurationError):
        memcached_cluster(bench, **changes)

    assert bench.stack.node.try_find_child("Memcached") is None


def test_parameters_go_into_the_parameter_group(bench: Bench) -> None:
    """Parameters are those given."""
    memcached_cluster(bench, parameters={"max_item_size": "5242880"})

    expected = {"max_item_size": "5242880"}
    assert expected == bench.only("ElastiCache::ParameterGroup")["Properties"]["Properties"]


def test_topic_can_be_given(bench: Bench) -> None:
    """Events go to a topic of the caller's, and no other is made."""
    topic = sns.Topic.from_topic_arn(bench.stack, "Mine", "arn:aws:sns:eu-west-1:123456789012:mine")
    cluster = memcached_cluster(bench, notification_topic=topic)

    assert "arn:aws:sns:eu-west-1:123456789012:mine" == _properties(bench)["NotificationTopicArn"]
    assert {} == bench.resources("SNS::Topic")
    assert topic is cluster.notification_topic


def test_window_can_be_given(bench: Bench) -> None:
    """Maintenance is in the window given."""
    memcached_cluster(bench, maintenance_window="wed:12:00-wed:13:00")

    assert "wed:12:00-wed:13:00" == _properties(bench)["PreferredMaintenanceWindow"]


def test_tokens_pass_through(bench: Bench) -> None:
    """Port, node type and window may be known at deployment only."""
    port = cdk.CfnParameter(bench.stack, "Port", type="Number").value_as_number
    node_type = cdk.CfnParameter(bench.stack, "Type").value_as_string
    window = cdk.CfnParameter(bench.stack, "Window").value_as_string
    memcached_cluster(bench, port=port, node_type=NodeType(node_type), maintenance_window=window)

    properties = _properties(bench)
    assert ({"Ref": "Port"}, {"Ref": "Type"}, {"Ref": "Window"}) == (
        properties["Port"],
        properties["CacheNodeType"],
        properties["PreferredMaintenanceWindow"],
    )


def test_discovery_endpoint_is_the_configuration_endpoint(bench: Bench) -> None:
    """Clients with auto discovery begin at the configuration endpoint."""
    cluster = memcached_cluster(bench, port=7000)

    expected = {"Fn::GetAtt": [_logical_id(bench, KIND), "ConfigurationEndpoint.Address"]}
    assert (expected, 7000) == (
        bench.stack.resolve(cluster.configuration_endpoint.host),
        cluster.configuration_endpoint.port,
    )


def test_logical_id_does_not_depend_on_what_may_change() -> None:
    """Nothing but the construct path decides the logical id: engine, size and number of nodes do not."""
    plain, changed = new_bench(), new_bench()
    memcached_cluster(plain)
    memcached_cluster(changed, nodes=3, engine=Engine.MEMCACHED_1_6_17, node_type=NodeType("cache.r7g.large"), port=1)

    assert _logical_id(plain, KIND) == _logical_id(changed, KIND)


# Clusters that exist


@pytest.fixture(name="imported")
def _imported(bench: Bench) -> Callable[..., MemcachedClusterBase]:
    def make(**changes: Any) -> MemcachedClusterBase:
        arguments: dict[str, Any] = {
            "cluster_id": "orders",
            "discovery_endpoint_address": "orders.cfg.example.com",
            "security_groups": [ec2.SecurityGroup.from_security_group_id(bench.stack, "Nodes", "sg-nodes")],
            "nodes": 3,
            **changes,
        }
        return MemcachedCluster.from_memcached_cluster_attributes(bench.stack, "Imported", **arguments)

    return make


def test_imported_cluster_makes_nothing(bench: Bench, imported: Callable[..., MemcachedClusterBase]) -> None:
    """An imported cluster adds no resource to the template."""
    imported()

    assert {} == bench.template().get("Resources", {})


def test_imported_cluster_has_the_endpoint_given(imported: Callable[..., MemcachedClusterBase]) -> None:
    """The configuration endpoint is the one given, on the usual port."""
    assert Endpoint("orders.cfg.example.com", 11211) == imported().configuration_endpoint


def test_imported_cluster_has_the_id_given(imported: Callable[..., MemcachedClusterBase]) -> None:
    """The id is the one given."""
    assert "orders" == imported().cluster_id


def test_imported_id_is_in_lower_case(imported: Callable[..., MemcachedClusterBase]) -> None:
    """The service stores ids in lower case, and CloudWatch compares letter by letter."""
    assert "orders" == imported(cluster_id="Orders").cluster_id


def test_port_of_an_imported_cluster_is_checked(imported: Callable[..., MemcachedClusterBase]) -> None:
    """A port that is not valid is refused."""
    with pytest.raises(ConfigurationError, match=r"^port=0: .* Use port=11211, or leave it out\."):
        imported(port=0)
