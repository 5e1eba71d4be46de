"""Every rule of the service about updates: a pair of templates that breaks it, and a neighbour that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.change_gate import Effect, compare, compare_stacks
from elasticache_rules.change_gate.service_rules.engines import family, version
from elasticache_rules.rules import page_of
from tests.change_gate.builders import (
    CLUSTER,
    GROUP,
    RESHARDING,
    TOKEN,
    beside,
    cluster,
    clustered,
    group,
    parameters,
    resource,
    scaled,
    serverless,
    template,
    user,
    user_group,
)
from tests.rules import in_code

if TYPE_CHECKING:
    from elasticache_rules.change_gate import Change
    from tests.change_gate.builders import Template

_CUSTOM = {"CacheParameterGroupName": {"Ref": "Parameters"}}
_ON = {"TransitEncryptionEnabled": True}
_REQUIRED = {**_ON, "TransitEncryptionMode": "required"}
_PREFERRED = {**_ON, "TransitEncryptionMode": "preferred"}
_SINGLE = {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False, "MultiAZEnabled": False}
_USERS = {**_REQUIRED, "UserGroupIds": [{"Ref": "Users"}]}
_MEMBER = {"GlobalReplicationGroupId": "sgaui-orders"}
_UNPLACED = {"PreferredAvailabilityZones": None}


def _logs(kind: str) -> dict[str, Any]:
    destination = {"CloudWatchLogsDetails": {"LogGroup": "logs"}}
    return {
        "LogDeliveryConfigurations": [
            {
                "LogType": kind,
                "LogFormat": "json",
                "DestinationType": "cloudwatch-logs",
                "DestinationDetails": destination,
            }
        ]
    }


def durable(**changes: Any) -> Template:
    """A group that can be durable, and is not unless the changes make it so."""
    return clustered(**{"Engine": "valkey", "EngineVersion": "9.1", **_REQUIRED, **changes})


def _shards(*replicas: int, **changes: Any) -> dict[str, Any]:
    groups = [
        {
            "NodeGroupId": f"{index:04}",
            "PrimaryAvailabilityZone": "eu-west-1a",
            "ReplicaAvailabilityZones": ["eu-west-1b"] * count,
            "ReplicaCount": count,
            **changes,
        }
        for index, count in enumerate(replicas, 1)
    ]
    return {"NumNodeGroups": len(groups), "ReplicasPerNodeGroup": None, "NodeGroupConfiguration": groups}


def _of(family: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"CacheParameterGroupFamily": family, "Properties": given}


def _subnets(*ids: str, name: str | None = None) -> dict[str, Any]:
    return resource("SubnetGroup", {"Description": "a", "SubnetIds": list(ids), "CacheSubnetGroupName": name})


def _valkey_with(users: str) -> Template:
    base = group(Engine="valkey", EngineVersion="7.2", **_USERS)
    return beside(base, Users=user_group(users, "User"), **user(Engine=users)["Resources"])


def _redis_with(users: str) -> Template:
    base = group(**_USERS)
    return beside(base, Users=user_group(users, "User"), **user(Engine=users)["Resources"])


_ALL_LOGGED_OUT = (
    "a cache has one user group, and no user of the old one is in the new one: every client is logged out, and cannot "
    "log in until it has the login of another user"
)


def _two_users(*names: str) -> dict[str, Any]:
    return {name: user()["Resources"]["User"] for name in names or ("A", "B")}


def _shared_in_two_steps() -> tuple[Template, Template]:
    """The new group has a user that the old one has, and that stays."""
    old = beside(group(**_REQUIRED, UserGroupIds=[{"Ref": "Old"}]), Old=user_group("redis", "A", "B"), **_two_users())
    new = beside(group(**_REQUIRED, UserGroupIds=[{"Ref": "New"}]), New=user_group("redis", "B"), **_two_users("B"))
    return old, new


@dataclass(frozen=True, slots=True)
class Row:
    """A rule, a pair that it speaks about, and what it says; and a pair close by about which it does not."""

    rule: str
    old: Template
    new: Template
    at: str
    effect: Effect
    says: str
    near: tuple[Template, Template]
    stops: bool = False
    """Whether it stops a deployment although its effect does not always."""


_ID_OF_GROUP = {"Fn::Join": ["/", ["replication-group", {"Ref": "Cache"}]]}


def _owned(old: Template, new: Template, dimension: str, resource_id: object) -> tuple[Template, Template]:
    return beside(old, Target=scaled(dimension, resource_id)), beside(new, Target=scaled(dimension, resource_id))


_OWNS = (
    "Target owns the number: how many there are today is not known here, and CloudFormation sets the template's number "
    "over it, which may take many away at once"
)
_OWNED = [
    Row(
        "ASC-08", *_owned(old, new, dimension, resource_id), f"Cache.{name}", Effect.NOT_JUDGED, _OWNS, near, stops=True
    )
    for name, old, new, dimension, resource_id, near in (
        (
            "NumNodeGroups",
            clustered(),
            clustered(NumNodeGroups=3),
            "replication-group:NodeGroups",
            _ID_OF_GROUP,
            (clustered(), clustered(NumNodeGroups=3)),
        ),
        (
            "NumNodeGroups",
            clustered(ReplicationGroupId="Orders"),
            clustered(ReplicationGroupId="Orders", NumNodeGroups=3),
            "replication-group:NodeGroups",
            "replication-group/orders",
            _owned(
                clustered(ReplicationGroupId="Orders"),
                clustered(ReplicationGroupId="Orders", NumNodeGroups=3),
                "replication-group:NodeGroups",
                "replication-group/carts",
            ),
        ),
        (
            "NumNodeGroups",
            clustered(),
            clustered(NumNodeGroups=1),
            "replication-group:NodeGroups",
            {"Fn::Sub": "replication-group/${Name}"},
            _owned(
                clustered(),
                clustered(NumNodeGroups=1),
                "replication-group:Replicas",
                {"Fn::Sub": "replication-group/${Name}"},
            ),
        ),
        (
            "ReplicasPerNodeGroup",
            clustered(),
            clustered(ReplicasPerNodeGroup=2),
            "replication-group:Replicas",
            {"Fn::Sub": "replication-group/${Cache}"},
            (clustered(), clustered(ReplicasPerNodeGroup=2)),
        ),
        (
            "NumCacheNodes",
            cluster(),
            cluster(NumCacheNodes=3),
            "cache-cluster:Nodes",
            {"Fn::Sub": "cache-cluster/${Cache}"},
            (cluster(), beside(cluster(NumCacheNodes=3), Target=scaled("cache-cluster:Nodes", _ID_OF_GROUP))),
        ),
    )
]
_ID_OF_CLUSTER = {"Fn::Join": ["/", ["cache-cluster", {"Ref": "Cache"}]]}


def _up_to(base: Template, maximum: object, kind: str = "replication-group:NodeGroups", **changes: Any) -> Template:
    resource_id = _ID_OF_CLUSTER if kind.startswith("cache-cluster") else _ID_OF_GROUP
    return beside(base, Target=scaled(kind, resource_id, MaxCapacity=maximum, **changes))


_NODES = "cache-cluster:Nodes"
_LOSES_NODES = "the service takes away nodes above 4, if there are any, with what they hold"
_CAPACITY = [
    Row(
        "ASC-10",
        _up_to(clustered(), 8),
        _up_to(clustered(), 4),
        "Target.MaxCapacity",
        Effect.IN_PLACE,
        "the service takes away shards above 4, if there are any",
        (_up_to(clustered(), 4), _up_to(clustered(), 8)),
    ),
    Row(
        "ASC-10",
        _up_to(clustered(), 4, "replication-group:Replicas"),
        _up_to(clustered(), 2, "replication-group:Replicas"),
        "Target.MaxCapacity",
        Effect.IN_PLACE,
        "the service takes away replicas of each shard above 2, if there are any",
        (
            _up_to(clustered(), 4, "replication-group:Replicas"),
            _up_to(clustered(), 4, "replication-group:Replicas", MinCapacity=3),
        ),
    ),
    Row(
        "ASC-10",
        _up_to(cluster(), 8, _NODES),
        _up_to(cluster(), 4, _NODES),
        "Target.MaxCapacity",
        Effect.DATA_LOSS,
        _LOSES_NODES,
        (_up_to(cluster(), 4, _NODES), _up_to(cluster(), 8, _NODES)),
    ),
    Row(
        "ASC-10",
        _up_to(cluster(), 8, _NODES),
        _up_to(cluster(), {"Ref": "Most"}, _NODES),
        "Target.MaxCapacity",
        Effect.NOT_JUDGED,
        "the service takes away what is above the maximum, and the maximum is known at deployment only",
        (_up_to(cluster(), {"Ref": "Most"}, _NODES), _up_to(cluster(), {"Ref": "Most"}, _NODES, MinCapacity=2)),
    ),
    Row(
        "ASC-10",
        cluster(NumCacheNodes=5),
        _up_to(cluster(NumCacheNodes=5), 4, _NODES),
        "Target.MaxCapacity",
        Effect.DATA_LOSS,
        _LOSES_NODES,
        (cluster(NumCacheNodes=4), _up_to(cluster(NumCacheNodes=4), 4, _NODES)),
    ),
    Row(
        "ASC-10",
        clustered(NumNodeGroups=5),
        _up_to(clustered(NumNodeGroups=5), 4),
        "Target.MaxCapacity",
        Effect.IN_PLACE,
        "the service takes away shards above 4, if there are any",
        (clustered(), _up_to(clustered(), 4)),
    ),
]

_PRIMARY = {"ReplicationGroupId": {"Ref": "Cache"}, "ReplicationGroupRegion": "eu-west-1", "Role": "PRIMARY"}
_FRANKFURT = {"ReplicationGroupId": "shop-eu", "ReplicationGroupRegion": "eu-central-1", "Role": "SECONDARY"}
_PARIS = {"ReplicationGroupId": "shop-fr", "ReplicationGroupRegion": "eu-west-3", "Role": "SECONDARY"}


def _global(*members: dict[str, Any], attributes: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    properties = {"GlobalReplicationGroupIdSuffix": "shop", "Members": [*members] or [_PRIMARY], **changes}
    return resource("GlobalReplicationGroup", properties, **(attributes or {}))


def _store(*members: dict[str, Any], **changes: Any) -> Template:
    """A primary ``Cache`` with its global datastore ``Global``."""
    return beside(group(), Global=_global(*members, **changes))


def _of_primary(base: Template) -> Template:
    return beside(base, Global=_global())


_GLOBAL = [
    *(
        Row(
            rule,
            _of_primary(before),
            _of_primary(after),
            f"Cache.{name}",
            Effect.REJECTED,
            says,
            (before, after),
        )
        for rule, name, says, before, after in (
            (
                "ENG-21",
                "EngineVersion",
                "a member of a global datastore cannot be upgraded on its own",
                group(EngineVersion="7.0"),
                group(),
            ),
            (
                "GDS-08",
                "CacheNodeType",
                "a member of a global datastore cannot be scaled on its own",
                group(),
                group(CacheNodeType="cache.r7g.xlarge"),
            ),
            (
                "GDS-09",
                "CacheParameterGroupName",
                (
                    "a member of a global datastore changes its parameter group only in a major upgrade of the whole "
                    "datastore"
                ),
                group(),
                group(CacheParameterGroupName="own"),
            ),
            (
                "ENG-21",
                "AutoMinorVersionUpgrade",
                "the service keeps it off for a member of a global datastore",
                group(AutoMinorVersionUpgrade=False),
                group(AutoMinorVersionUpgrade=True),
            ),
            (
                "GDS-14",
                "AutomaticFailoverEnabled",
                "failover is decided by the global datastore for all its members",
                group(),
                group(AutomaticFailoverEnabled=False, MultiAZEnabled=False),
            ),
            (
                "GDS-14",
                "NumNodeGroups",
                "a member of a global datastore has the shards of all members",
                clustered(),
                clustered(NumNodeGroups=3),
            ),
            (
                "GDS-04",
                "TransitEncryptionMode",
                "a member of a global datastore has the encryption of all members",
                group(**_PREFERRED),
                group(**_REQUIRED),
            ),
        )
    ),
    Row(
        "NAM-11",
        _store(),
        _store(GlobalReplicationGroupIdSuffix="shops"),
        "Global.GlobalReplicationGroupIdSuffix",
        Effect.REJECTED,
        "the id is made with the global datastore, and stays",
        (_store(), _store(GlobalReplicationGroupDescription="the shop's")),
    ),
    Row(
        "GDS-08",
        _store(_PRIMARY, _FRANKFURT),
        _store(_PRIMARY, _FRANKFURT, CacheNodeType="cache.r7g.xlarge"),
        "Global.CacheNodeType",
        Effect.INTERRUPTION,
        "all members are scaled online: a failover of seconds per shard in each Region",
        (_store(_PRIMARY, _FRANKFURT), _store(_PRIMARY, _FRANKFURT, GlobalReplicationGroupDescription="a")),
    ),
    Row(
        "ENG-21",
        _store(_PRIMARY, _FRANKFURT),
        _store(_PRIMARY, _FRANKFURT, EngineVersion="7.1"),
        "Global.EngineVersion",
        Effect.INTERRUPTION,
        "all members are upgraded, with a failover of seconds per shard in each Region; there is no way back",
        (_store(_PRIMARY, _FRANKFURT), _store(_PRIMARY, _FRANKFURT, GlobalReplicationGroupDescription="a")),
    ),
    Row(
        "UPD-06",
        _store(_PRIMARY, _FRANKFURT),
        _store(_PRIMARY, _FRANKFURT, GlobalNodeGroupCount=3)
        | {
            "Resources": {
                **_store(_PRIMARY, _FRANKFURT, GlobalNodeGroupCount=3)["Resources"],
                "Cache": resource("ReplicationGroup", GROUP | {"SnapshotRetentionLimit": 9}),
            }
        },
        "Global.GlobalNodeGroupCount",
        Effect.SEVERAL_DEPLOYMENTS,
        "a resharding that fails is not rolled back, and everything else is",
        (_store(_PRIMARY, _FRANKFURT), _store(_PRIMARY, _FRANKFURT, GlobalNodeGroupCount=3)),
    ),
    Row(
        "GDS-15",
        _store(),
        _store(CacheNodeType="cache.r7g.xlarge"),
        "Global.Members",
        Effect.NOT_JUDGED,
        "its list has the primary alone: whether the service takes secondaries out that it does not name is not "
        "documented",
        (_store(_PRIMARY, _PARIS), _store(_PRIMARY, _PARIS, CacheNodeType="cache.r7g.xlarge")),
        stops=True,
    ),
    Row(
        "GDS-10",
        _store(_PRIMARY, _FRANKFURT, _PARIS),
        _store(_PRIMARY, _PARIS),
        "Global.Members",
        Effect.DATA_LOSS,
        "the member in eu-central-1 leaves: it keeps its data, takes writes, and follows no longer",
        (_store(_PRIMARY), _store(_PARIS, _PRIMARY)),
    ),
    Row(
        "GDS-14",
        _store(_PRIMARY, _FRANKFURT),
        _store({**_PRIMARY, "Role": "SECONDARY"}, {**_FRANKFURT, "Role": "PRIMARY"}),
        "Global.Members",
        Effect.DATA_LOSS,
        "another member becomes the primary: what was not replicated to it is lost, and writes fail meanwhile",
        (_store(_PRIMARY, _FRANKFURT), _store(_FRANKFURT, _PRIMARY)),
    ),
    Row(
        "GDS-15",
        group(),
        _store(_PRIMARY, _FRANKFURT),
        "Global.Members",
        Effect.REJECTED,
        "a global datastore is created with its primary alone",
        (group(), _store()),
    ),
    Row(
        "GDS-16",
        group(),
        _store(EngineVersion="7.1"),
        "Global.EngineVersion",
        Effect.SEVERAL_DEPLOYMENTS,
        "CloudFormation ignores it when it creates the global datastore, and afterwards sees no change",
        (group(), _store()),
    ),
    *(
        Row(
            "GDS-10",
            before,
            template(),
            "Cache.(resource)",
            Effect.REJECTED,
            "a member of a global datastore is not deleted: a secondary leaves it first, a primary when it has none "
            "left",
            (template(Cache=resource("ReplicationGroup", GROUP, DeletionPolicy="Snapshot")), template()),
        )
        for before in (_store(attributes={"DeletionPolicy": "Retain"}), group(**_MEMBER))
    ),
    Row(
        "GDS-13",
        beside(_of_primary(group(**_CUSTOM)), Parameters=parameters(timeout="300")),
        beside(_of_primary(group(**_CUSTOM)), Parameters=parameters(timeout="600")),
        "Parameters.Properties",
        Effect.NOT_JUDGED,
        "Cache is in a global datastore, whose members use copies that the service made: whether this reaches them is "
        "not known here",
        (
            beside(group(**_CUSTOM), Parameters=parameters(timeout="300")),
            beside(group(**_CUSTOM), Parameters=parameters(timeout="600")),
        ),
    ),
]
_TAGGED, _RETAGGED = [{"Key": "stage", "Value": "dev"}], [{"Key": "stage", "Value": "prod"}]


def _with_tags(kind: str, tags: object, **changes: object) -> Template:
    return template(Users=resource(kind, {"UserGroupId": "users", "Engine": "redis", "Tags": tags, **changes}))


ROWS = [
    *_OWNED,
    *_CAPACITY,
    *_GLOBAL,
    Row(
        "TAG-03",
        _with_tags("UserGroup", _TAGGED),
        _with_tags("UserGroup", _RETAGGED),
        "Users.Tags",
        Effect.REJECTED,
        "CloudFormation fails to change the tags of a user group that exists, and rolls the stack back",
        (_with_tags("SubnetGroup", _TAGGED), _with_tags("SubnetGroup", _RETAGGED)),
    ),
    Row(
        "TAG-03",
        _with_tags("User", None, AccessString="on ~* +@read"),
        _with_tags("User", _RETAGGED, AccessString="on ~* +@write"),
        "Users.Tags",
        Effect.NOT_JUDGED,
        "the service may refuse tags of a user that is being changed; here with AccessString",
        (_with_tags("User", None), _with_tags("User", _RETAGGED)),
    ),
    Row(
        "TOP-23",
        clustered(ClusterMode="Enabled"),
        clustered(ClusterMode="Enabled", SnapshotRetentionLimit=9),
        "Cache.ClusterMode",
        Effect.REJECTED,
        "Enabled is not how the service writes it: CloudFormation takes it for a change of the mode in every update, "
        "which goes with no other; here with SnapshotRetentionLimit",
        (clustered(ClusterMode="Enabled"), clustered(SnapshotRetentionLimit=9)),
    ),
    Row(
        "TOP-23",
        clustered(None, ClusterMode=None, **_ON),
        clustered(None, **_REQUIRED),
        "Cache.ClusterMode",
        Effect.SEVERAL_DEPLOYMENTS,
        "the mode is stated alone, or with its parameter group; here with TransitEncryptionMode",
        (clustered(ClusterMode=None), clustered()),
    ),
    Row(
        "DUR-04",
        clustered(Durability="sync"),
        clustered(Durability="async"),
        "Cache.Durability",
        Effect.IN_PLACE,
        "switched while the group serves: from now on a failure may lose writes of the last 10 seconds",
        (clustered(Durability="ASYNC"), clustered(Durability="sync", SnapshotRetentionLimit=9)),
    ),
    Row(
        "DUR-04",
        clustered(Durability="async"),
        clustered(Durability="sync", SnapshotRetentionLimit=9),
        "Cache.Durability",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service switches durability in a separate update; here with SnapshotRetentionLimit",
        (clustered(Durability="async"), clustered(Durability="sync")),
    ),
    Row(
        "DUR-04",
        clustered(Durability="async"),
        clustered(Durability="disabled"),
        "Cache.Durability",
        Effect.IN_PLACE,
        "switched while the group serves: from now on a failure may lose what no replica has received",
        (clustered(Durability="async"), clustered(Durability="disabled", SnapshotRetentionLimit=9)),
    ),
    Row(
        "DUR-04",
        clustered(Durability={"Ref": "Mode"}),
        clustered(Durability="sync"),
        "Cache.Durability",
        Effect.NOT_JUDGED,
        "whether writes are durable afterwards, and whether the group can do it, is known at deployment only",
        (clustered(Durability="async"), clustered(Durability="sync")),
    ),
    Row(
        "DUR-04",
        clustered(Durability="async"),
        clustered(Durability="of-tomorrow"),
        "Cache.Durability",
        Effect.NOT_JUDGED,
        "whether writes are durable afterwards, and whether the group can do it, is known at deployment only",
        (clustered(Durability="async"), clustered(Durability="Sync")),
    ),
    Row(
        "DUR-04",
        durable(),
        durable(Durability="sync"),
        "Cache.Durability",
        Effect.IN_PLACE,
        "switched while the group serves: a write waits for the transaction log from now on",
        (durable(), durable(Durability="sync", SnapshotRetentionLimit=9)),
    ),
    Row(
        "DUR-04",
        durable(),
        durable(Durability="sync", SnapshotRetentionLimit=9),
        "Cache.Durability",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service switches durability in a separate update; here with SnapshotRetentionLimit",
        (durable(), durable(Durability="sync")),
    ),
    *(
        Row(
            "DUR-02",
            durable(**lacking),
            durable(**lacking, Durability="sync"),
            "Cache.Durability",
            Effect.REJECTED,
            reason,
            (durable(), durable(Durability="sync")),
        )
        for lacking, reason in (
            ({"EngineVersion": "8.2"}, "it needs Valkey 9.0 before it is turned on"),
            ({"Engine": "redis", "EngineVersion": "7.1"}, "it needs Valkey 9.0 before it is turned on"),
            (
                {"NumNodeGroups": None, "ReplicasPerNodeGroup": None, "NumCacheClusters": 2, "ClusterMode": "disabled"},
                "it needs cluster mode before it is turned on",
            ),
            ({"MultiAZEnabled": False}, "it needs Multi-AZ with a replica in each shard before it is turned on"),
            ({"TransitEncryptionEnabled": False}, "it needs TLS, required, before it is turned on"),
            ({"TransitEncryptionMode": "preferred"}, "it needs TLS, required, before it is turned on"),
            ({"GlobalReplicationGroupId": "global"}, "a member of a global datastore cannot be durable"),
        )
    ),
    Row(
        "NAM-15",
        group(ReplicationGroupId="orders", Port=6379),
        group(ReplicationGroupId="orders", Port=6380),
        "Cache.ReplicationGroupId",
        Effect.REJECTED,
        "CloudFormation makes the new resource before it deletes the old one, and the name is taken",
        (group(Port=6379), group(Port=6380)),
    ),
    Row(
        "ENG-10",
        group(),
        group(EngineVersion="7.0"),
        "Cache.EngineVersion",
        Effect.REJECTED,
        "an engine version cannot be lowered",
        (group(EngineVersion="7.0"), group(EngineVersion="7.1")),
    ),
    Row(
        "ENG-10",
        cluster(),
        cluster(EngineVersion="1.6.12"),
        "Cache.EngineVersion",
        Effect.REJECTED,
        "an engine version cannot be lowered",
        (cluster(), cluster(EngineVersion="1.6.22")),
    ),
    Row(
        "ENG-11",
        group(),
        group(Engine="valkey", EngineVersion="8.2"),
        "Cache.Engine",
        Effect.INTERRUPTION,
        "node by node, with a failover of seconds per shard; endpoints stay",
        (group(Engine="valkey", EngineVersion="8.1"), group(Engine="valkey", EngineVersion="8.2")),
    ),
    Row(
        "ENG-11",
        group(),
        group(Engine="valkey", EngineVersion=None),
        "Cache.Engine",
        Effect.REJECTED,
        "Valkey has no default version",
        (group(), group(Engine="valkey", EngineVersion="8.2")),
    ),
    Row(
        "ENG-11",
        beside(group(**_CUSTOM), Parameters=parameters()),
        beside(group(**_CUSTOM, Engine="valkey", EngineVersion="8.2"), Parameters=parameters()),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "expected a parameter group of family valkey8 but found one of family redis7",
        (
            beside(group(**_CUSTOM), Parameters=parameters()),
            beside(
                group(CacheParameterGroupName={"Ref": "Other"}, Engine="valkey", EngineVersion="8.2"),
                Other=parameters("valkey8"),
            ),
        ),
    ),
    Row(
        "ENG-24",
        beside(group(**_CUSTOM), Parameters=parameters(databases="4")),
        beside(
            group(CacheParameterGroupName={"Ref": "Other"}, Engine="valkey", EngineVersion="8.2"),
            Other=parameters("valkey8"),
        ),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "databases must be the same in the old and in the new parameter group",
        (
            beside(group(**_CUSTOM), Parameters=parameters(databases="4")),
            beside(
                group(CacheParameterGroupName={"Ref": "Other"}, Engine="valkey", EngineVersion="8.2"),
                Other=parameters("valkey8", databases="4"),
            ),
        ),
    ),
    Row(
        "ENG-24",
        group(CacheParameterGroupName="default.redis7.cluster.on"),
        group(CacheParameterGroupName="default.valkey8", Engine="valkey", EngineVersion="8.2"),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "cluster-enabled must be the same in the old and in the new parameter group",
        (
            beside(group(CacheParameterGroupName="default.redis7"), Other=parameters("valkey8")),
            beside(
                group(CacheParameterGroupName={"Ref": "Other"}, Engine="valkey", EngineVersion="8.2"),
                Other=parameters("valkey8", databases="16"),
            ),
        ),
    ),
    Row(
        "ENG-12",
        group(Engine="valkey", EngineVersion="8.0"),
        group(EngineVersion="7.1"),
        "Cache.Engine",
        Effect.REJECTED,
        "the only way back is from Valkey 7.2 to Redis 7.1",
        (group(Engine="valkey", EngineVersion="7.2"), group(EngineVersion="7.1")),
    ),
    Row(
        "ENG-12",
        _valkey_with("valkey"),
        _redis_with("valkey"),
        "Cache.Engine",
        Effect.REJECTED,
        "a Redis group takes users and user groups of engine redis only; Users, User are of valkey",
        (_valkey_with("redis"), _redis_with("redis")),
    ),
    Row(
        "ENG-12",
        _valkey_with("redis"),
        _redis_with("redis"),
        "Cache.Engine",
        Effect.INTERRUPTION,
        "node by node, with a failover of seconds",
        (_valkey_with("redis"), _valkey_with("redis")),
    ),
    Row(
        "ENG-13",
        _redis_with("redis"),
        _valkey_with("valkey"),
        "Users.Engine",
        Effect.SEVERAL_DEPLOYMENTS,
        "CloudFormation changes it before Cache, which takes groups of redis until then",
        (_redis_with("redis"), _valkey_with("redis")),
    ),
    Row(
        "ENG-13",
        _valkey_with("redis"),
        _valkey_with("valkey"),
        "Users.Engine",
        Effect.IN_PLACE,
        "needs a password or IAM for every user, and closes the way back from Valkey 7.2 to Redis 7.1",
        (_valkey_with("redis"), _valkey_with("redis")),
    ),
    Row(
        "ENG-13",
        _valkey_with("redis"),
        _valkey_with("valkey"),
        "User.Engine",
        Effect.SEVERAL_DEPLOYMENTS,
        "CloudFormation changes it before Users, which takes users of redis until then",
        (user(), user(Engine="valkey")),
    ),
    Row(
        "ENG-14",
        cluster(),
        cluster(EngineVersion="1.6.22"),
        "Cache.EngineVersion",
        Effect.DATA_LOSS,
        "every node restarts empty",
        (cluster(Engine="redis", EngineVersion="7.0"), cluster(Engine="redis", EngineVersion="7.1")),
    ),
    Row(
        "ENG-15",
        cluster(),
        cluster(Engine="redis", EngineVersion="7.1"),
        "Cache.Engine",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (cluster(), cluster(EngineVersion="1.6.22")),
    ),
    Row(
        "ENG-16",
        beside(group(**_CUSTOM, EngineVersion="6.2"), Parameters=parameters("redis6.x")),
        beside(group(**_CUSTOM), Parameters=parameters("redis6.x")),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "expected a parameter group of family redis7 but found one of family redis6.x",
        (
            beside(group(**_CUSTOM, EngineVersion="6.2"), Parameters=parameters("redis6.x")),
            beside(group(CacheParameterGroupName={"Ref": "Other"}), Other=parameters()),
        ),
    ),
    Row(
        "ENG-16",
        group(CacheParameterGroupName="made-by-hand", EngineVersion="6.2"),
        group(CacheParameterGroupName="made-by-hand"),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "expected a parameter group of family redis7 but found one of family redis6.x",
        (
            group(CacheParameterGroupName="made-by-hand", EngineVersion="7.0"),
            group(CacheParameterGroupName="made-by-hand"),
        ),
    ),
    Row(
        "ENG-21",
        group(**_MEMBER),
        group(**_MEMBER, Engine="valkey", EngineVersion="8.2"),
        "Cache.Engine",
        Effect.REJECTED,
        "a member of a global datastore cannot be upgraded on its own",
        (group(), group(Engine="valkey", EngineVersion="8.2")),
    ),
    Row(
        "ENG-21",
        group(**_MEMBER, EngineVersion="7.0"),
        group(**_MEMBER),
        "Cache.EngineVersion",
        Effect.REJECTED,
        "a member of a global datastore cannot be upgraded on its own",
        (group(EngineVersion="7.0"), group()),
    ),
    Row(
        "ENG-23",
        group(EngineVersion="7.0"),
        group(CacheNodeType="cache.r7g.xlarge"),
        "Cache.EngineVersion",
        Effect.INTERRUPTION,
        "runs together with the change of the node type: each waits for, and fails with, the other",
        (group(EngineVersion="7.0"), group()),
    ),
    Row(
        "PGR-02",
        beside(group(**_CUSTOM), Parameters=parameters()),
        beside(group(**_CUSTOM), Parameters=parameters("valkey8")),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "expected a parameter group of family redis7 but found one of family valkey8",
        (
            beside(group(**_CUSTOM), Parameters=parameters()),
            beside(group(**_CUSTOM, Engine="valkey", EngineVersion="8.2"), Parameters=parameters("valkey8")),
        ),
    ),
    Row(
        "PGR-02",
        beside(group(**_CUSTOM), Parameters=parameters()),
        beside(group(**_CUSTOM, Engine="valkey", EngineVersion="8.2"), Parameters=parameters("valkey8")),
        "Parameters.CacheParameterGroupFamily",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (
            beside(group(**_CUSTOM), Parameters=parameters()),
            beside(group(**_CUSTOM), Parameters=parameters(timeout="60")),
        ),
    ),
    Row(
        "PGR-07",
        beside(group(**_CUSTOM), Parameters=parameters()),
        beside(group(**_CUSTOM), Parameters=parameters(cluster_enabled="yes")),
        "Parameters.Properties",
        Effect.REJECTED,
        "cluster-enabled is set when a parameter group is made",
        (template(Parameters=parameters()), template(Parameters=parameters(cluster_enabled="yes"))),
    ),
    Row(
        "PGR-07",
        group(CacheParameterGroupName="default.redis7"),
        group(CacheParameterGroupName="default.redis7.cluster.on"),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "a group in mode disabled does not take a parameter group for mode enabled",
        (
            group(CacheParameterGroupName="default.redis7"),
            group(CacheParameterGroupName="default.redis7.cluster.on", ClusterMode="compatible"),
        ),
    ),
    Row(
        "PGR-08",
        beside(group(**_CUSTOM), Parameters=parameters()),
        beside(group(**_CUSTOM), Parameters=parameters(databases="4")),
        "Parameters.Properties",
        Effect.REJECTED,
        "databases can be set only while no cache uses the group",
        (template(Parameters=parameters()), template(Parameters=parameters(databases="4"))),
    ),
    Row(
        "PGR-09",
        beside(group(**_CUSTOM), Parameters=parameters()),
        group(CacheParameterGroupName="default.redis7"),
        "Cache.CacheParameterGroupName",
        Effect.IN_PLACE,
        "every parameter goes back to the service's default; the parameters of a default group cannot be changed",
        (
            beside(group(**_CUSTOM), Parameters=parameters()),
            beside(group(CacheParameterGroupName={"Ref": "Other"}), Other=parameters()),
        ),
    ),
    Row(
        "PGR-10",
        template(Parameters=parameters()),
        template(Parameters=parameters(**{f"parameter-{index}": "1" for index in range(21)})),
        "Parameters.Properties",
        Effect.IN_PLACE,
        "21 parameters are sent in calls of 20: for a while some are new and some old",
        (
            template(Parameters=parameters()),
            template(Parameters=parameters(**{f"parameter-{index}": "1" for index in range(20)})),
        ),
    ),
    Row(
        "PGR-15",
        beside(cluster(**_CUSTOM), Parameters=parameters("memcached1.6")),
        beside(cluster(**_CUSTOM), Parameters=parameters("memcached1.6", max_item_size="2097152", chunk_size="96")),
        "Parameters.Properties",
        Effect.IN_PLACE,
        "chunk_size and max_item_size take effect when the nodes are rebooted, which CloudFormation does not do",
        (
            beside(cluster(**_CUSTOM), Parameters=parameters("memcached1.6")),
            beside(cluster(**_CUSTOM), Parameters=parameters("memcached1.6", watch="fetchers")),
        ),
    ),
    Row(
        "NOD-17",
        group(),
        group(CacheNodeType="cache.r7g.xlarge"),
        "Cache.CacheNodeType",
        Effect.INTERRUPTION,
        "scaled online: a failover of seconds per shard; a smaller type is refused when the data does not fit",
        (group(), group(SnapshotRetentionLimit=8)),
    ),
    Row(
        "NOD-17",
        cluster(Engine="redis", EngineVersion="7.1"),
        cluster(Engine="redis", EngineVersion="7.1", CacheNodeType="cache.r7g.xlarge"),
        "Cache.CacheNodeType",
        Effect.INTERRUPTION,
        "the node is away while it is exchanged",
        (cluster(), cluster(CacheNodeType="cache.r7g.xlarge")),
    ),
    Row(
        "NOD-18",
        group(CacheNodeType="cache.r6gd.xlarge"),
        group(CacheNodeType="cache.r6g.xlarge"),
        "Cache.CacheNodeType",
        Effect.REJECTED,
        "a group cannot move to or from r6gd, the node type with data tiering",
        (group(CacheNodeType="cache.r6g.xlarge"), group(CacheNodeType="cache.r7g.xlarge")),
    ),
    Row(
        "NOD-19",
        cluster(),
        cluster(CacheNodeType="cache.r7g.xlarge"),
        "Cache.CacheNodeType",
        Effect.DATA_LOSS,
        "every node is exchanged for an empty one",
        (
            cluster(Engine="redis", EngineVersion="7.1"),
            cluster(Engine="redis", EngineVersion="7.1", CacheNodeType="cache.r7g.xlarge"),
        ),
    ),
    Row(
        "TOP-05",
        clustered(),
        clustered(AutomaticFailoverEnabled=False),
        "Cache.AutomaticFailoverEnabled",
        Effect.REJECTED,
        "failover cannot be turned off in cluster mode",
        (group(), group(AutomaticFailoverEnabled=False, MultiAZEnabled=False)),
    ),
    Row(
        "TOP-07",
        group(**_SINGLE),
        group(),
        "Cache.AutomaticFailoverEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "CloudFormation asks for failover before the replica exists",
        (group(**_SINGLE), group(**_SINGLE | {"NumCacheClusters": 2})),
    ),
    Row(
        "UPD-08",
        group(**_SINGLE | {"AutomaticFailoverEnabled": True}),
        group(),
        "Cache.MultiAZEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "CloudFormation asks for failover before the replica exists",
        (group(MultiAZEnabled=False), group()),
    ),
    Row(
        "TOP-18",
        clustered(**_shards(1, 1)),
        clustered(**_shards(2, 1)),
        "Cache.NodeGroupConfiguration",
        Effect.REJECTED,
        "the replicas of shard 0001, which exists, cannot be changed here",
        (clustered(**_shards(1, 1)), clustered(**_shards(1, 1, 1))),
    ),
    Row(
        "TOP-21",
        group(NumNodeGroups=1),
        group(NumNodeGroups=2),
        "Cache.NumNodeGroups",
        Effect.REJECTED,
        "shards can be added and removed in cluster mode only",
        (clustered(), clustered(NumNodeGroups=3)),
    ),
    Row(
        "TOP-22",
        group(),
        group(ClusterMode="enabled"),
        "Cache.ClusterMode",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service goes from disabled to enabled by way of compatible only",
        (group(), group(ClusterMode="compatible")),
    ),
    Row(
        "TOP-22",
        group(ClusterMode="enabled"),
        group(ClusterMode="compatible"),
        "Cache.ClusterMode",
        Effect.REJECTED,
        "cluster mode cannot be turned off",
        (group(ClusterMode="compatible"), group(ClusterMode="disabled")),
    ),
    Row(
        "TOP-22",
        group(ClusterMode="compatible"),
        group(ClusterMode="enabled"),
        "Cache.ClusterMode",
        Effect.INTERRUPTION,
        "clients that do not speak the cluster protocol lose their endpoint",
        (group(ClusterMode="enabled"), group(ClusterMode="enabled")),
    ),
    Row(
        "TOP-23",
        group(EngineVersion="6.2"),
        group(EngineVersion="6.2", ClusterMode="compatible"),
        "Cache.ClusterMode",
        Effect.REJECTED,
        "changing the mode needs at least Redis OSS 7.0 or Valkey 7.2",
        (group(EngineVersion="7.0"), group(EngineVersion="7.0", ClusterMode="compatible")),
    ),
    Row(
        "TOP-23",
        clustered(EngineVersion="6.2", ClusterMode=None),
        clustered(),
        "Cache.ClusterMode",
        Effect.NOT_JUDGED,
        "the version that runs, 6.2, does not know it; whether the service refuses it together with the upgrade is not "
        "documented",
        (clustered(EngineVersion="7.0", ClusterMode=None), clustered()),
    ),
    Row(
        "TLS-06",
        group(**_ON, EngineVersion="6.2"),
        group(**_REQUIRED),
        "Cache.TransitEncryptionMode",
        Effect.NOT_JUDGED,
        "the version that runs, 6.2, does not know it; whether the service refuses it together with the upgrade is not "
        "documented",
        (group(**_ON, EngineVersion="7.0"), group(**_REQUIRED)),
    ),
    Row(
        "TOP-23",
        group(**_SINGLE),
        group(**_SINGLE, ClusterMode="compatible"),
        "Cache.ClusterMode",
        Effect.REJECTED,
        "changing the mode needs automatic failover and a replica",
        (group(), group(ClusterMode="compatible")),
    ),
    Row(
        "TOP-23",
        group(),
        group(ClusterMode="compatible", CacheNodeType="cache.r7g.xlarge"),
        "Cache.ClusterMode",
        Effect.SEVERAL_DEPLOYMENTS,
        "the mode changes alone, or with its parameter group; here with CacheNodeType",
        (group(), group(ClusterMode="compatible", CacheParameterGroupName="default.redis7.cluster.on")),
    ),
    Row(
        "TOP-25",
        group(),
        group(NumCacheClusters=1),
        "Cache.NumCacheClusters",
        Effect.REJECTED,
        "automatic failover needs a replica to fail over to",
        (group(NumCacheClusters=3), group(NumCacheClusters=2)),
    ),
    Row(
        "TOP-25",
        clustered(ReplicasPerNodeGroup=2),
        clustered(ReplicasPerNodeGroup=1),
        "Cache.ReplicasPerNodeGroup",
        Effect.INTERRUPTION,
        "clients of the replicas that go are disconnected",
        (clustered(ReplicasPerNodeGroup=1), clustered(ReplicasPerNodeGroup=2)),
    ),
    Row(
        "TOP-26",
        clustered(),
        clustered(SnapshottingClusterId="orders-0001-001"),
        "Cache.SnapshottingClusterId",
        Effect.REJECTED,
        "in cluster mode snapshots are of every shard, and no node can be chosen",
        (group(ReplicationGroupId="orders"), group(ReplicationGroupId="orders", SnapshottingClusterId="orders-002")),
    ),
    Row(
        "TOP-26",
        group(ReplicationGroupId="orders"),
        group(ReplicationGroupId="orders", SnapshottingClusterId="carts-001"),
        "Cache.SnapshottingClusterId",
        Effect.REJECTED,
        "it is not a node of orders",
        (group(ReplicationGroupId="orders"), group(ReplicationGroupId="orders", SnapshottingClusterId="orders-002")),
    ),
    Row(
        "TOP-26",
        group(),
        group(SnapshottingClusterId="orders-002"),
        "Cache.SnapshottingClusterId",
        Effect.NOT_JUDGED,
        "it must be one of the group's nodes, whose names are known after the deployment only",
        (group(ReplicationGroupId="orders"), group(ReplicationGroupId="orders", SnapshottingClusterId="orders-002")),
    ),
    Row(
        "TOP-28",
        clustered(**_shards(1, 1) | {"ReplicasPerNodeGroup": 1}),
        clustered(**_shards(1, 1) | {"ReplicasPerNodeGroup": 2}),
        "Cache.ReplicasPerNodeGroup",
        Effect.REPLACEMENT,
        "together with NodeGroupConfiguration it replaces the group",
        (clustered(), clustered(ReplicasPerNodeGroup=2)),
    ),
    Row(
        "TLS-05",
        cluster(TransitEncryptionEnabled=False),
        cluster(**_ON),
        "Cache.TransitEncryptionEnabled",
        Effect.REJECTED,
        "TLS is chosen when the cluster is created",
        (cluster(**_ON), cluster(**_ON)),
    ),
    Row(
        "TLS-08",
        group(),
        group(**_REQUIRED),
        "Cache.TransitEncryptionEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service goes from disabled to required by way of preferred only",
        (group(), group(**_PREFERRED)),
    ),
    Row(
        "TLS-08",
        group(),
        group(**_ON),
        "Cache.TransitEncryptionEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service goes from disabled to required by way of preferred only",
        (group(), group(**_PREFERRED)),
    ),
    Row(
        "TLS-08",
        group(),
        group(**_PREFERRED),
        "Cache.TransitEncryptionEnabled",
        Effect.IN_PLACE,
        "clients with and without TLS are served; endpoints for TLS are added to the old ones",
        (group(), group(**_REQUIRED)),
    ),
    Row(
        "TLS-08",
        group(**_PREFERRED),
        group(**_REQUIRED),
        "Cache.TransitEncryptionMode",
        Effect.INTERRUPTION,
        "connections without TLS are closed for good, and their endpoints go",
        (group(**_ON), group(**_REQUIRED)),
    ),
    Row(
        "TLS-09",
        group(**_REQUIRED),
        group(),
        "Cache.TransitEncryptionEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service goes from required to disabled by way of preferred only",
        (group(**_REQUIRED), group(**_PREFERRED)),
    ),
    Row(
        "TLS-09",
        group(**_REQUIRED),
        group(**_PREFERRED),
        "Cache.TransitEncryptionMode",
        Effect.IN_PLACE,
        "clients without TLS are served again; AWS does not document this way back",
        (group(**_PREFERRED), group(**_REQUIRED)),
    ),
    Row(
        "TLS-09",
        group(**_PREFERRED),
        group(),
        "Cache.TransitEncryptionEnabled",
        Effect.INTERRUPTION,
        "connections with TLS are closed for good, and their endpoints go",
        (group(), group(**_PREFERRED)),
    ),
    Row(
        "TLS-10",
        group(**_REQUIRED, AuthToken=TOKEN),
        group(**_PREFERRED, AuthToken=TOKEN),
        "Cache.TransitEncryptionMode",
        Effect.REJECTED,
        "TLS cannot be changed on a group with an AuthToken or users",
        (group(**_REQUIRED), group(**_PREFERRED)),
    ),
    Row(
        "TLS-10",
        group(**_REQUIRED, UserGroupIds=["users"]),
        group(UserGroupIds=["users"]),
        "Cache.TransitEncryptionEnabled",
        Effect.REJECTED,
        "TLS cannot be changed on a group with an AuthToken or users",
        (group(**_REQUIRED), group(**_PREFERRED)),
    ),
    Row(
        "TLS-12",
        group(),
        group(**_PREFERRED, UserGroupIds=["users"]),
        "Cache.UserGroupIds",
        Effect.SEVERAL_DEPLOYMENTS,
        "users need a group that requires TLS already",
        (group(**_REQUIRED), group(**_REQUIRED, UserGroupIds=["users"])),
    ),
    Row(
        "TLS-18",
        group(EngineVersion="6.2"),
        group(**_PREFERRED),
        "Cache.TransitEncryptionEnabled",
        Effect.SEVERAL_DEPLOYMENTS,
        "a change of TLS needs at least Redis OSS 7.0 or Valkey 7.2; the version that runs counts",
        (group(EngineVersion="7.0"), group(**_PREFERRED)),
    ),
    Row(
        "AUT-05",
        group(**_PREFERRED, AuthToken="a" * 16),
        group(**_PREFERRED, AuthToken="b" * 16),
        "Cache.AuthToken",
        Effect.REJECTED,
        "a token can be changed while TLS is required only; it is preferred",
        (group(**_REQUIRED, AuthToken="a" * 16), group(**_REQUIRED, AuthToken="b" * 16)),
    ),
    Row(
        "AUT-05",
        group(**_PREFERRED, AuthToken="a" * 16),
        group(**_REQUIRED, AuthToken="b" * 16),
        "Cache.AuthToken",
        Effect.SEVERAL_DEPLOYMENTS,
        "a token can be changed once TLS is required, not in the same update",
        (group(**_REQUIRED, AuthToken="a" * 16), group(**_REQUIRED, AuthToken="b" * 16)),
    ),
    Row(
        "AUT-06",
        group(**_ON, EngineVersion="5.0.5", AuthToken="a" * 16),
        group(**_ON, EngineVersion="5.0.5", AuthToken="b" * 16),
        "Cache.AuthToken",
        Effect.REJECTED,
        "a change of the AUTH token needs at least Redis OSS 5.0.6 or Valkey 7.2",
        (
            group(**_ON, EngineVersion="5.0.6", AuthToken="a" * 16),
            group(**_ON, EngineVersion="5.0.6", AuthToken="b" * 16),
        ),
    ),
    Row(
        "AUT-07",
        group(**_REQUIRED),
        group(**_REQUIRED, AuthToken=TOKEN),
        "Cache.AuthToken",
        Effect.REPLACEMENT,
        "CloudFormation replaces the group to give it a token",
        (group(**_REQUIRED, AuthToken="a" * 16), group(**_REQUIRED, AuthToken="b" * 16)),
    ),
    Row(
        "AUT-08",
        group(**_REQUIRED, AuthToken=TOKEN),
        group(**_REQUIRED, UserGroupIds=["users"]),
        "Cache.AuthToken",
        Effect.REPLACEMENT,
        "CloudFormation replaces the group to move from a token to users, which the service itself does in place",
        (group(**_REQUIRED), group(**_REQUIRED, UserGroupIds=["users"])),
    ),
    Row(
        "AUT-08",
        group(**_REQUIRED, UserGroupIds=["users"]),
        group(**_REQUIRED, AuthToken=TOKEN),
        "Cache.AuthToken",
        Effect.REPLACEMENT,
        "CloudFormation replaces the group to give it a token",
        (group(**_REQUIRED), group(**_REQUIRED, AuthToken=TOKEN)),
    ),
    Row(
        "AUT-09",
        group(**_REQUIRED, AuthToken=TOKEN),
        group(**_REQUIRED),
        "Cache.AuthToken",
        Effect.REJECTED,
        "a token can be rotated, but not taken away without users in its place",
        (group(**_REQUIRED, AuthToken=TOKEN), group(**_REQUIRED, UserGroupIds=["users"])),
    ),
    Row(
        "RBC-25",
        user(),
        user(Engine="valkey"),
        "User.Engine",
        Effect.IN_PLACE,
        "needs a password or IAM for every user, and closes the way back from Valkey 7.2 to Redis 7.1",
        (user(), user(AccessString="on ~app:* +@all")),
    ),
    Row(
        "RBC-25",
        user(Engine="valkey"),
        user(),
        "User.Engine",
        Effect.REJECTED,
        "users and user groups go from redis to valkey only",
        (user(), user(Engine="valkey")),
    ),
    Row(
        "RBC-26",
        user(),
        user(UserName="other"),
        "User.UserName",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (user(), user(AccessString="off -@all")),
    ),
    Row(
        "KMS-01",
        group(KmsKeyId="key-1"),
        group(KmsKeyId="key-2"),
        "Cache.KmsKeyId",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(KmsKeyId="key-1"), group(KmsKeyId="key-1", SnapshotRetentionLimit=9)),
    ),
    Row(
        "KMS-01",
        group(AtRestEncryptionEnabled=False),
        group(AtRestEncryptionEnabled=True),
        "Cache.AtRestEncryptionEnabled",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(AtRestEncryptionEnabled=False), group(AtRestEncryptionEnabled="false")),
    ),
    Row(
        "KMS-11",
        serverless(KmsKeyId="key-1"),
        serverless(KmsKeyId="key-2"),
        "Cache.KmsKeyId",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (serverless(KmsKeyId="key-1"), serverless(KmsKeyId="key-1", Description="a")),
    ),
    Row(
        "SNP-08",
        group(),
        group(SnapshotRetentionLimit=0),
        "Cache.SnapshotRetentionLimit",
        Effect.DATA_LOSS,
        "daily snapshots end",
        (group(), group(SnapshotRetentionLimit=1)),
    ),
    Row(
        "SNP-08",
        serverless(SnapshotRetentionLimit=1),
        serverless(),
        "Cache.SnapshotRetentionLimit",
        Effect.DATA_LOSS,
        "daily snapshots end",
        (serverless(), serverless(SnapshotRetentionLimit=1)),
    ),
    Row(
        "SNP-09",
        group(),
        group(SnapshotName="orders-2026-11-22"),
        "Cache.SnapshotName",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(), group(SnapshotRetentionLimit=8)),
    ),
    Row(
        "SNP-09",
        group(SnapshotArns=["arn:aws:s3:::bucket/orders.rdb"]),
        group(),
        "Cache.SnapshotArns",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (
            group(SnapshotArns=["arn:aws:s3:::bucket/orders.rdb"]),
            group(SnapshotArns=["arn:aws:s3:::bucket/orders.rdb"], SnapshotWindow="02:00-03:00"),
        ),
    ),
    Row(
        "SNP-09",
        cluster(Engine="redis"),
        cluster(Engine="redis", SnapshotName="orders-2026-11-22"),
        "Cache.SnapshotName",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (cluster(Engine="redis"), cluster(Engine="redis", SnapshotRetentionLimit=3)),
    ),
    Row(
        "LOG-04",
        group(EngineVersion="5.0.6"),
        group(**_logs("slow-log")),
        "Cache.LogDeliveryConfigurations",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service checks slow-log against the version that runs, 5.0.6",
        (group(EngineVersion="6.0"), group(**_logs("slow-log"))),
    ),
    Row(
        "LOG-04",
        group(EngineVersion="6.0"),
        group(**_logs("engine-log")),
        "Cache.LogDeliveryConfigurations",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service checks engine-log against the version that runs, 6.0",
        (group(EngineVersion="6.2"), group(**_logs("engine-log"))),
    ),
    Row(
        "NET-04",
        beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "b")),
        beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "c")),
        "Subnets.SubnetIds",
        Effect.REJECTED,
        "a subnet cannot be taken away while a node stands in it",
        (
            beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "b")),
            beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "b", "c")),
        ),
    ),
    Row(
        "NET-04",
        beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "b")),
        beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a")),
        "Subnets.SubnetIds",
        Effect.REJECTED,
        "a subnet cannot be taken away while a node stands in it",
        (template(Subnets=_subnets("a", "b")), template(Subnets=_subnets("a"))),
    ),
    Row(
        "NET-11",
        group(CacheSubnetGroupName="one"),
        group(CacheSubnetGroupName="two"),
        "Cache.CacheSubnetGroupName",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (
            beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a")),
            beside(group(CacheSubnetGroupName={"Ref": "Subnets"}), Subnets=_subnets("a", "b")),
        ),
    ),
    Row(
        "NET-12",
        group(Port=6379),
        group(Port=6380),
        "Cache.Port",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(Port=6379), group(Port="6379")),
    ),
    Row(
        "MEM-05",
        cluster(),
        cluster(AZMode="single-az"),
        "Cache.AZMode",
        Effect.REJECTED,
        "nodes stand in several zones, and none of them can be moved",
        (cluster(AZMode="single-az"), cluster(AZMode="cross-az")),
    ),
    Row(
        "MEM-07",
        cluster(**_UNPLACED),
        cluster(**_UNPLACED, NumCacheNodes=3),
        "Cache.NumCacheNodes",
        Effect.REPLACEMENT,
        "to change its nodes, CloudFormation replaces a cluster that never named its Availability Zones",
        (cluster(**_UNPLACED), cluster(NumCacheNodes=3)),
    ),
    Row(
        "MEM-07",
        cluster(NumCacheNodes=3),
        cluster(),
        "Cache.NumCacheNodes",
        Effect.DATA_LOSS,
        "1 of 3 nodes go with what they hold",
        (cluster(), cluster(NumCacheNodes=3)),
    ),
    Row(
        "MEM-07",
        cluster(),
        cluster(NumCacheNodes=3),
        "Cache.NumCacheNodes",
        Effect.INTERRUPTION,
        "keys move to other nodes, and are misses once",
        (cluster(), cluster(EngineVersion="1.6.22")),
    ),
    Row(
        "RBC-01",
        beside(group(**_REQUIRED, UserGroupIds=[{"Ref": "Old"}]), Old=user_group("redis", "A", "B"), **_two_users()),
        beside(
            group(**_REQUIRED, UserGroupIds=[{"Ref": "New"}]), New=user_group("redis", "C"), **_two_users("A", "B", "C")
        ),
        "Cache.UserGroupIds",
        Effect.SEVERAL_DEPLOYMENTS,
        _ALL_LOGGED_OUT,
        _shared_in_two_steps(),
    ),
    Row(
        "RBC-01",
        beside(serverless(UserGroupId={"Ref": "Old"}), Old=user_group("redis", "A"), **_two_users()),
        serverless(UserGroupId={"Fn::ImportValue": "users-of-another-stack"}),
        "Cache.UserGroupId",
        Effect.SEVERAL_DEPLOYMENTS,
        _ALL_LOGGED_OUT,
        (serverless(UserGroupId="users"), serverless(UserGroupId="others")),
    ),
    Row(
        "RBC-01",
        serverless(UserGroupId="users"),
        serverless(UserGroupId="others"),
        "Cache.UserGroupId",
        Effect.INTERRUPTION,
        "a cache has one user group: users of the old one that are not in the new one are logged out",
        (serverless(), serverless(UserGroupId="others")),
    ),
    Row(
        "SLS-13",
        serverless(UserGroupId="users"),
        serverless(),
        "Cache.UserGroupId",
        Effect.NOT_JUDGED,
        "the service keeps the users until it is told to let go; whether CloudFormation tells it is not documented",
        (serverless(UserGroupId="users"), serverless(UserGroupId="others")),
    ),
    Row(
        "SLS-15",
        serverless(),
        serverless(SnapshotArnsToRestore=["arn:aws:elasticache:eu-west-1:111122223333:snapshot:orders"]),
        "Cache.SnapshotArnsToRestore",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (serverless(), serverless(Description="a")),
    ),
    Row(
        "SLS-17",
        serverless(Engine="valkey", MajorEngineVersion="8"),
        serverless(Engine="valkey", MajorEngineVersion="7"),
        "Cache.MajorEngineVersion",
        Effect.REJECTED,
        "an engine version cannot be lowered",
        (serverless(Engine="valkey", MajorEngineVersion="8"), serverless(Engine="valkey", MajorEngineVersion="9")),
    ),
    Row(
        "SLS-17",
        serverless(Engine="valkey", MajorEngineVersion="8"),
        serverless(Engine="valkey", MajorEngineVersion="9"),
        "Cache.MajorEngineVersion",
        Effect.INTERRUPTION,
        "connections are closed once",
        (
            serverless(Engine="valkey", MajorEngineVersion="8"),
            serverless(Engine="valkey", MajorEngineVersion="8", Description="a"),
        ),
    ),
    Row(
        "SLS-18",
        serverless(),
        serverless(Engine="valkey", MajorEngineVersion="8"),
        "Cache.Engine",
        Effect.INTERRUPTION,
        "connections are closed once; the endpoint stays",
        (serverless(), serverless(Description="a")),
    ),
    Row(
        "SLS-18",
        serverless(Engine="valkey", MajorEngineVersion="8"),
        serverless(),
        "Cache.Engine",
        Effect.REJECTED,
        "a serverless cache cannot go from valkey 8 to redis 7",
        (serverless(Engine="valkey"), serverless()),
    ),
    Row(
        "SLS-18",
        serverless(),
        serverless(Engine="memcached", MajorEngineVersion="1.6"),
        "Cache.Engine",
        Effect.REJECTED,
        "a serverless cache cannot go from redis 7 to memcached 1.6",
        (serverless(), serverless(Engine="valkey")),
    ),
    Row(
        "SLS-18",
        serverless(Engine="valkey"),
        serverless(),
        "Cache.Engine",
        Effect.INTERRUPTION,
        "the way back from Valkey 7.2 to Redis 7.1",
        (serverless(Engine="valkey"), serverless(Engine="valkey", Description="a")),
    ),
    Row(
        "GDS-06",
        group(),
        group(**_MEMBER),
        "Cache.GlobalReplicationGroupId",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(**_MEMBER), group(**_MEMBER, SnapshotRetentionLimit=9)),
    ),
    Row(
        "GDS-08",
        group(**_MEMBER),
        group(**_MEMBER, CacheNodeType="cache.r7g.xlarge"),
        "Cache.CacheNodeType",
        Effect.REJECTED,
        "a member of a global datastore cannot be scaled on its own",
        (group(), group(CacheNodeType="cache.r7g.xlarge")),
    ),
    Row(
        "GDS-09",
        group(**_MEMBER),
        group(**_MEMBER, CacheParameterGroupName="own"),
        "Cache.CacheParameterGroupName",
        Effect.REJECTED,
        "a member of a global datastore changes its parameter group only in a major upgrade of the whole datastore",
        (group(), group(CacheParameterGroupName="own")),
    ),
    Row(
        "DEL-04",
        template(Cache=resource("CacheCluster", CLUSTER, DeletionPolicy="Snapshot")),
        template(),
        "Cache.(resource)",
        Effect.REJECTED,
        "its deletion fails: DeletionPolicy asks for a final snapshot, and Memcached has none",
        (template(Cache=resource("CacheCluster", CLUSTER, DeletionPolicy="Delete")), template()),
    ),
    Row(
        "UPD-01",
        group(NetworkType="ipv4"),
        group(NetworkType="dual_stack"),
        "Cache.NetworkType",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (group(IpDiscovery="ipv4"), group(IpDiscovery="ipv6")),
    ),
    Row(
        "UPD-02",
        clustered({}, **_shards(1, 1)),
        clustered({}, **_shards(1, 1, 1)),
        "Cache.NodeGroupConfiguration",
        Effect.REPLACEMENT,
        "without UpdatePolicy UseOnlineResharding CloudFormation replaces the group to change its shards",
        (clustered(**_shards(1, 1)), clustered(**_shards(1, 1, 1))),
    ),
    Row(
        "UPD-06",
        clustered(**_shards(1, 1) | {"ReplicasPerNodeGroup": 1}),
        clustered(),
        "Cache.NodeGroupConfiguration",
        Effect.IN_PLACE,
        "the shards are no longer stated, and stay as they are",
        (clustered({}, **_shards(1, 1) | {"ReplicasPerNodeGroup": 1}), clustered({})),
    ),
    Row(
        "UPD-02",
        clustered(**_shards(1, 1)),
        clustered(**_shards(1, 1, PrimaryAvailabilityZone="eu-west-1c")),
        "Cache.NodeGroupConfiguration",
        Effect.MAY_REPLACE,
        "the zones or slots of shards that exist are chosen at creation",
        (clustered(**_shards(1, 1)), clustered(**_shards(1, 1, 1))),
    ),
    Row(
        "UPD-03",
        cluster(NetworkType="ipv4"),
        cluster(NetworkType="dual_stack"),
        "Cache.NetworkType",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (cluster(AZMode=None), cluster(AZMode="cross-az")),
    ),
    Row(
        "UPD-03",
        cluster(IpDiscovery="ipv4"),
        cluster(IpDiscovery="ipv6"),
        "Cache.IpDiscovery",
        Effect.MAY_REPLACE,
        "the resource's schema says that a change replaces the cluster in some cases, and not in which",
        (cluster(IpDiscovery="ipv4"), cluster(IpDiscovery="ipv4", NumCacheNodes=3)),
    ),
    Row(
        "UPD-04",
        serverless(),
        serverless(SubnetIds=["subnet-b"]),
        "Cache.SubnetIds",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (serverless(), serverless(SecurityGroupIds=["sg-a"])),
    ),
    Row(
        "UPD-05",
        clustered({}),
        clustered({}, NumNodeGroups=3),
        "Cache.NumNodeGroups",
        Effect.REPLACEMENT,
        "without UpdatePolicy UseOnlineResharding CloudFormation replaces the group to change its shards",
        (clustered(), clustered(NumNodeGroups=3)),
    ),
    Row(
        "UPD-05",
        group(),
        group(NumNodeGroups=1),
        "Cache.NumNodeGroups",
        Effect.MAY_REPLACE,
        "without UpdatePolicy UseOnlineResharding CloudFormation replaces the group to change its shards",
        (clustered(NumNodeGroups=None), clustered(NumNodeGroups=1)),
    ),
    Row(
        "UPD-06",
        clustered(),
        clustered(NumNodeGroups=3, SnapshotRetentionLimit=9),
        "Cache.NumNodeGroups",
        Effect.SEVERAL_DEPLOYMENTS,
        "shards change in a separate update: a failed resharding is not rolled back, the rest is",
        (clustered(), clustered(NumNodeGroups=3)),
    ),
    Row(
        "UPD-06",
        clustered(),
        beside(clustered(NumNodeGroups=3), **user()["Resources"]),
        "Cache.NumNodeGroups",
        Effect.SEVERAL_DEPLOYMENTS,
        "shards change in a separate update: a failed resharding is not rolled back, the rest is",
        (clustered(), clustered(NumNodeGroups=3)),
    ),
    Row(
        "UPD-06",
        clustered(),
        clustered(NumNodeGroups=1),
        "Cache.NumNodeGroups",
        Effect.IN_PLACE,
        "shards are removed online; it fails when the data does not fit into those that stay",
        (clustered(), clustered(SnapshotRetentionLimit=9)),
    ),
    Row(
        "UPD-06",
        clustered(**_shards(1, 1)),
        clustered(**_shards(1, 1, 1, Slots="0-5460")),
        "Cache.NodeGroupConfiguration",
        Effect.REJECTED,
        "shard 0001 names its Slots",
        (clustered(**_shards(1, 1)), clustered(**_shards(1, 1, 1))),
    ),
    Row(
        "UPD-06",
        clustered(**_shards(1, 1)),
        clustered(**_shards(1, 1, 1, PrimaryAvailabilityZone=None)),
        "Cache.NodeGroupConfiguration",
        Effect.REJECTED,
        "shard 0001 lacks PrimaryAvailabilityZone",
        (clustered(**_shards(1, 1)), clustered(**_shards(1, 1, 1))),
    ),
    Row(
        "UPD-07",
        clustered(**_shards(1, 1) | {"ReplicasPerNodeGroup": 1}),
        clustered(**_shards(1, 1) | {"ReplicasPerNodeGroup": 2}),
        "Cache.ReplicasPerNodeGroup",
        Effect.REPLACEMENT,
        "together with NodeGroupConfiguration it replaces the group",
        (clustered(), clustered(ReplicasPerNodeGroup=2)),
    ),
    Row(
        "UPD-09",
        user(),
        user(UserId="other"),
        "User.UserId",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (user(), user(AccessString="off -@all")),
    ),
    Row(
        "UPD-10",
        template(Users=user_group()),
        template(Users=user_group() | {"Properties": {"UserGroupId": "others", "Engine": "redis", "UserIds": []}}),
        "Users.UserGroupId",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (template(Users=user_group()), template(Users=user_group("redis", "User"))),
    ),
    Row(
        "UPD-11",
        template(Parameters=parameters()),
        template(Parameters=parameters("valkey8")),
        "Parameters.CacheParameterGroupFamily",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (template(Parameters=parameters()), template(Parameters=parameters(timeout="60"))),
    ),
    Row(
        "UPD-12",
        template(Subnets=_subnets("a", name="one")),
        template(Subnets=_subnets("a", name="two")),
        "Subnets.CacheSubnetGroupName",
        Effect.REPLACEMENT,
        "can be set at creation only",
        (template(Subnets=_subnets("a", name="one")), template(Subnets=_subnets("a", "b", name="one"))),
    ),
    Row(
        "UPD-17",
        group(),
        group(ClusterMode="enabled"),
        "Cache.ClusterMode",
        Effect.SEVERAL_DEPLOYMENTS,
        "the service goes from disabled to enabled by way of compatible only",
        (group(), group(ClusterMode="compatible")),
    ),
    Row(
        "UPD-18",
        cluster(),
        cluster(PreferredAvailabilityZones=["eu-west-1a", "eu-west-1c"]),
        "Cache.PreferredAvailabilityZones",
        Effect.MAY_REPLACE,
        "the resource's schema says that a change replaces the cluster in some cases, and not in which",
        (cluster(), cluster(NumCacheNodes=3, PreferredAvailabilityZones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])),
    ),
    Row(
        "UPD-18",
        cluster(**_UNPLACED, PreferredAvailabilityZone="eu-west-1a"),
        cluster(**_UNPLACED, PreferredAvailabilityZone="eu-west-1b"),
        "Cache.PreferredAvailabilityZone",
        Effect.INTERRUPTION,
        "holds for nodes added later",
        (cluster(), cluster(NumCacheNodes=3)),
    ),
    Row(
        "UPD-18",
        cluster(AZMode="single-az"),
        cluster(),
        "Cache.AZMode",
        Effect.INTERRUPTION,
        "holds for nodes added later",
        (cluster(), cluster(NumCacheNodes=3)),
    ),
    Row(
        "UPD-19",
        group(),
        template(Renamed=group()["Resources"]["Cache"]),
        "Cache.(resource)",
        Effect.DATA_LOSS,
        "renamed to Renamed, by the look of it, which is made new and empty; it is deleted with its data",
        (group(), template()),
    ),
]


def _lines(old: Template, new: Template, rule: str) -> list[Change]:
    return [each for each in compare(old, new) if rule in each.rules]


def _place(change: Change) -> str:
    return f"{change.resource}.{change.property.partition('/')[0]}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.at}-{row.effect.name}")
def test_rule(row: Row) -> None:
    """The rule says exactly this about the pair, and nothing of the kind about its neighbour."""
    lines = _lines(row.old, row.new, row.rule)
    page = page_of(lines[0].rules[0])

    assert (row.at, row.effect, row.says, page) in [
        (_place(each), each.effect, each.reason, each.page) for each in lines
    ]
    assert (row.at, row.effect) not in [(_place(each), each.effect) for each in _lines(*row.near, row.rule)]


def test_number_stays_when_its_target_goes() -> None:
    """Nothing happens to the cache, and the report says what the next change of the number would do."""
    (line,) = compare(_up_to(clustered(), 8), clustered())

    assert ("Target", Effect.REMOVAL, False) == (line.resource, line.effect, line.blocks)
    assert line.reason.startswith("the number stays what it is today; once the template's number is changed, Cloud")


_EXPORT = {"Value": {"Ref": "Cache"}, "Export": {"Name": "cache:ExportsOutputRefCache"}}
_IMPORT = {"Fn::ImportValue": "cache:ExportsOutputRefCache"}


@pytest.mark.parametrize(
    ("resource_id", "is_owned"),
    [
        ({"Fn::Join": ["", ["replication-group/", _IMPORT]]}, True),
        ({"Fn::Sub": ["replication-group/${Name}", {"Name": _IMPORT}]}, True),
        ("replication-group/orders", True),
        ("replication-group/carts", False),
        ({"Fn::Join": ["", ["replication-group/", {"Fn::ImportValue": "carts:ExportsOutputRefCache"}]]}, False),
        ({"Fn::Join": ["", ["replication-group/", {"Ref": "Cache"}]]}, False),
    ],
)
@pytest.mark.parametrize("is_chosen", [True, False])
def test_target_in_another_stack(resource_id: object, *, is_owned: bool, is_chosen: bool) -> None:
    """It owns the number as well, whether its stack is compared or only there; one of another group does not."""
    before, after = (
        {**clustered(ReplicationGroupId="Orders", NumNodeGroups=shards), "Outputs": {"Group": _EXPORT}}
        for shards in (2, 3)
    )
    target = {"scaling": template(Target=scaled("replication-group:NodeGroups", resource_id))}
    given = target if is_chosen else {}
    changes = compare_stacks({"cache": before, **given}, {"cache": after, **given}, importers=target)

    assert ["scaling.Target"] * is_owned == [
        each.reason.split(" ")[0] for each in changes.blocking() if each.rules == ("ASC-08",)
    ]


@pytest.mark.parametrize(
    ("is_new", "most", "is_found"), [(False, 1, True), (True, 1, False), (False, {"Ref": "Most"}, False)]
)
def test_new_target_takes_shards_of_a_cache_that_is_there(most: object, *, is_new: bool, is_found: bool) -> None:
    """Not of one that comes with it, nor is anything known of a maximum that is known at deployment only."""
    cache = {"Fn::Join": ["", ["replication-group/", {"Ref": "Cache"}]]}
    target = scaled("replication-group:NodeGroups", cache, MaxCapacity=most)
    group = clustered(NumNodeGroups=2)["Resources"]
    changes = compare(template(**{} if is_new else group), template(**group, Target=target))

    assert is_found == any("ASC-10" in each.rules for each in changes)


def test_target_of_another_service_is_left_alone() -> None:
    """A table's capacity says nothing about a cache."""
    table = {"ServiceNamespace": "dynamodb", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    before, after = (template(Target=scaled("", "table/orders", MaxCapacity=most, **table)) for most in (9, 4))
    lowered, removed = compare(before, after), compare(before, template())

    assert [("", ())] == [(each.reason, each.rules) for each in lowered]
    assert [""] == [each.reason for each in removed]


def test_every_rule_has_a_row() -> None:
    """No rule of the gate goes untried."""
    assert {row.rule for row in ROWS} == in_code.gated().keys()


BLOCKING = {Effect.DATA_LOSS, Effect.REJECTED, Effect.SEVERAL_DEPLOYMENTS, Effect.REPLACEMENT, Effect.MAY_REPLACE}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.at}-{row.effect.name}")
def test_what_stops_says_what_to_do_instead(row: Row) -> None:
    """Refusals, losses and further deployments stop an update, of a cache replacements too; the rest does not."""
    (line, *_) = [
        each for each in _lines(row.old, row.new, row.rule) if (_place(each), each.effect) == (row.at, row.effect)
    ]
    is_cache = row.at.startswith("Cache.")
    replaces = row.effect in (Effect.REPLACEMENT, Effect.MAY_REPLACE)

    assert line.blocks == (row.stops or (row.effect in BLOCKING and (is_cache or not replaces)))
    assert line.instead or not line.blocks


