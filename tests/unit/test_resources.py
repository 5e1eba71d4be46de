"""Caches are resources of the CDK: they have a stack and an environment, and a removal policy that loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import RemovalPolicy, Resource
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import ConfigurationError, MemcachedCluster, ReplicationGroup, ServerlessCache
from elasticache_constructs.posture import add_posture_rules
from tests.conftest import FLAGS, Bench
from tests.deployable.drawing.outside import VPC
from tests.deployable.stacks import SUBNETS
from tests.unit.builders import memcached_cluster, replication_group
from tests.unit.test_grants_that_land import serverless

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REASON = "The cache of a load test, made again for each."
_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
MADE: dict[str, tuple[Callable[[Bench], Any], str]] = {
    "group": (replication_group, "ReplicationGroup"),
    "cluster": (memcached_cluster, "CacheCluster"),
    "cache": (serverless, "ServerlessCache"),
}
IMPORTED: dict[str, Callable[[Bench], Any]] = {
    "group": lambda bench: ReplicationGroup.from_replication_group_attributes(
        bench.stack, "Imported", replication_group_id="shop", endpoint_address="shop.example", security_groups=[]
    ),
    "cluster": lambda bench: MemcachedCluster.from_memcached_cluster_attributes(
        bench.stack,
        "Imported",
        cluster_id="shop",
        discovery_endpoint_address="shop.example",
        security_groups=[],
        nodes=1,
    ),
    "cache": lambda bench: ServerlessCache.from_serverless_cache_attributes(
        bench.stack, "Imported", serverless_cache_name="shop", endpoint_address="shop.example", security_groups=[]
    ),
}
RETAINED = {
    RemovalPolicy.RETAIN: ("Retain", "Retain"),
    RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: ("RetainExceptOnCreate", "Retain"),
}


def _policies(bench: Bench, kind: str) -> tuple[str, str]:
    resource = bench.only(f"ElastiCache::{kind}")
    return resource["DeletionPolicy"], resource["UpdateReplacePolicy"]


@pytest.mark.parametrize("make", [*(make for make, _ in MADE.values()), *IMPORTED.values()])
def test_cache_is_a_resource_of_its_stack(bench: Bench, make: Callable[[Bench], Any]) -> None:
    """Made or imported, it has what every L2 construct has."""
    cache = make(bench)

    assert isinstance(cache, Resource)
    assert (bench.stack, bench.stack.region) == (cache.stack, cache.env.region)


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("policy", RETAINED)
def test_cache_can_be_retained(bench: Bench, kind: str, policy: RemovalPolicy) -> None:
    """It then outlives its stack, or the update that replaces it."""
    make, resource = MADE[kind]
    make(bench).apply_removal_policy(policy)

    assert RETAINED[policy] == _policies(bench, resource)


def test_group_is_not_destroyed_without_a_reason(bench: Bench) -> None:
    """Its data would be gone; the policy stays what it was."""
    group = replication_group(bench)

    with pytest.raises(ConfigurationError) as refusal:
        group.apply_removal_policy(RemovalPolicy.DESTROY)

    expected = (
        "ReplicationGroup.apply_removal_policy(RemovalPolicy.DESTROY): the data of a group is deleted for a reason "
        f"only. Use RemovalPolicy.SNAPSHOT, which takes a final snapshot, or say why: reason='...'. See {_PAGE}"
    )
    assert expected == str(refusal.value)
    assert ("Snapshot", "Snapshot") == _policies(bench, "ReplicationGroup")


def test_group_is_destroyed_for_a_reason(tmp_path: Path) -> None:
    """The reason has to say something, and answers the posture rule about it."""
    app = cdk.App(
        context=FLAGS, analytics_reporting=False, outdir=str(tmp_path), builtin_cloud_formation_validation=False
    )
    stack = cdk.Stack(app, "Stack")
    zones, subnets = ["eu-west-1a", "eu-west-1b"], list(SUBNETS)
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id=VPC, availability_zones=zones, isolated_subnet_ids=subnets)
    bench = Bench(stack, vpc)
    group = replication_group(bench)

    with pytest.raises(ConfigurationError, match="a reason has 20 characters at least"):
        group.apply_removal_policy(RemovalPolicy.DESTROY, reason="test")
    group.apply_removal_policy(RemovalPolicy.DESTROY, reason=_REASON)
    add_posture_rules(app, native_engine=True)
    app.synth()

    assert ("Delete", "Delete") == _policies(bench, "ReplicationGroup")
    assert _REASON in (tmp_path / "validation-report.json").read_text(encoding="utf-8")


def test_serverless_cache_that_is_destroyed_leaves_a_final_snapshot(bench: Bench) -> None:
    """It is what every serverless cache has anyway."""
    serverless(bench).apply_removal_policy(RemovalPolicy.DESTROY)

    resource = bench.only("ElastiCache::ServerlessCache")
    assert "FinalSnapshotName" in resource["Properties"]
    assert ("Delete", "Delete") == _policies(bench, "ServerlessCache")


def test_cluster_that_is_destroyed_states_no_policy(bench: Bench) -> None:
    """Delete is CloudFormation's default, with a call and without."""
    memcached_cluster(bench).apply_removal_policy(RemovalPolicy.DESTROY)

    assert set() == {"DeletionPolicy", "UpdateReplacePolicy"} & {*bench.only("ElastiCache::CacheCluster")}


@pytest.mark.parametrize(("kind", "because"), [("cluster", "Memcached has no snapshots"), ("cache", "in any case")])
def test_snapshot_that_cloudformation_does_not_take_is_refused(bench: Bench, kind: str, because: str) -> None:
    """The stack could not be deleted, or the policy would mean Delete."""
    with pytest.raises(ConfigurationError, match=because):
        MADE[kind][0](bench).apply_removal_policy(RemovalPolicy.SNAPSHOT)


@pytest.mark.parametrize("noun", IMPORTED)
def test_imported_cache_takes_no_removal_policy(bench: Bench, noun: str) -> None:
    """Its own stack says what happens to it; the CDK's message would not."""
    with pytest.raises(ConfigurationError, match=f"apply_removal_policy of an imported {noun}: "):
        IMPORTED[noun](bench).apply_removal_policy(RemovalPolicy.RETAIN)
