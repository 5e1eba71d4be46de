"""The second opinion is one: it has nothing against what is right, and each rule finds a fault that is made for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.deployable.drawing.outside import MADE_IN, OTHER_VPC, VPC, key_arn
from tests.deployable.second_opinion import (
    GIVEN,
    OF_NODES,
    OF_SECONDARIES,
    OF_SERVERLESS_CACHES,
    OF_USERS,
    Asked,
    Joined,
    breaks_as_primary,
    refusals,
)

ABSENT = object()
DEFAULT = {
    "Engine": "redis",
    "UserId": "cache-default",
    "UserName": "default",
    "AccessString": "on ~app:* resetchannels -@all +get",
    "AuthenticationMode": {"Type": "password", "Passwords": ["reference"]},
}
IAM = {**DEFAULT, "UserId": "app", "UserName": "app", "AuthenticationMode": {"Type": "iam"}}
NOBODY = {**DEFAULT, "AccessString": "off -@all", "AuthenticationMode": {"Type": "no-password-required"}}
LOG = {
    "LogType": "slow-log",
    "LogFormat": "json",
    "DestinationType": "cloudwatch-logs",
    "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "log"}},
}
STREAM = {
    **LOG,
    "DestinationType": "kinesis-firehose",
    "DestinationDetails": {"KinesisFirehoseDetails": {"DeliveryStream": "logs"}},
}

GROUP = Asked(
    kind="ReplicationGroup",
    cache={
        "ReplicationGroupDescription": "orders",
        "Engine": "redis",
        "EngineVersion": "7.1",
        "CacheNodeType": "cache.m7g.large",
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "Port": 6379,
        "TransitEncryptionEnabled": True,
        "TransitEncryptionMode": "required",
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": "key",
        "SnapshotRetentionLimit": 35,
        "SnapshotWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "LogDeliveryConfigurations": [LOG],
        "UserGroupIds": ["users"],
    },
    family="redis7",
    parameters={"timeout": "20", "maxmemory-policy": "allkeys-lru"},
    users=(DEFAULT, IAM),
    members=(DEFAULT, IAM),
    user_groups=({"Engine": "redis", "UserGroupId": "users"},),
    region="eu-west-1",
    node_quota=500,
)
TOKEN = dataclasses.replace(
    GROUP,
    cache={name: value for name, value in GROUP.cache.items() if name != "UserGroupIds"} | {"AuthToken": "reference"},
    users=(),
    members=(),
    user_groups=(),
)
SHARDS = {"NumCacheClusters": ABSENT, "NumNodeGroups": 3, "ReplicasPerNodeGroup": 1}
ON = {"cluster-enabled": "yes"}
CLUSTER = Asked(
    kind="CacheCluster",
    cache={
        "Engine": "memcached",
        "EngineVersion": "1.6.22",
        "CacheNodeType": "cache.m7g.large",
        "NumCacheNodes": 2,
        "AZMode": "cross-az",
        "Port": 11211,
        "TransitEncryptionEnabled": True,
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
    },
    family="memcached1.6",
    parameters={},
    users=(),
    members=(),
    user_groups=(),
    region="eu-west-1",
)
SERVERLESS = dataclasses.replace(
    GROUP,
    kind="ServerlessCache",
    cache={
        "ServerlessCacheName": "orders",
        "Description": "orders",
        "Engine": "valkey",
        "MajorEngineVersion": "8",
        "CacheUsageLimits": {
            "DataStorage": {"Minimum": 1, "Maximum": 10, "Unit": "GB"},
            "ECPUPerSecond": {"Maximum": 1000},
        },
        "SubnetIds": ["a", "b"],
        "UserGroupId": "users",
        "SnapshotRetentionLimit": 35,
        "DailySnapshotTime": "02:00",
    },
    family="",
    parameters={},
)


def edited(base: Asked, cache: dict[str, Any], others: dict[str, Any]) -> Asked:
    """What is asked for with some of it changed, or taken away."""
    properties = {**base.cache, **cache}
    return dataclasses.replace(
        base, cache={name: value for name, value in properties.items() if value is not ABSENT}, **others
    )


def users(*members: dict[str, Any], engine: str = "redis") -> dict[str, Any]:
    """Users who are all members of a group."""
    return {"users": members, "members": members, "user_groups": ({"Engine": engine, "UserGroupId": "users"},)}


PUBLIC = edited(
    SERVERLESS,
    {"ConnectionType": "public", "MajorEngineVersion": "9", "SubnetIds": ABSENT, "SecurityGroupIds": ABSENT},
    users(IAM, engine="valkey"),
)


PRIMARY = edited(GROUP, {"AutoMinorVersionUpgrade": False}, {})
JOINED = Joined("gxeiz-shop", PRIMARY, PRIMARY.cache, frozenset({"GlobalReplicationGroupId", "NumCacheClusters"}))
SECONDARY = dataclasses.replace(PRIMARY, region="eu-central-1", joins=JOINED)


def _joins(**changes: Any) -> dict[str, Any]:
    return {"joins": dataclasses.replace(JOINED, **changes)}


def default(**changes: Any) -> dict[str, Any]:
    """The default user alone, with changes."""
    return users({**DEFAULT, **changes})


def _log(group: str) -> dict[str, Any]:
    return {**LOG, "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": group}}}


def _shards(*slots: str) -> list[dict[str, Any]]:
    return [{"NodeGroupId": f"{number:04}", "Slots": each} for number, each in enumerate(slots, start=1)]


def _scaled(dimension: str, **changes: Any) -> dict[str, Any]:
    """A target for two to four."""
    metric = {"NodeGroups": "PRIMARY_CPU", "Replicas": "REPLICA_CPU", "Nodes": "NODE_CPU"}[dimension]
    whole = {"Dimension": dimension, "MinCapacity": 2, "MaxCapacity": 4, "Metric": metric, "TargetValue": 60}
    return {"targets": ({**whole, **changes},)}


OLD = {"TransitEncryptionMode": ABSENT, "CacheNodeType": "cache.m5.large"}
REDIS_6_2 = {"EngineVersion": "6.2", **OLD}
REDIS_6_0 = {"EngineVersion": "6.0", **OLD}
REDIS_5 = {"EngineVersion": "5.0.6", **OLD, "LogDeliveryConfigurations": []}
VALKEY = {"Engine": "valkey", "EngineVersion": "8.2"}
VALKEY_8 = {"family": "valkey8"}

UNSHARDED = {"NumNodeGroups": ABSENT, "ReplicasPerNodeGroup": ABSENT, "NumCacheClusters": 2}
DURABLE = edited(
    TOKEN,
    {**SHARDS, "Engine": "valkey", "EngineVersion": "9.1", "Durability": "sync"},
    {"family": "valkey9", "parameters": ON},
)

FAULTS: list[tuple[str, Asked, dict[str, Any], dict[str, Any]]] = [
    ("NAM-05", GROUP, {}, default(UserId="App_User!!")),
    ("NAM-01", GROUP, {"ReplicationGroupId": "n" * 41}, {}),
    ("NAM-02", CLUSTER, {"ClusterName": "two--hyphens"}, {}),
    ("NAM-14", GROUP, {"SnapshotName": "two--hyphens"}, {}),
    ("NAM-16", GROUP, {"ReplicationGroupDescription": "d" * 256}, {}),
    ("ENG-03", TOKEN, {"EngineVersion": "6.1", **OLD}, {"family": "redis6.x"}),
    ("ENG-04", GROUP, {"Engine": "valkey", "EngineVersion": "8.0.1"}, VALKEY_8),
    ("ENG-05", CLUSTER, {"EngineVersion": "1.6.13"}, {}),
    ("ENG-09", GROUP, {}, {"family": "valkey7"}),
    ("PGR-03", GROUP, {}, {"parameters": {"activedefrag": True}}),
    ("PGR-05", GROUP, {}, {"parameters": {"maxclients": "65000"}}),
    ("PGR-06", GROUP, {}, {"parameters": {"timeout": "19"}}),
    ("PGR-06", GROUP, {}, {"parameters": {"databases": "0"}}),
    ("PGR-06", GROUP, {}, {"parameters": {"maxmemory-policy": "lru"}}),
    ("PGR-12", CLUSTER, {}, {"parameters": {"cluster-enabled": "no"}}),
    ("PGR-13", GROUP, SHARDS, {}),
    ("PGR-14", GROUP, {}, {"parameters": ON}),
    ("PGR-20", GROUP, {}, {"parameters": {"hash-max-ziplist-value": "64"}}),
    ("NOD-01", GROUP, {"CacheNodeType": "m7g.large"}, {}),
    ("NOD-04", GROUP, {"CacheNodeType": "cache.r8g.large"}, {}),
    ("NOD-05", TOKEN, {**REDIS_6_0, "CacheNodeType": "cache.m7g.large"}, {"family": "redis6.x"}),
    (
        "NOD-06",
        TOKEN,
        {**REDIS_5, "EngineVersion": "4.0.10", "CacheNodeType": "cache.m6g.large"},
        {"family": "redis4.0"},
    ),
    (
        "NOD-07",
        TOKEN,
        {**REDIS_5, "EngineVersion": "4.0.10", "CacheNodeType": "cache.t4g.small"},
        {"family": "redis4.0"},
    ),
    (
        "NOD-08",
        CLUSTER,
        {"EngineVersion": "1.5.10", "CacheNodeType": "cache.m5.large", "TransitEncryptionEnabled": False},
        {"family": "memcached1.5"},
    ),
    ("NOD-10", GROUP, {"CacheNodeType": "cache.m3.medium"}, {"region": None}),
    ("NOD-15", GROUP, {"CacheNodeType": "cache.c7gn.large"}, {"region": "eu-south-1"}),
    ("NOD-20", GROUP, {"CacheNodeType": "cache.m4.large", "NetworkType": "ipv6"}, {}),
    ("DTI-01", GROUP, {"DataTieringEnabled": True}, {}),
    ("DTI-01", GROUP, {"CacheNodeType": "cache.r6gd.xlarge"}, {}),
    (
        "DTI-02",
        GROUP,
        {"CacheNodeType": "cache.r6gd.xlarge", "DataTieringEnabled": True},
        {"parameters": {"maxmemory-policy": "allkeys-lfu"}},
    ),
    ("TOP-01", GROUP, {"NumCacheClusters": 7}, {}),
    ("TOP-02", GROUP, {"NumCacheClusters": 1}, {}),
    ("TOP-03", GROUP, {**SHARDS, "ReplicasPerNodeGroup": 6}, {"parameters": ON}),
    ("TOP-04", GROUP, {**SHARDS, "AutomaticFailoverEnabled": False, "MultiAZEnabled": False}, {"parameters": ON}),
    ("TOP-08", GROUP, {"AutomaticFailoverEnabled": False}, {}),
    ("TOP-12", GROUP, {**SHARDS, "NumCacheClusters": 2}, {"parameters": ON}),
    ("TOP-19", GROUP, {**SHARDS, "NumNodeGroups": 251}, {"parameters": ON}),
    (
        "TOP-19",
        TOKEN,
        {**REDIS_5, **SHARDS, "EngineVersion": "4.0.10", "NumNodeGroups": 126},
        {"family": "redis4.0", "parameters": ON},
    ),
    ("TOP-19", GROUP, {**SHARDS, "NumNodeGroups": 46}, {"parameters": ON, "node_quota": 90}),
    ("TOP-23", TOKEN, {**REDIS_6_2, "ClusterMode": "disabled"}, {"family": "redis6.x"}),
    ("TOP-24", GROUP, {"ClusterMode": "compatible"}, {}),
    ("MEM-01", CLUSTER, {"NumCacheNodes": 61}, {}),
    ("MEM-02", CLUSTER, {"NumCacheNodes": 1}, {}),
    ("SNP-06", CLUSTER, {"SnapshotWindow": "02:00-03:00"}, {}),
    (
        "TLS-01",
        TOKEN,
        {**VALKEY, "TransitEncryptionEnabled": ABSENT, "TransitEncryptionMode": ABSENT, "AuthToken": ABSENT},
        VALKEY_8,
    ),
    ("TLS-04", CLUSTER, {"EngineVersion": "1.6.6"}, {}),
    ("TLS-06", TOKEN, {**REDIS_6_2, "TransitEncryptionMode": "required"}, {"family": "redis6.x"}),
    ("TLS-07", TOKEN, {"TransitEncryptionEnabled": False, "AuthToken": ABSENT}, {}),
    ("TLS-11", TOKEN, {"TransitEncryptionMode": "preferred"}, {}),
    ("TLS-12", GROUP, {"TransitEncryptionMode": "preferred"}, {}),
    ("TLS-12", GROUP, {"TransitEncryptionEnabled": False, "TransitEncryptionMode": ABSENT}, {}),
    ("KMS-03", GROUP, {"AtRestEncryptionEnabled": False}, {}),
    ("AUT-01", TOKEN, {"TransitEncryptionEnabled": False, "TransitEncryptionMode": ABSENT}, {}),
    ("AUT-04", GROUP, {"AuthToken": "reference"}, {}),
    ("RBC-01", GROUP, {"UserGroupIds": ["users", "more"]}, {}),
    ("RBC-02", GROUP, REDIS_5, {"family": "redis5.0", **users({**DEFAULT, "AccessString": "on ~* -@all"})}),
    ("RBC-03", GROUP, {}, users({**DEFAULT, "UserName": "app"})),
    ("RBC-05", GROUP, {}, users(DEFAULT, IAM, {**IAM, "UserId": "app"})),
    ("RBC-06", GROUP, VALKEY, {**VALKEY_8, **users(NOBODY, engine="valkey")}),
    ("RBC-07", GROUP, {}, users({**DEFAULT, "Engine": "valkey"})),
    ("RBC-09", GROUP, {}, default(AccessString=" ")),
    ("RBC-10", GROUP, {}, default(AccessString="on hello")),
    ("RBC-10", GROUP, {}, default(AccessString="on ~* +get db=0")),
    ("RBC-10", GROUP, REDIS_6_2, {"family": "redis6.x", **default(AccessString="on (~* +get)")}),
    ("RBC-10", GROUP, REDIS_6_0, {"family": "redis6.x", **default()}),
    ("RBC-12", GROUP, {}, default(AccessString="on nopass ~*")),
    ("RBC-12", GROUP, {}, default(AccessString="on (>secret)")),
    ("RBC-14", GROUP, {}, default(AccessString="on +CONFIG|get")),
    ("RBC-18", GROUP, {}, default(AuthenticationMode={"Type": "password"})),
    ("RBC-22", GROUP, {}, users(DEFAULT, *({**DEFAULT, "UserName": f"user{each}"} for each in range(100)))),
    ("RBC-27", GROUP, VALKEY, {**VALKEY_8, **users(engine="valkey")}),
    ("IAM-01", GROUP, REDIS_6_2, {"family": "redis6.x"}),
    ("IAM-02", GROUP, {}, users(DEFAULT, {**IAM, "UserId": "other"})),
    ("IAM-03", GROUP, {}, users({**IAM, "UserId": "default", "UserName": "default"})),
    ("SNP-01", GROUP, {"SnapshotRetentionLimit": 36}, {}),
    ("SNP-02", GROUP, {"SnapshotWindow": "02:00-02:59"}, {}),
    ("SNP-03", GROUP, {"SnapshotWindow": "23:30-04:01"}, {}),
    ("SNP-03", GROUP, {"PreferredMaintenanceWindow": "sat:23:00-sun:02:01"}, {}),
    ("SNP-10", GROUP, {"SnapshotArns": ["arn:aws:s3:::bucket/a,b.rdb"]}, {}),
    ("SNP-10", GROUP, {"SnapshotArns": ["arn:aws:s3:::bucket/a.rdb"], "SnapshotName": "before"}, {}),
    ("SNP-10", GROUP, {"SnapshotArns": ["arn:aws:s3:::bucket/a.rdb"] * 2}, {}),
    ("SNP-13", GROUP, {**SHARDS, "SnapshotArns": ["arn:aws:s3:::bucket/a.rdb"]}, {"parameters": ON}),
    ("SNP-13", GROUP, {"SnapshotArns": ["arn:aws:s3:::bucket/a.rdb", "arn:aws:s3:::bucket/b.rdb"]}, {}),
    ("TOP-14", GROUP, {"PreferredCacheClusterAZs": ["a", "b", "c"]}, {}),
    (
        "TOP-16",
        GROUP,
        {
            **SHARDS,
            "NodeGroupConfiguration": [
                {**each, "ReplicaCount": 1, "PrimaryAvailabilityZone": "a", "ReplicaAvailabilityZones": []}
                for each in _shards("0-1", "2-3", "4-16383")
            ],
        },
        {"parameters": ON},
    ),
    ("TOP-15", GROUP, {**SHARDS, "NodeGroupConfiguration": _shards("0-8191", "8192-16383")}, {"parameters": ON}),
    ("TOP-17", GROUP, {**SHARDS, "NodeGroupConfiguration": _shards("0-1", "2-3", "4-16382")}, {"parameters": ON}),
    ("TOP-17", GROUP, {**SHARDS, "NodeGroupConfiguration": _shards("0-1", "1-3", "4-16383")}, {"parameters": ON}),
    (
        "NAM-12",
        GROUP,
        {
            **SHARDS,
            "NodeGroupConfiguration": [
                {**each, "NodeGroupId": f"a{number}"} for number, each in enumerate(_shards("0-1", "2-3", "4-16383"))
            ],
        },
        {"parameters": ON},
    ),
    ("WIN-01", GROUP, {"PreferredMaintenanceWindow": "Sun:04:00-Sun:05:00"}, {}),
    ("LOG-01", GROUP, {"LogDeliveryConfigurations": [LOG, LOG]}, {}),
    ("LOG-02", TOKEN, {**REDIS_5, "LogDeliveryConfigurations": [LOG]}, {"family": "redis5.0"}),
    (
        "LOG-03",
        TOKEN,
        {**REDIS_6_0, "LogDeliveryConfigurations": [{**LOG, "LogType": "engine-log"}]},
        {"family": "redis6.x"},
    ),
    ("LOG-07", GROUP, {"LogDeliveryConfigurations": [STREAM]}, {"region": "ap-northeast-3"}),
    ("NET-12", GROUP, {"Port": 0}, {}),
    ("NET-13", TOKEN, {**REDIS_6_0, "NetworkType": "ipv6"}, {"family": "redis6.x"}),
    ("NET-14", GROUP, {"NetworkType": "dual_stack"}, {}),
    ("NET-16", GROUP, {"IpDiscovery": "ipv6"}, {}),
    ("DUR-01", DURABLE, {"Durability": "Sync"}, {}),
    ("DUR-02", DURABLE, {"EngineVersion": "8.2"}, {"family": "valkey8"}),
    ("DUR-02", DURABLE, {"TransitEncryptionMode": "preferred", "AuthToken": ABSENT}, {}),
    ("DUR-02", DURABLE, {"MultiAZEnabled": False}, {}),
    ("DUR-02", DURABLE, UNSHARDED, {"parameters": {}}),
    ("DUR-03", DURABLE, {"CacheNodeType": "cache.m5.large"}, {}),
    ("ASC-02", GROUP, {}, _scaled("Replicas")),
    ("ASC-03", TOKEN, {**REDIS_5, **SHARDS}, {"family": "redis5.0", "parameters": ON, **_scaled("NodeGroups")}),
    (
        "DTI-03",
        TOKEN,
        {**REDIS_6_2, **SHARDS, "CacheNodeType": "cache.r6gd.xlarge", "DataTieringEnabled": True},
        {"family": "redis6.x", "parameters": ON, **_scaled("NodeGroups")},
    ),
    ("ASC-04", GROUP, {**SHARDS, "CacheNodeType": "cache.t4g.medium"}, {"parameters": ON, **_scaled("NodeGroups")}),
    ("ASC-04", CLUSTER, {"CacheNodeType": "cache.r7g.4xlarge"}, _scaled("Nodes")),
    ("ASC-06", GROUP, SHARDS, {"parameters": ON, **_scaled("NodeGroups", Metric="REPLICA_CPU")}),
    ("ASC-06", CLUSTER, {}, _scaled("Nodes", TargetValue=101)),
    (
        "ASC-06",
        GROUP,
        {**SHARDS, "CacheNodeType": "cache.r6gd.xlarge", "DataTieringEnabled": True},
        {"parameters": ON, **_scaled("NodeGroups", Metric="MEMORY")},
    ),
    ("ASC-07", GROUP, SHARDS, {"parameters": ON, **_scaled("Replicas", MaxCapacity=6)}),
    ("ASC-07", CLUSTER, {}, _scaled("Nodes", MinCapacity=5)),
    (
        "ASC-08",
        GROUP,
        {**SHARDS, "NodeGroupConfiguration": _shards("0-1", "2-3", "4-16383")},
        {"parameters": ON, **_scaled("Replicas")},
    ),
    ("ASC-10", GROUP, SHARDS, {"parameters": ON, **_scaled("NodeGroups", MinCapacity=1, MaxCapacity=2)}),
    ("ASC-10", CLUSTER, {"NumCacheNodes": 5}, _scaled("Nodes")),
    ("ASC-11", GROUP, SHARDS, {"parameters": ON, **_scaled("Replicas", TargetValue=34)}),
    ("ASC-12", GROUP, SHARDS, {"parameters": {**ON, "reserved-memory-percent": "24"}, **_scaled("Replicas")}),
    ("MEM-05", CLUSTER, {"NumCacheNodes": 1, "AZMode": "single-az"}, _scaled("Nodes")),
    ("MEM-13", CLUSTER, {}, _scaled("Nodes", MaxCapacity=61)),
    ("MEM-13", CLUSTER, {}, {"region": "cn-north-1", **_scaled("Nodes")}),
    ("TOP-19", GROUP, SHARDS, {"parameters": ON, "node_quota": 90, **_scaled("NodeGroups", MaxCapacity=46)}),
    ("NAM-09", SERVERLESS, {"ServerlessCacheName": "Orders"}, {}),
    ("NAM-17", SERVERLESS, {"Description": "<orders>"}, {}),
    ("WIN-02", SERVERLESS, {"DailySnapshotTime": "2:00"}, {}),
    ("SLS-01", SERVERLESS, {"MajorEngineVersion": "6"}, {}),
    ("SLS-02", SERVERLESS, {"CacheUsageLimits": {"DataStorage": {"Maximum": 5001, "Unit": "GB"}}}, {}),
    ("SLS-02", SERVERLESS, {"CacheUsageLimits": {"DataStorage": {"Minimum": 2, "Maximum": 1, "Unit": "GB"}}}, {}),
    ("SLS-03", SERVERLESS, {"CacheUsageLimits": {"ECPUPerSecond": {"Maximum": 999}}}, {}),
    ("SLS-06", SERVERLESS, {"SubnetIds": ["a"]}, {}),
    ("SLS-08", SERVERLESS, {"NetworkType": "dualstack"}, {}),
    ("SLS-11", SERVERLESS, {"Engine": "memcached", "MajorEngineVersion": "1.6"}, {}),
    ("SLS-14", SERVERLESS, {"SnapshotRetentionLimit": 0}, {}),
    ("SLS-20", SERVERLESS, {"AuthToken": "reference"}, {}),
    ("SLS-09", PUBLIC, {"MajorEngineVersion": "8"}, {}),
    ("SLS-09", PUBLIC, {"SecurityGroupIds": ["group"]}, {}),
    ("SLS-10", PUBLIC, {}, users(IAM, {**DEFAULT, "UserId": "b", "UserName": "b"}, engine="valkey")),
    ("NET-10", GROUP, {"SecurityGroupIds": ["sg-1", {"Ref": "Nodes"}, "sg-1"]}, {}),
    ("NET-10", CLUSTER, {"VpcSecurityGroupIds": [f"{MADE_IN}{OTHER_VPC}"]}, {}),
    ("KMS-03", GROUP, {}, {"secrets_key": key_arn("us-east-1")}),
    ("KMS-03", GROUP, {}, {"secrets_key": "alias/app"}),
    ("LOG-06", GROUP, {"LogDeliveryConfigurations": [_log("caches/us-east-1")]}, {}),
    ("GDS-01", SECONDARY, {"CacheNodeType": "cache.t4g.small"}, {}),
    ("GDS-03", SECONDARY, {}, {"region": "eu-west-1"}),
    ("GDS-03", SECONDARY, {}, {"region": "cn-north-1"}),
    ("GDS-04", SECONDARY, {}, _joins(stated=frozenset({"Engine"}))),
    ("GDS-06", SECONDARY, {"SnapshotName": "before"}, {}),
    ("GDS-07", SECONDARY, {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False, "MultiAZEnabled": False}, {}),
    (
        "GDS-14",
        SECONDARY,
        {"UserGroupIds": ABSENT, "AuthToken": "reference"},
        {"users": (), "members": (), "user_groups": ()},
    ),
    ("NAM-11", SECONDARY, {}, _joins(global_datastore_id="gxeiz-shop_prod")),
    ("ENG-21", SECONDARY, {"AutoMinorVersionUpgrade": True}, {}),
    ("ENG-21", SECONDARY, {"EngineVersion": "7.0"}, {}),
    ("TOP-19", SECONDARY, {}, _joins(members={**PRIMARY.cache, "NumNodeGroups": 3})),
    ("primary", SECONDARY, {}, _joins(primary=edited(PRIMARY, {"AutoMinorVersionUpgrade": True}, {}))),
    ("SNP-20", SERVERLESS, {"SnapshotArnsToRestore": [{"Fn::Join": ["", ["arn:aws:s3:::", "dumps/1.rdb"]]}]}, {}),
]

BOTH = {
    "ENG-01": edited(TOKEN, {"Engine": "memcached", "EngineVersion": "1.6.22"}, {"family": "memcached1.6"}),
    "ENG-02": edited(CLUSTER, {"Engine": "redis", "EngineVersion": "7.1"}, {"family": "redis7"}),
    "NOD-03": edited(CLUSTER, {"CacheNodeType": "cache.r6gd.xlarge"}, {}),
    "TLS-02": edited(TOKEN, {**REDIS_5, "EngineVersion": "3.2.10"}, {"family": "redis3.2"}),
    "TOP-13": edited(
        GROUP,
        {**SHARDS, "NodeGroupConfiguration": _shards("0-1", "2-3", "4-16383"), "PreferredCacheClusterAZs": ["a"]},
        {"parameters": ON},
    ),
    "GDS-12": edited(SECONDARY, {"CacheNodeType": "cache.m6g.large"}, {"region": "ap-southeast-6"}),
    "ASC-05": edited(SECONDARY, SHARDS, {"parameters": ON, **_scaled("Replicas")}),
    "TOP-06": edited(GROUP, {**SHARDS, "ReplicasPerNodeGroup": 0}, {"parameters": ON}),
}
"""Faults that break another rule as well."""


RIGHT = {
    "group": GROUP,
    "token": TOKEN,
    "cluster": CLUSTER,
    "serverless": SERVERLESS,
    "durable": DURABLE,
    "secondary": SECONDARY,
    "given": edited(
        GROUP,
        {"SecurityGroupIds": ["sg-1", f"{MADE_IN}{VPC}"], "LogDeliveryConfigurations": [_log("caches/eu-west-1")]},
        {"secrets_key": key_arn("eu-west-1")},
    ),
    "scaled shards": edited(GROUP, SHARDS, {"parameters": ON, **_scaled("NodeGroups")}),
    "scaled replicas": edited(GROUP, SHARDS, {"parameters": ON, **_scaled("Replicas")}),
    "scaled nodes": edited(CLUSTER, {}, _scaled("Nodes")),
}


@pytest.mark.parametrize("wanted", RIGHT.values(), ids=RIGHT)
def test_what_is_right_breaks_no_rule(wanted: Asked) -> None:
    """A good cache of each kind is let pass."""
    assert [] == refusals(wanted)


@pytest.mark.parametrize(("rule", "base", "cache", "others"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_breaks_its_rule_alone(rule: str, base: Asked, cache: dict[str, Any], others: dict[str, Any]) -> None:
    """A cache with one fault is refused by the rule that the fault is made for."""
    assert [rule] == refusals(edited(base, cache, others))


@pytest.mark.parametrize("rule", BOTH)
def test_a_fault_breaks_its_rule_among_others(rule: str) -> None:
    """A fault that cannot be made alone is found as well."""
    assert rule in refusals(BOTH[rule])


def test_every_rule_has_a_fault() -> None:
    """No rule stands in the tables without a fault that it finds."""
    assert {*OF_NODES, *OF_SERVERLESS_CACHES, *OF_USERS, *GIVEN, *OF_SECONDARIES} == {
        *BOTH,
        *(fault[0] for fault in FAULTS),
    }


@pytest.mark.parametrize(
    ("rule", "cache", "others"),
    [
        ("GDS-01", {"CacheNodeType": "cache.r4.large"}, {}),
        ("GDS-02", {"EngineVersion": "5.0.5"}, {}),
        ("GDS-03", {}, {"region": None}),
        ("GDS-11", {"NetworkType": "ipv6"}, {}),
        ("GDS-11", {"Durability": "sync"}, {}),
        ("GDS-12", {}, {"region": "ap-southeast-6"}),
        ("ASC-05", {}, {"targets": ({"Dimension": "Replicas"},)}),
        ("ENG-21", {"AutoMinorVersionUpgrade": True}, {}),
    ],
)
def test_a_fault_keeps_a_group_from_being_a_primary(rule: str, cache: dict[str, Any], others: dict[str, Any]) -> None:
    """What a primary must not be, each fault by its rule; without one it is let pass."""
    assert ([], [rule]) == (breaks_as_primary(PRIMARY), breaks_as_primary(edited(PRIMARY, cache, others)))
