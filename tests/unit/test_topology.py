"""Shards and replicas."""

from __future__ import annotations

import functools
from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import Access, ClusterMode, ConfigurationError, Shard, Snapshot, Topology
from elasticache_constructs.checks.errors import reference
from elasticache_rules.change_gate import Effect, compare
from tests.conftest import new_bench
from tests.unit.builders import replication_group


def test_one_shard_with_one_replica_is_the_default() -> None:
    """Without a word there are two nodes that fail over to each other, and no cluster mode."""
    topology = Topology()

    assert (1, 1, 2, 2, True, False) == (
        topology.shards,
        topology.replicas_per_shard,
        topology.nodes_per_shard,
        topology.nodes,
        topology.multi_az,
        topology.cluster_mode_enabled,
    )


@pytest.mark.parametrize(
    ("topology", "enabled"),
    [
        pytest.param(Topology(shards=1), False, id="off with one shard"),
        pytest.param(Topology(shards=2), True, id="on with several"),
        pytest.param(Topology(shards=1, cluster_mode=True), True, id="on with one when asked for"),
        pytest.param(Topology(shards=1, cluster_mode=False), False, id="off with one when asked for"),
        pytest.param(Topology(shards=2, cluster_mode=True), True, id="on with several when asked for"),
    ],
)
def test_cluster_mode_follows_from_the_shards(topology: Topology, *, enabled: bool) -> None:
    """Cluster mode is on with several shards, and with one when asked for."""
    assert enabled == topology.cluster_mode_enabled


@pytest.mark.parametrize(("replicas", "multi_az"), [(0, False), (1, True), (5, True)])
def test_multi_az_follows_from_the_replicas(replicas: int, *, multi_az: bool) -> None:
    """A group with a replica fails over to another Availability Zone; one without cannot."""
    assert multi_az == Topology(replicas_per_shard=replicas).multi_az


@pytest.mark.parametrize(
    ("shards", "replicas", "nodes"), [(1, 0, 1), (1, 5, 6), (3, 2, 9), (250, 1, 500), (83, 5, 498)]
)
def test_nodes_are_counted(shards: int, replicas: int, nodes: int) -> None:
    """Every shard has a primary and its replicas; 500 nodes are the maximum."""
    assert nodes == Topology(shards=shards, replicas_per_shard=replicas, node_quota=500).nodes


def _other_type(value: object) -> str:
    return "" if type(value) is int else f" of type {type(value).__name__}"