def test_the_same_value_written_differently_is_no_change() -> None:
    """The service refuses a change that changes nothing (UPD-20), so CloudFormation sends none, and none is shown."""
    old = group(Port=6379, MultiAZEnabled=True, SnapshotName={"Ref": "AWS::NoValue"})
    new = group(Port="6379", MultiAZEnabled="true")

    assert [] == list(compare(old, new))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (group(**_SINGLE | {"AutomaticFailoverEnabled": True}), group(**_SINGLE), "TOP-25"),
        (group(**_SINGLE), group(**_SINGLE | {"AutomaticFailoverEnabled": True}), "TOP-07"),
        (
            group(Engine="valkey", EngineVersion="7.2"),
            group(Engine="valkey", EngineVersion="8.2", **_logs("x")),
            "LOG-04",
        ),
        (user(), user(UserId="other"), "NAM-15"),
        *(
            (
                beside(group(**_CUSTOM), Parameters=resource("ParameterGroup", _of("redis7", given))),
                beside(
                    group(CacheParameterGroupName={"Ref": "Other"}, Engine="valkey", EngineVersion="8.2"),
                    Other=parameters("valkey8", databases="4"),
                ),
                "ENG-24",
            )
            for given in ({"databases": {"Ref": "Count"}}, {"Fn::If": ["Small", {}, {}]})
        ),
        (group(EngineVersion=None), group(**_logs("slow-log")), "LOG-04"),
        (group(EngineVersion="6.2"), group(**_logs("slow-log")), "LOG-04"),
    ],
)
def test_rule_is_silent(old: Template, new: Template, rule: str) -> None:
    """The rule says nothing where it does not hold, close to its limits."""
    assert [] == _lines(old, new, rule)


