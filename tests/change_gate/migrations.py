"""The migrations of ``docs/runbooks/``: what every phase sets, and the change in one step that is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.change_gate.builders import GROUP, RESHARDING, TOKEN, USER, Template, resource, template, user_group

Phase = dict[str, Any]
"""Properties of the replication group that differ from `GROUP`; a name in lower case is something beside it."""

PLAIN = {**GROUP, "CacheParameterGroupName": {"Ref": "Redis7"}}
TLS = {"TransitEncryptionEnabled": True, "TransitEncryptionMode": "required"}
SECURE = {**TLS, "UserGroupIds": [{"Ref": "Users"}]}
ALONE = {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False, "MultiAZEnabled": False}
CLUSTER = {
    "ClusterMode": "enabled",
    "NumCacheClusters": None,
    "NumNodeGroups": 2,
    "ReplicasPerNodeGroup": 1,
    "CacheParameterGroupName": {"Ref": "Redis7On"},
    "resharding": True,
}
VALKEY = {"Engine": "valkey", "EngineVersion": "8.2", "CacheParameterGroupName": {"Ref": "Valkey8"}}


@dataclass(frozen=True, slots=True)
class Migration:
    """One runbook.

    Args:
        phases: The state before and after each deployment.

        naive: The state that a change in one step from the first phase would lead to.

        stopped_by: The rule that stops it.

        allowed: Logical ids whose changes are allowed in the last phase, as the runbook says.
    """

    runbook: str
    phases: tuple[Phase, ...]
    naive: Phase
    stopped_by: str
    allowed: tuple[str, ...] = ()


MIGRATIONS = (
    Migration(
        "tls",
        ({}, {"TransitEncryptionEnabled": True, "TransitEncryptionMode": "preferred"}, TLS, SECURE),
        SECURE,
        "TLS-08",
    ),
    Migration(
        "cluster-mode",
        (
            {},
            {"ClusterMode": "compatible", "CacheParameterGroupName": {"Ref": "Redis7On"}},
            {"ClusterMode": "enabled", "CacheParameterGroupName": {"Ref": "Redis7On"}},
            CLUSTER | {"NumNodeGroups": 1},
            CLUSTER,
        ),
        CLUSTER,
        "TOP-22",
    ),
    Migration(
        "redis-to-valkey",
        (
            SECURE,
            SECURE | VALKEY,
            SECURE | VALKEY | {"user_group": "valkey"},
            SECURE | VALKEY | {"user_group": "valkey", "user": "valkey"},
        ),
        SECURE | VALKEY | {"user_group": "valkey", "user": "valkey"},
        "ENG-13",
    ),
    Migration(
        "engine-upgrade",
        ({"EngineVersion": "6.2", "CacheParameterGroupName": {"Ref": "Redis6"}}, {}),
        {"CacheParameterGroupName": {"Ref": "Redis6"}},
        "ENG-16",
    ),
    Migration(
        "auth-token-to-users",
        (
            TLS | {"AuthToken": TOKEN},
            TLS | {"AuthToken": TOKEN, "second": SECURE | {"SnapshotName": "handover"}},
            {"gone": True, "second": SECURE | {"SnapshotName": "handover"}},
        ),
        SECURE,
        "AUT-08",
        allowed=("Cache",),
    ),
    Migration("replicas-and-failover", (ALONE, ALONE | {"NumCacheClusters": 2}, {}), {}, "TOP-07"),
    Migration(
        "shards",
        (CLUSTER, CLUSTER | {"NumNodeGroups": 3}, CLUSTER | {"NumNodeGroups": 3, "CacheNodeType": "cache.r7g.xlarge"}),
        CLUSTER | {"NumNodeGroups": 3, "CacheNodeType": "cache.r7g.xlarge"},
        "UPD-06",
    ),
    Migration(
        "node-type",
        ({}, {"CacheNodeType": "cache.r7g.xlarge"}),
        {"CacheNodeType": "cache.r6gd.xlarge"},
        "NOD-18",
    ),
    Migration(
        "snapshot-and-restore",
        (
            {"KmsKeyId": {"Ref": "OldKey"}},
            {"KmsKeyId": {"Ref": "OldKey"}, "second": {"KmsKeyId": {"Ref": "NewKey"}, "SnapshotName": "handover"}},
            {"gone": True, "second": {"KmsKeyId": {"Ref": "NewKey"}, "SnapshotName": "handover"}},
        ),
        {"KmsKeyId": {"Ref": "NewKey"}},
        "KMS-01",
        allowed=("Cache",),
    ),
)


def template_of(phase: Phase) -> Template:
    """The template that a phase deploys."""
    beside = {
        "Redis6": _parameters("redis6.x"),
        "Redis7": _parameters("redis7"),
        "Redis7On": _parameters("redis7", **{"cluster-enabled": "yes"}),
        "Valkey8": _parameters("valkey8"),
        "OldKey": resource("AWS::KMS::Key", {"KeyPolicy": {}}),
        "NewKey": resource("AWS::KMS::Key", {"KeyPolicy": {}}),
        "User": resource("User", USER | {"Engine": phase.get("user", "redis")}),
        "Users": user_group(phase.get("user_group", "redis"), "User"),
    }
    caches = {} if phase.get("gone") else {"Cache": _group(phase)}
    if "second" in phase:
        caches["Second"] = _group(phase["second"])
    return template(**caches, **beside)


def _parameters(family: str, **values: str) -> dict[str, Any]:
    named = {"CacheParameterGroupFamily": family, "Description": "a", "Properties": values}
    return resource("ParameterGroup", named)


def _group(phase: Phase) -> dict[str, Any]:
    properties = {name: value for name, value in phase.items() if name[0].isupper()}
    attributes = RESHARDING if phase.get("resharding") else {}
    return resource("ReplicationGroup", PLAIN | properties, DeletionPolicy="Snapshot", **attributes)