@pytest.mark.parametrize("shards", [0, -1, 501, 2.0, 1.5, True, "3", None], ids=repr)
def test_shards_out_of_their_limits_are_refused(shards: Any) -> None:
    """A group has 1 to 500 shards, which are whole numbers."""
    with pytest.raises(ConfigurationError) as refusal:
        Topology(shards=shards)

    expected = (
        f"Topology(shards={shards!r}){_other_type(shards)}: a group has 1 to 500 shards. "
        f"Use shards=1 for a group without cluster mode. {reference('TOP-19')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("replicas", [-1, 6, 1.0, 0.5, True, False, "1", None], ids=repr)
def test_replicas_out_of_their_limits_are_refused(replicas: Any) -> None:
    """A shard has 0 to 5 replicas, which are whole numbers."""
    with pytest.raises(ConfigurationError) as refusal:
        Topology(replicas_per_shard=replicas)

    expected = (
        f"Topology(replicas_per_shard={replicas!r}){_other_type(replicas)}: a shard has 0 to 5 replicas. "
        f"Use replicas_per_shard=1, or 2 over three Availability Zones. {reference('TOP-03')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize("name", ["shards", "replicas_per_shard"])
def test_token_is_refused_by_its_own_name(name: str) -> None:
    """What is known at deployment only decides nothing here, and the message does not show it as a huge number."""
    arguments: dict[str, Any] = {name: cdk.CfnParameter(cdk.Stack(), "Count", type="Number").value_as_number}

    with pytest.raises(
        ConfigurationError, match=rf"^Topology\({name}=<a token, known at deployment only>\): a (group|shard) has "
    ):
        Topology(**arguments)


def test_more_nodes_than_the_quota_are_refused() -> None:
    """An account has 90 nodes in a cluster until AWS has raised its quota, which is said in one line."""
    with pytest.raises(ConfigurationError) as refusal:
        Topology(shards=31, replicas_per_shard=2)

    expected = (
        "Topology with 93 nodes: a group has at most 90 nodes, and up to 500 after a quota increase. Use fewer shards "
        "or replicas, or a larger node type; if AWS has raised the quota, add node_quota=93. "
        f"{reference('TOP-19')}"
    )
    assert expected == str(refusal.value)
    assert 93 == Topology(shards=31, replicas_per_shard=2, node_quota=93).nodes


@pytest.mark.parametrize(("shards", "replicas", "nodes"), [(251, 1, 502), (84, 5, 504), (500, 1, 1000)])
def test_more_than_500_nodes_are_refused(shards: int, replicas: int, nodes: int) -> None:
    """Shards and replicas together make 500 nodes at most, whatever the quota."""
    with pytest.raises(ConfigurationError) as refusal:
        Topology(shards=shards, replicas_per_shard=replicas, node_quota=500)

    expected = (
        f"Topology with {nodes} nodes: a group has at most 500 nodes. "
        f"Use fewer shards or replicas, or a larger node type. {reference('TOP-19')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(("shards", "cluster_mode"), [(2, None), (1, True)])
def test_cluster_without_replicas_is_refused(shards: int, *, cluster_mode: bool | None) -> None:
    """A cluster without replicas can be created but never updated, so it is refused at once."""
    with pytest.raises(ConfigurationError) as refusal:
        Topology(shards=shards, replicas_per_shard=0, cluster_mode=cluster_mode)

    expected = (
        f"Topology(shards={shards}, replicas_per_shard=0) in cluster mode: cluster mode needs at least one replica per "
        "shard: the service creates such a group and then fails every later update of it. "
        f"Use replicas_per_shard=1 or more. {reference('TOP-06')}"
    )
    assert expected == str(refusal.value)


@pytest.mark.parametrize(
    ("mode", "clients_see", "parameters"),
    [(ClusterMode.DISABLED, False, False), (ClusterMode.COMPATIBLE, False, True), (ClusterMode.ENABLED, True, True)],
)
def test_migration_goes_through_compatible(mode: ClusterMode, *, clients_see: bool, parameters: bool) -> None:
    """In the step between, nodes run in cluster mode already and clients need not know it."""
    topology = Topology(cluster_mode=mode)

    assert (clients_see, parameters) == (topology.cluster_mode_enabled, topology.has_cluster_parameters)


def test_failover_can_wait_for_its_replica() -> None:
    """The deployment that adds the first replica has no failover, and says why."""
    topology = Topology(replicas_per_shard=1, no_failover_reason="adding the first replica: next is failover")

    assert (2, False) == (topology.nodes, topology.multi_az)


ZONES = ("eu-west-1a", "eu-west-1b")
"""Those of the bench's subnets."""
APART = Shard(primary_zone=ZONES[0], replica_zones=[ZONES[1]])
TURNED = Shard(primary_zone=ZONES[1], replica_zones=[ZONES[0]])
FILES = ["arn:aws:s3:::dumps/1.rdb", "arn:aws:s3:::dumps/2.rdb"]


@functools.cache
def _made(state: str) -> dict[str, Any]:
    bench = new_bench()
    replication_group(bench, access=Access.auth_token(), **STATES[state])
    return bench.template()


STATES: dict[str, dict[str, Any]] = {
    "spread": {"topology": Topology()},
    "placed": {"topology": Topology(placement=[APART])},
    "turned": {"topology": Topology(placement=[TURNED])},
    "more replicas": {"topology": Topology(placement=[APART], placed=True, replicas_per_shard=2)},
    "cluster": {"topology": Topology(shards=2, placement=[APART, TURNED])},
    "cluster, later": {"topology": Topology(shards=2, placement=[APART, TURNED], placed=True)},
    "cluster, more replicas": {
        "topology": Topology(shards=2, placement=[APART, TURNED], placed=True, replicas_per_shard=2)
    },
    "seeded": {
        "topology": Topology(
            shards=2,
            placement=[
                Shard(slots="0-99", primary_zone=ZONES[0], replica_zones=[ZONES[1]]),
                Shard(slots="100-16383", primary_zone=ZONES[1], replica_zones=[ZONES[0]]),
            ],
        ),
        "restore_from": Snapshot.rdb_files(FILES),
    },
}


def _group_of(state: str) -> dict[str, Any]:
    (group,) = (
        each for each in _made(state)["Resources"].values() if each["Type"] == "AWS::ElastiCache::ReplicationGroup"
    )
    properties: dict[str, Any] = group["Properties"]
    return properties


def test_placement_is_stated_by_the_cluster_mode() -> None:
    """One list without cluster mode, the primary's Availability Zone first; in cluster mode each shard by itself."""
    assert list(ZONES) == _group_of("placed")["PreferredCacheClusterAZs"]
    assert "NodeGroupConfiguration" not in _group_of("placed")
    assert list(ZONES) == _group_of("more replicas")["PreferredCacheClusterAZs"]
    assert "PreferredCacheClusterAZs" not in _group_of("cluster")
    assert [
        {
            "NodeGroupId": "0001",
            "ReplicaCount": 1,
            "PrimaryAvailabilityZone": ZONES[0],
            "ReplicaAvailabilityZones": [ZONES[1]],
        },
        {
            "NodeGroupId": "0002",
            "ReplicaCount": 1,
            "PrimaryAvailabilityZone": ZONES[1],
            "ReplicaAvailabilityZones": [ZONES[0]],
        },
    ] == _group_of("cluster")["NodeGroupConfiguration"]
    assert "NodeGroupConfiguration" not in _group_of("cluster, later")
    assert ["0-99", "100-16383"] == [each["Slots"] for each in _group_of("seeded")["NodeGroupConfiguration"]]


@pytest.mark.parametrize(
    ("old", "new", "stopped"),
    [
        ("spread", "placed", {"UPD-01"}),
        ("placed", "turned", {"UPD-01"}),
        ("placed", "more replicas", set()),
        ("cluster", "cluster, later", set()),
        ("cluster", "cluster, more replicas", {"UPD-07", "TOP-28"}),
        ("cluster, later", "cluster, more replicas", set()),
    ],
)
def test_gate_knows_what_a_placement_does(old: str, new: str, stopped: set[str]) -> None:
    """It is chosen once. Replicas of a cluster are added in a deployment after the one that no longer states it."""
    found = compare(_made(old), _made(new))

    assert stopped == {rule for each in found.blocking() for rule in each.rules}
    assert bool(stopped) == (Effect.REPLACEMENT in {each.effect for each in found})
