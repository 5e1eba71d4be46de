"""Each configuration of the peers' examples can be said, in no more lines than there."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import new_app
from tests.peers.table import DOCUMENT, PEERS, lines_here, written

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP, CLUSTER, SERVERLESS = (
    f"AWS::ElastiCache::{kind}" for kind in ("ReplicationGroup", "CacheCluster", "ServerlessCache")
)
INGRESS = "AWS::EC2::SecurityGroupIngress"
TRACKING = {"Properties": {"latency-tracking": "yes"}}
EVENTS = {"Properties": {"notify-keyspace-events": "lK"}}
WINDOW = {"PreferredMaintenanceWindow": "sun:05:00-sun:09:00"}
SMALL = {"CacheNodeType": "cache.t4g.small", "TransitEncryptionEnabled": True, **WINDOW}
VPC_TRAFFIC = {"CidrIp": {"Fn::GetAtt": [..., "CidrBlock"]}, "FromPort": 6379, "ToPort": 6379}
CLIENTS = {"SourceSecurityGroupId": {"Fn::GetAtt": ["Clients67031123", "GroupId"]}}
# What the examples have, by the type of the resource, in the order of the template.
WANTED: Mapping[str, Mapping[str, list[dict[str, Any]]]] = {
    "tam_redis_replication_group": {
        GROUP: [
            {
                "ReplicationGroupId": "ex-redis-replication-group",
                "Engine": "redis",
                "EngineVersion": "7.1",
                "AuthToken": ...,
                "NumCacheClusters": 2,
                **SMALL,
            }
        ],
        "AWS::ElastiCache::ParameterGroup": [{"CacheParameterGroupFamily": "redis7", **TRACKING}],
        INGRESS: [VPC_TRAFFIC],
    },
    "tam_redis_cluster_mode": {
        GROUP: [
            {
                "ReplicationGroupId": "ex-redis-cluster-mode",
                "EngineVersion": "7.1",
                "NumNodeGroups": 2,
                "ReplicasPerNodeGroup": 3,
                "MultiAZEnabled": True,
                **SMALL,
            }
        ],
        "AWS::ElastiCache::User": [
            {"UserName": "default"},
            {"UserName": "moe", "AuthenticationMode": {"Type": "password", "Passwords": ...}},
            {"UserName": "larry", "AuthenticationMode": {"Type": "iam"}},
            {"UserName": "curly"},
        ],
        "AWS::ElastiCache::ParameterGroup": [
            {"Properties": {"latency-tracking": "yes", "cluster-enabled": "yes"}},
        ],
    },
    "tam_redis_global": {
        GROUP: [
            {"GlobalReplicationGroupId": ...},
            {"Engine": "redis", "EngineVersion": "7.1", "CacheNodeType": "cache.r7g.large", "NumCacheClusters": 2},
        ],
        "AWS::ElastiCache::GlobalReplicationGroup": [{"Members": ...}],
        INGRESS: [VPC_TRAFFIC, VPC_TRAFFIC],
    },
    "tam_redis_cluster": {
        GROUP: [
            {
                "ReplicationGroupId": "ex-redis-cluster",
                "NumCacheClusters": 1,
                "AutomaticFailoverEnabled": False,
                "EngineVersion": "7.1",
                **SMALL,
            }
        ],
        "AWS::ElastiCache::ParameterGroup": [TRACKING],
    },
    "tam_redis_with_cluster_replica": {
        GROUP: [
            {"NumCacheClusters": 2, "LogDeliveryConfigurations": ..., **SMALL},
            {"NumCacheClusters": 2, "AuthToken": ..., **SMALL},
        ],
        "AWS::ElastiCache::ParameterGroup": [TRACKING, TRACKING],
        INGRESS: [VPC_TRAFFIC, VPC_TRAFFIC],
    },
    "tam_valkey_replication_group": {
        GROUP: [
            {
                "ReplicationGroupId": "ex-valkey-replication-group",
                "Engine": "valkey",
                "EngineVersion": "7.2",
                "NumCacheClusters": 2,
                **SMALL,
            }
        ],
        "AWS::ElastiCache::User": [
            {"UserName": "default", "AuthenticationMode": {"Type": "password", "Passwords": ...}}
        ],
        "AWS::ElastiCache::ParameterGroup": [{"CacheParameterGroupFamily": "valkey7", **TRACKING}],
    },
    "tam_memcached_cluster": {
        CLUSTER: [
            {
                "ClusterName": "ex-memcached-cluster",
                "EngineVersion": "1.6.17",
                "NumCacheNodes": 2,
                "AZMode": "cross-az",
                **SMALL,
            }
        ],
        "AWS::ElastiCache::ParameterGroup": [{"Properties": {"idle_timeout": "60"}}],
        INGRESS: [{**VPC_TRAFFIC, "FromPort": 11211, "ToPort": 11211}],
    },
    "tam_serverless_cache": {
        SERVERLESS: [
            {
                "ServerlessCacheName": "ex-serverless-cache",
                "Engine": "redis",
                "MajorEngineVersion": "7",
                "CacheUsageLimits": {"DataStorage": {"Maximum": 2, "Unit": "GB"}, "ECPUPerSecond": {"Maximum": 1000}},
                "DailySnapshotTime": "22:00",
                "SnapshotRetentionLimit": 7,
                "KmsKeyId": ...,
                "UserGroupId": ...,
            }
        ],
        "AWS::ElastiCache::User": [{"UserName": "default"}, {"UserName": "redis"}],
    },
    "cpr_complete": {
        GROUP: [{"CacheNodeType": "cache.m6g.large", "NumCacheClusters": 1, "TransitEncryptionEnabled": True}],
        "AWS::ElastiCache::ParameterGroup": [EVENTS],
        INGRESS: [{**CLIENTS, "FromPort": 6379}],
    },
    "cpr_serverless": {
        SERVERLESS: [
            {"CacheUsageLimits": {"DataStorage": {"Maximum": 1, "Unit": "GB"}, "ECPUPerSecond": {"Maximum": 5000}}}
        ],
        INGRESS: [{**CLIENTS, "FromPort": 6379, "ToPort": 6380}],
    },
    "cpr_simple": {
        GROUP: [
            {
                "NumCacheClusters": 2,
                "AutomaticFailoverEnabled": False,
                "AtRestEncryptionEnabled": True,
                "PreferredMaintenanceWindow": "wed:03:00-wed:04:00",
            }
        ],
        "AWS::ElastiCache::ParameterGroup": [EVENTS],
    },
    "cpm_complete": {
        CLUSTER: [{"CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}],
        INGRESS: [{**CLIENTS, "FromPort": 11211}],
    },
    "ps_replication_group": {
        GROUP: [
            {
                "CacheNodeType": "cache.t3.small",
                "NumCacheClusters": 2,
                "MultiAZEnabled": True,
                "LogDeliveryConfigurations": ...,
            }
        ],
        "AWS::ElastiCache::User": [{"UserName": "default"}, {"UserName": "application"}],
    },
}


@pytest.fixture(scope="module", name="resources")
def _resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The resources of each configuration: all in one app, which is synthesised once."""
    import aws_cdk as cdk  # noqa: PLC0415 - its import takes seconds

    from tests.peers import configurations  # noqa: PLC0415 - it imports the CDK

    app = new_app(tmp_path_factory.mktemp("peers") / "out")
    stacks: dict[str, list[cdk.Stack]] = {}
    for peer in PEERS:
        function = getattr(configurations, peer.function)
        region = "us-east-2" if peer.function.startswith("cp") else "eu-west-1"
        regions = [region, "us-east-1"][: len(inspect.signature(function).parameters)]
        name = peer.function.replace("_", "-")
        stacks[peer.function] = [
            cdk.Stack(app, f"{name}-{place}", env=cdk.Environment(region=place)) for place in regions
        ]
        function(*stacks[peer.function])
    assembly = app.synth()
    return {
        name: [
            resource
            for stack in several
            for resource in assembly.get_stack_by_name(stack.stack_name).template["Resources"].values()
        ]
        for name, several in stacks.items()
    }