_OWN = {"ClusterMode": None, "CacheParameterGroupName": "own"}
_IMPORTED = {"ClusterMode": None, "CacheParameterGroupName": {"Fn::ImportValue": "own"}}
_EITHER = {"ClusterMode": None, "CacheParameterGroupName": {"Fn::If": ["Is", {"Ref": "On"}, {"Ref": "Off"}]}}
_GROUPS = {"On": parameters(cluster_enabled="yes"), "Off": parameters()}
_COMPUTED = {"Parameters": resource("ParameterGroup", _of("redis7", {"cluster-enabled": {"Ref": "Is"}}))}
_CHOSEN = {"Parameters": resource("ParameterGroup", {"Properties": {"Fn::If": ["Is", {}, {}]}})}


def _online(**changes: Any) -> Template:
    return template(Cache=resource("ReplicationGroup", GROUP | changes, **RESHARDING))


@pytest.mark.parametrize(
    ("unknown", "beside_it"),
    [
        (_OWN, {}),
        (_IMPORTED, {}),
        (_EITHER, _GROUPS),
        (_CUSTOM, _COMPUTED),
        (_CUSTOM, _CHOSEN),
        ({"ClusterMode": {"Ref": "Mode"}}, {}),
    ],
)
@pytest.mark.parametrize(
    ("old", "new", "at", "rule"),
    [
        ({"NumNodeGroups": 1}, {"NumNodeGroups": 2}, "NumNodeGroups", "TOP-21"),
        ({}, {"AutomaticFailoverEnabled": False}, "AutomaticFailoverEnabled", "TOP-05"),
        (
            {"ReplicationGroupId": "a"},
            {"ReplicationGroupId": "a", "SnapshottingClusterId": "a-001"},
            "SnapshottingClusterId",
            "TOP-26",
        ),
    ],
)
def test_mode_that_is_not_known(  # noqa: PLR0917
    unknown: dict[str, Any], beside_it: dict[str, Any], old: dict[str, Any], new: dict[str, Any], at: str, rule: str
) -> None:
    """Whether a parameter group that the template does not show turns cluster mode on, nothing here knows."""
    before, after = (beside(_online(**unknown, **each), **beside_it) for each in (old, new))
    lines = [each for each in compare(before, after) if each.property == at]

    assert [(Effect.NOT_JUDGED, (rule,), False)] == [(each.effect, each.rules, each.blocks) for each in lines]


