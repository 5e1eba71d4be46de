"""Groups that begin with files: in cluster mode the shards are told which slots are theirs."""

from __future__ import annotations

import functools
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    NodeType,
    ReplicationGroup,
    Snapshot,
    Topology,
)
from elasticache_rules.change_gate.comparison import compare
from tests.conftest import new_bench
from tests.unit.builders import NO_ALARMS

SLOTS = 16384


def _files(number: int, **more: Any) -> Snapshot:
    return Snapshot.rdb_files([f"arn:aws:s3:::dumps_of_us/{each}.rdb" for each in range(number)], **more)


@functools.cache
def _template(topology: Topology, restore_from: Snapshot | None) -> dict[str, Any]:
    bench = new_bench()
    ReplicationGroup(
        bench.stack,
        "Cache",
        vpc=bench.vpc,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        access=Access.users(default=DefaultUser.with_token()),
        topology=topology,
        restore_from=restore_from,
        alarms=NO_ALARMS,
    )
    return bench.template()


def _properties(topology: Topology, restore_from: Snapshot | None) -> dict[str, Any]:
    resources = _template(topology, restore_from)["Resources"].values()
    (group,) = (each for each in resources if each["Type"] == "AWS::ElastiCache::ReplicationGroup")
    properties: dict[str, Any] = group["Properties"]
    return properties


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 15])
def test_slots_are_divided_evenly(shards: int) -> None:
    """Every slot has one shard, and no shard has more than one slot more than another."""
    topology = Topology(shards=shards, cluster_mode=True, replicas_per_shard=2)
    group = _properties(topology, _files(shards))

    parts = group["NodeGroupConfiguration"]
    ends = [tuple(map(int, part["Slots"].split("-"))) for part in parts]
    sizes = [last - first + 1 for first, last in ends]
    assert [*range(SLOTS)] == [slot for first, last in ends for slot in range(first, last + 1)]
    assert max(sizes) - min(sizes) <= 1
    assert [f"{number:04}" for number in range(1, shards + 1)] == [part["NodeGroupId"] for part in parts]
    assert {2} == {part["ReplicaCount"] for part in parts}
    assert (shards, 2) == (group["NumNodeGroups"], group["ReplicasPerNodeGroup"])
    assert shards == len(group["SnapshotArns"])


@pytest.mark.parametrize(
    ("topology", "restore_from"),
    [
        pytest.param(Topology(), _files(1), id="no cluster mode"),
        pytest.param(Topology(shards=2), Snapshot.named("before"), id="a snapshot, which knows its slots"),
        pytest.param(Topology(shards=2), None, id="an empty group"),
        pytest.param(Topology(shards=3), _files(2, loaded=True), id="a group that was loaded"),
    ],
)
def test_slots_are_stated_for_files_alone(topology: Topology, restore_from: Snapshot | None) -> None:
    """Whatever the service can find out itself is left to it."""
    assert "NodeGroupConfiguration" not in _properties(topology, restore_from)


def test_a_list_of_files_may_be_a_token() -> None:
    """How many files there are is then known at deployment only, and the slots are divided all the same."""
    bench = new_bench()
    files = cdk.CfnParameter(bench.stack, "Files", type="CommaDelimitedList").value_as_list
    ReplicationGroup(
        bench.stack,
        "Cache",
        vpc=bench.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        access=Access.users(default=DefaultUser.with_token()),
        topology=Topology(shards=2),
        restore_from=Snapshot.rdb_files(files),
    )
    group = bench.only("ElastiCache::ReplicationGroup")["Properties"]
    assert {"Ref": "Files"} == group["SnapshotArns"]
    assert ["0-8191", "8192-16383"] == [each["Slots"] for each in group["NodeGroupConfiguration"]]


@pytest.mark.parametrize(("topology", "files"), [(Topology(), 2), (Topology(shards=3), 2), (Topology(shards=2), 3)])
def test_a_shard_has_one_file(topology: Topology, files: int) -> None:
    """More or fewer files than shards are refused."""
    with pytest.raises(ConfigurationError, match="one file for each shard"):
        _template(topology, _files(files))


def test_shards_can_be_added_to_a_group_that_was_loaded() -> None:
    """The advice for a group that is there already keeps it: its shards are added online."""
    old, new = _template(Topology(shards=2), _files(2)), _template(Topology(shards=3), _files(2, loaded=True))

    assert {"in place"} == {each.effect.value for each in compare(old, new)}