@pytest.mark.parametrize("name", [peer.function for peer in PEERS])
def test_the_configuration_has_what_the_example_has(name: str, resources: dict[str, list[dict[str, Any]]]) -> None:
    """Engine, nodes, users, parameters and rules are those of the example."""
    for kind, wanted in WANTED[name].items():
        found = [each["Properties"] for each in resources[name] if each["Type"] == kind]
        if kind == INGRESS:  # within groups as well; the constructs have their own rules for clients
            groups = (each["Properties"] for each in resources[name] if each["Type"] == "AWS::EC2::SecurityGroup")
            found += [rule for group in groups for rule in group.get("SecurityGroupIngress", ())]
            found = [rule for rule in found if any(_holds(one, rule) for one in wanted)]
        assert len(found) == len(wanted), kind
        assert [] == [one for one, properties in zip(wanted, found, strict=True) if not _holds(one, properties)], kind


def _holds(wanted: Any, found: Any) -> bool:
    """Whether a value has all of another one; `...` stands for any value."""
    if wanted is ...:
        return found is not None
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(value, found.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(wanted) == len(found) and all(map(_holds, wanted, found))
    return bool(wanted == found)


def test_no_configuration_takes_more_lines_than_there() -> None:
    """Each of them has been counted, here and there."""
    here = lines_here()
    assert {peer.function for peer in PEERS} == here.keys() == WANTED.keys()
    assert [] == [peer.function for peer in PEERS if here[peer.function] > peer.lines]


def test_the_document_has_the_lines() -> None:
    """`python -m tests.docs` writes it."""
    assert written() == DOCUMENT.read_text()