@pytest.mark.parametrize(
    ("old", "new", "at", "rule"),
    [
        (_OWN, {"ClusterMode": "enabled", "CacheParameterGroupName": "own"}, "ClusterMode", "TOP-22"),
        ({"ClusterMode": "enabled", "CacheParameterGroupName": "own"}, _OWN, "ClusterMode", "TOP-22"),
        ({"ClusterMode": "disabled"}, {"ClusterMode": {"Ref": "Mode"}}, "ClusterMode", "TOP-22"),
        ({}, {"ClusterMode": {"Ref": "Mode"}}, "ClusterMode", "TOP-22"),
        ({"CacheParameterGroupName": "default.redis7"}, _OWN, "CacheParameterGroupName", "PGR-07"),
        ({}, _IMPORTED, "CacheParameterGroupName", "PGR-07"),
        (_OWN, {"CacheParameterGroupName": "other"}, "CacheParameterGroupName", "PGR-07"),
    ],
)
def test_mode_that_changes_to_or_from_what_is_not_known(
    old: dict[str, Any], new: dict[str, Any], at: str, rule: str
) -> None:
    """A change of what decides about the mode is not judged where the mode is not known before or after it."""
    lines = [each for each in compare(group(**old), group(**new)) if each.property == at]

    assert [(Effect.NOT_JUDGED, (rule,), False)] == [(each.effect, each.rules, each.blocks) for each in lines]


