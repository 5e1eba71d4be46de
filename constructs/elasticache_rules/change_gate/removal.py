"""Resources that are removed from a template, or have another logical id in the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate import schemas
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import global_datastore, scaling
from elasticache_rules.change_gate.service_rules.engines import engine
from elasticache_rules.change_gate.service_rules.update import RESOURCE, Finding
from elasticache_rules.change_gate.values import is_intrinsic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticache_rules.change_gate.templates import Template

_CLUSTER = "AWS::ElastiCache::CacheCluster"
_SERVERLESS = "AWS::ElastiCache::ServerlessCache"
_TAKES_SNAPSHOTS = {
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    _CLUSTER,
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
}
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"""

_LEAST_LIKENESS = 0.5
"""The share of equal properties from which two resources count as one with another logical id."""

_LOST = {
    "AWS::KMS::Key": "everything encrypted with it becomes unreadable",
    "AWS::Logs::LogGroup": "its log events are deleted",
    "AWS::SNS::Topic": "its subscriptions are deleted",
    "AWS::SecretsManager::Secret": "the password in it is deleted after the recovery window",
}


def removals(old: Template, new: Template) -> Iterator[tuple[str, Finding]]:
    """The effect on every resource that only the old template has, by logical id."""
    gone = [name for name in old.resources if name not in new.resources]
    for name in gone:
        yield name, _removal(name, old, new)


def _removal(name: str, old: Template, new: Template) -> Finding:
    body = old.resources[name]
    kind = str(body["Type"])
    again = _most_alike(body, {each: new.resources[each] for each in new.resources if each not in old.resources})
    policy = _policy(kind, body)
    fate = _fate(kind, body, policy)
    if schemas.schema(kind) is None and policy == "Delete":
        reason = f"{kind} is not among the resource schemas that cfn-lint ships: whether data go with it is not known"
        return Finding(RESOURCE, Effect.NOT_JUDGED, reason, could_replace=True)
    if not schemas.is_stateful(kind):
        left = scaling.of_removed_target(old.state(name)) if kind == scaling.TARGET else ""
        return Finding(RESOURCE, Effect.REMOVAL, f"renamed to {again}, by the look of it" if again else left)
    member = global_datastore.of_removed(name, old.resources, policy)
    if member is not None:
        return member
    if again is not None:
        return Finding(
            RESOURCE,
            Effect.DATA_LOSS if policy == "Delete" else Effect.REPLACEMENT,
            f"renamed to {again}, by the look of it, which is made new and empty; {fate}",
            "keep the construct's path, or its logical id with override_logical_id, or move it with cdk refactor",
            ("UPD-19",),
        )
    return _deleted(kind, body, policy, fate)


def _deleted(kind: str, body: Mapping[str, Any], policy: str, fate: str) -> Finding:
    if _fails(kind, body):
        return Finding(
            RESOURCE,
            Effect.REJECTED,
            fate,
            "set DeletionPolicy to RetainExceptOnCreate or Delete and deploy that first",
            ("DEL-04",),
        )
    if policy in ("Delete", "Snapshot"):
        return Finding(
            RESOURCE, Effect.DATA_LOSS, fate, "set DeletionPolicy to RetainExceptOnCreate and deploy that first"
        )
    return Finding(RESOURCE, Effect.REMOVAL, fate)


def _policy(kind: str, body: Mapping[str, Any]) -> str:
    alone = kind == "AWS::RDS::DBInstance" and "DBClusterIdentifier" not in body["Properties"]
    default = "Snapshot" if kind == "AWS::RDS::DBCluster" or alone else "Delete"
    policy = body.get("DeletionPolicy", default)
    # CloudFormation takes it for Delete where it cannot take a snapshot, and what a function comes to may be Delete.
    if not isinstance(policy, str) or (policy == "Snapshot" and kind not in _TAKES_SNAPSHOTS):
        policy = "Delete"
    takes_its_own = kind == _SERVERLESS and "FinalSnapshotName" in body["Properties"]
    return "Snapshot" if policy == "Delete" and takes_its_own else policy


def _fails(kind: str, body: Mapping[str, Any]) -> bool:
    is_memcached = kind == _CLUSTER and engine(body["Properties"], default=None) == "memcached"
    return is_memcached and body.get("DeletionPolicy") == "Snapshot"


def _fate(kind: str, body: Mapping[str, Any], policy: str) -> str:
    if _fails(kind, body):
        return "its deletion fails: DeletionPolicy asks for a final snapshot, and Memcached has none"
    fate = {
        "Delete": _LOST.get(kind, "it is deleted with its data"),
        "Snapshot": "it is deleted after a final snapshot",
    }.get(policy, f"it is kept outside of the stack ({policy})")
    if is_intrinsic(body.get("DeletionPolicy")):
        return f"its DeletionPolicy is known at deployment only, and may be Delete: {fate}"
    return fate


def _most_alike(body: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str | None:
    alike = {name: _likeness(body, each) for name, each in others.items() if each["Type"] == body["Type"]}
    best = max(alike, key=lambda name: alike[name], default=None)
    return best if best is not None and alike[best] >= _LEAST_LIKENESS else None


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    names = one["Properties"].keys() | other["Properties"].keys()
    same = [name for name in names if one["Properties"].get(name) == other["Properties"].get(name)]
    return len(same) / len(names) if names else 1.0