@pytest.mark.parametrize(
    ("known", "beside_it", "effects"),
    [
        ({}, {}, []),
        ({"CacheParameterGroupName": "default.redis7"}, {}, []),
        ({"CacheParameterGroupName": "default.redis7.cluster.on"}, {}, [Effect.REJECTED]),
        (_CUSTOM, {"Parameters": _GROUPS["Off"]}, []),
        (_CUSTOM, {"Parameters": _GROUPS["On"]}, [Effect.REJECTED]),
        (_OWN | {"NumNodeGroups": 2}, {}, [Effect.REJECTED]),
        (_OWN | {"ClusterMode": "enabled"}, {}, [Effect.REJECTED]),
        (_OWN | {"ClusterMode": "disabled"}, {}, []),
    ],
)
def test_mode_that_is_known(known: dict[str, Any], beside_it: dict[str, Any], effects: list[Effect]) -> None:
    """Where the template shows the mode, failover is judged by it."""
    off = {"AutomaticFailoverEnabled": False}
    lines = _lines(beside(group(**known), **beside_it), beside(group(**known, **off), **beside_it), "TOP-05")

    assert effects == [each.effect for each in lines]


@pytest.mark.parametrize(
    ("given", "effects"), [({}, [Effect.NOT_JUDGED]), ({"CacheParameterGroupName": "default.redis7"}, [])]
)
def test_mode_with_a_number_of_shards_that_is_not_known(given: dict[str, Any], effects: list[Effect]) -> None:
    """Several shards are cluster mode, unless the parameter group says that there is none."""
    old, new = (group(**given, NumNodeGroups={"Ref": "P"}, AutomaticFailoverEnabled=each) for each in (True, False))

    assert effects == [each.effect for each in _lines(old, new, "TOP-05")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (clustered(), clustered(NumNodeGroups={"Ref": "P"}), [("NumNodeGroups", Effect.NOT_JUDGED)]),
        (clustered(NumNodeGroups={"Ref": "P"}), clustered(), [("NumNodeGroups", Effect.NOT_JUDGED)]),
        (clustered(NumNodeGroups=None), clustered(NumNodeGroups={"Ref": "P"}), [("NumNodeGroups", Effect.NOT_JUDGED)]),
        (
            clustered({}),
            clustered({}, NumNodeGroups={"Ref": "P"}),
            [("NumNodeGroups", Effect.MAY_REPLACE), ("NumNodeGroups", Effect.NOT_JUDGED)],
        ),
        (
            clustered(**_shards(1, 1) | {"NumNodeGroups": None}),
            clustered(NumNodeGroups=None, ReplicasPerNodeGroup=None, NodeGroupConfiguration={"Fn::If": ["A", [], []]}),
            [("NodeGroupConfiguration", Effect.MAY_REPLACE)],
        ),
        (
            clustered(NumNodeGroups=None, NodeGroupConfiguration=[{"NodeGroupId": "0001"}]),
            clustered(NumNodeGroups=None, NodeGroupConfiguration=[{"NodeGroupId": "0001"}, {"Fn::If": ["A", {}, {}]}]),
            [("NodeGroupConfiguration", Effect.MAY_REPLACE)],
        ),
    ],
)
def test_number_of_shards_that_is_not_known(old: Template, new: Template, expected: list[tuple[str, Effect]]) -> None:
    """Of a number that only a deployment knows nothing is promised."""
    assert expected == [(each.property, each.effect) for each in compare(old, new)]


def test_rule_does_not_hide_that_a_value_is_not_known() -> None:
    """A rule about the effect of a change is reported next to the line that there may be no change."""
    changes = compare(cluster(), cluster(CacheNodeType={"Ref": "P"}))

    assert [Effect.DATA_LOSS, Effect.NOT_JUDGED] == [each.effect for each in changes]


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (["a", "b", "c"], Effect.IN_PLACE),
        (["a", "b", "a"], Effect.IN_PLACE),
        (["a"], Effect.IN_PLACE),
        (["b", "a"], Effect.MAY_REPLACE),
        (["b"], Effect.MAY_REPLACE),
        (["b", "a", "c"], Effect.MAY_REPLACE),
        ([], Effect.MAY_REPLACE),
    ],
)
def test_zones_of_nodes_that_exist(zones: list[str], expected: Effect) -> None:
    """Only zones that come or go at the end, with their nodes, leave the other nodes where they are."""
    old = cluster(PreferredAvailabilityZones=["a", "b"])
    (line,) = _lines(old, cluster(NumCacheNodes=len(zones) or 3, PreferredAvailabilityZones=zones), "UPD-18")

    assert expected is line.effect


@pytest.mark.parametrize(("number", "says"), [("5.0.5", "30 to 60 seconds"), ("5.0.6", "of seconds")])
def test_failover_of_an_old_redis(number: str, says: str) -> None:
    """Before Redis 5.0.6 the way to Valkey takes its time."""
    new = group(Engine="valkey", EngineVersion="8.2")
    (line,) = _lines(group(EngineVersion=number), new, "ENG-11")

    assert says in line.reason


@pytest.mark.parametrize(
    ("engine", "text", "expected"),
    [
        ("redis", "4.0.10", "redis4.0"),
        ("redis", "5.0.6", "redis5.0"),
        ("redis", "6.x", "redis6.x"),
        ("redis", "6.2", "redis6.x"),
        ("redis", "7.1", "redis7"),
        ("valkey", "7.2", "valkey7"),
        ("valkey", "9.1", "valkey9"),
        ("memcached", "1.6.22", "memcached1.6"),
    ],
)
def test_family(engine: str, text: str, expected: str) -> None:
    """Each version has its parameter group family."""
    number = version(text)

    assert number is not None
    assert expected == family(engine, number)


@pytest.mark.parametrize("text", [None, "", "seven", "7.", "x", "7.x.1"])
def test_no_version(text: str | None) -> None:
    """What is no version is not compared as one."""
    assert version(text) is None


@pytest.mark.parametrize(
    ("old", "new", "at", "effect", "says"),
    [
        (
            group(EngineVersion="7.0"),
            group(),
            "Cache.EngineVersion",
            Effect.INTERRUPTION,
            "upgraded node by node, with a failover of seconds per shard",
        ),
        (
            group(**_SINGLE, EngineVersion="7.0"),
            group(**_SINGLE),
            "Cache.EngineVersion",
            Effect.INTERRUPTION,
            "upgraded node by node; without failover the primary is away for minutes",
        ),
        (
            cluster(Engine="redis", EngineVersion="7.0"),
            cluster(Engine="redis", EngineVersion="7.1"),
            "Cache.EngineVersion",
            Effect.INTERRUPTION,
            "the node is away while it is upgraded",
        ),
        (
            group(),
            group(SnapshotRetentionLimit=3),
            "Cache.SnapshotRetentionLimit",
            Effect.IN_PLACE,
            "daily snapshots older than 3 days are deleted",
        ),
        (
            group(**_REQUIRED, AuthToken="a" * 16),
            group(**_REQUIRED, AuthToken="b" * 16),
            "Cache.AuthToken",
            Effect.IN_PLACE,
            "rotated: the previous token stays valid with the new one",
        ),
    ],
)
def test_what_no_rule_stands_for(old: Template, new: Template, at: str, effect: Effect, says: str) -> None:
    """What only AWS's guide says is told in the same way, without an id."""
    (line,) = compare(old, new)

    assert (at, effect, says, (), False) == (_place(line), line.effect, line.reason, line.rules, line.blocks)


@pytest.mark.parametrize("engine", ["memcached", "Memcached", {"Ref": "Engine"}])
@pytest.mark.parametrize(("name", "value"), [("EngineVersion", "1.6.22"), ("CacheNodeType", "cache.r7g.xlarge")])
def test_a_cluster_that_may_be_memcached(engine: Any, name: str, value: str) -> None:
    """It loses what it holds, however the engine is written."""
    old, new = (cluster(Engine=engine, **changes) for changes in ({}, {name: value}))

    assert [(Effect.DATA_LOSS, True)] == [(each.effect, each.blocks) for each in compare(old, new)]


def test_a_version_of_memcached_that_is_not_known() -> None:
    """What may be another version stops the update."""
    old, new = cluster(), cluster(EngineVersion={"Fn::If": ["A", "1.6.17", "1.6.22"]})

    assert (Effect.NOT_JUDGED, True) in {(each.effect, each.blocks) for each in compare(old, new)}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (group(TransitEncryptionEnabled=False), group(TransitEncryptionEnabled="True"), "TLS-08"),
        (
            group(NumCacheClusters=1, AutomaticFailoverEnabled="False", MultiAZEnabled="False"),
            group(NumCacheClusters=2, AutomaticFailoverEnabled="True", MultiAZEnabled="False"),
            "TOP-07",
        ),
        (group(Engine="Valkey", EngineVersion="8.0"), group(Engine="Redis", EngineVersion="7.1"), "ENG-12"),
    ],
)
def test_values_in_another_case(old: Template, new: Template, rule: str) -> None:
    """Truth values and engines are what they are in capitals, too."""
    assert rule in {each for line in compare(old, new).blocking() for each in line.rules}


def test_a_number_of_nodes_that_is_not_known() -> None:
    """Fewer nodes lose what they hold, so a number that may be lower stops the update."""
    lines = _lines(cluster(), cluster(NumCacheNodes={"Ref": "Nodes"}), "MEM-07")

    assert [(Effect.NOT_JUDGED, True)] == [(each.effect, each.blocks) for each in lines]


@pytest.mark.parametrize(
    ("old", "new", "at", "effect"),
    [
        (user(Engine="Redis"), user(Engine="redis"), "User.Engine", Effect.IN_PLACE),
        (serverless(Engine="Redis"), serverless(), "Cache.Engine", Effect.IN_PLACE),
        (
            beside(user(), Users=user_group("Redis", "User")),
            beside(user(Engine="valkey"), Users=user_group("Redis", "User")),
            "User.Engine",
            Effect.SEVERAL_DEPLOYMENTS,
        ),
        (_redis_with("redis"), _redis_with("valkey"), "Users.Engine", Effect.SEVERAL_DEPLOYMENTS),
        (
            beside(group(Engine="Redis", **_USERS), Users=user_group("redis")),
            beside(group(Engine="Redis", **_USERS), Users=user_group("valkey")),
            "Users.Engine",
            Effect.SEVERAL_DEPLOYMENTS,
        ),
        (_valkey_with("Valkey"), group(**_USERS), "Cache.Engine", Effect.REJECTED),
    ],
)
def test_engine_in_another_case(old: Template, new: Template, at: str, effect: Effect) -> None:
    """Engines are compared as the service does, of neighbours too, and another case is no other engine."""
    new = beside(old, **new["Resources"])

    assert (at, effect) in {(_place(each), each.effect) for each in compare(old, new)}
