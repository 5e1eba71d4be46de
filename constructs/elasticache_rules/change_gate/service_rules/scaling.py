"""Numbers that Application Auto Scaling owns: what a template says of them is set over what it made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.update import Finding, State
from elasticache_rules.change_gate.values import is_known
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticache_rules.change_gate.service_rules.update import Update

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_SHARDS, _REPLICAS = "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas"
_NODES = "elasticache:cache-cluster:Nodes"
_RUNBOOK = "docs/runbooks/auto-scaling.md"
_OWNED = {
    "NumNodeGroups": (_SHARDS,),
    "NodeGroupConfiguration": (_SHARDS, _REPLICAS),
    "ReplicasPerNodeGroup": (_REPLICAS,),
    "NumCacheClusters": (_REPLICAS,),
    "NumCacheNodes": (_NODES,),
}
_NAMES = ("ReplicationGroupId", "ClusterName")
_STATED = {_SHARDS: "NumNodeGroups", _REPLICAS: "ReplicasPerNodeGroup", _NODES: "NumCacheNodes"}


def findings(update: Update) -> Iterator[Finding]:
    """What the update does to numbers that a target scales."""
    for name, dimensions in _OWNED.items():
        owners = sorted({each for dimension in dimensions for each in _targets(update, dimension)})
        if owners and update.changes(name):
            yield Finding(
                name,
                Effect.NOT_JUDGED,
                f"{' and '.join(owners)} owns the number: how many there are today is not known here, and "
                "CloudFormation sets the template's number over it, which may take many away at once",
                f"leave it as it was, and change MinCapacity and MaxCapacity of the target: {_RUNBOOK}",
                ("ASC-08",),
                could_replace=True,
            )


def of_target(update: Update) -> Iterator[Finding]:
    """What the update of a target does to the cache that it scales."""
    name = "MaxCapacity"
    if not update.changes(name) or not _is_of_elasticache(update.old):
        return
    old, new = update.old.number(name), update.new.number(name)
    if old is None or new is None:
        reason = "the service takes away what is above the maximum, and the maximum is known at deployment only"
        yield Finding(name, Effect.NOT_JUDGED, reason, "look at the change set", ("ASC-10",))
    elif new < old:
        yield _scaled_in(update.old.text("ScalableDimension"), new)


def of_new_target(new: State, old: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """What a target that comes with an update does to a cache that is there already.

    Args:
        new: The target.
        old: The resources before the update.
    """
    maximum, dimension = new.number("MaxCapacity"), new.text("ScalableDimension")
    named = [each.name for each in references(new.get("ResourceId")) if each.name in old]
    if maximum is None or dimension not in _STATED or not named:
        return
    stated = State(old[named[0]]["Properties"], old[named[0]], old).number(_STATED[dimension], 1)
    if stated is not None and stated > maximum:
        yield _scaled_in(dimension, maximum)


def of_removed_target(old: State) -> str:
    """What is left of a number when its target goes; empty if the target is of another service."""
    if not _is_of_elasticache(old):
        return ""
    return (
        "the number stays what it is today; once the template's number is changed, CloudFormation sets it over the "
        f"number that runs: {_RUNBOOK}"
    )


def _is_of_elasticache(target: State) -> bool:
    return target.text("ServiceNamespace") in ("elasticache", None)


def _scaled_in(dimension: str | None, maximum: int) -> Finding:
    what = {_SHARDS: "shards", _REPLICAS: "replicas of each shard"}.get(dimension or "")
    return Finding(
        "MaxCapacity",
        Effect.IN_PLACE if what else Effect.DATA_LOSS,
        f"the service takes away {what} above {maximum}, if there are any"
        if what
        else f"the service takes away nodes above {maximum}, if there are any, with what they hold",
        f"keep the maximum at the number that runs: {_RUNBOOK}",
        ("ASC-10",),
    )


def _targets(update: Update, dimension: str) -> Iterator[str]:
    # A target that comes with this update has scaled nothing yet.
    for name, body in {**update.old.resources, **update.elsewhere}.items():
        properties = body["Properties"] if body["Type"] == TARGET else {}
        scaled = properties.get("ScalableDimension")
        if properties and (scaled == dimension or not is_known(scaled)) and _scales(properties, update):
            yield name


def _scales(properties: Mapping[str, Any], update: Update) -> bool:
    """Whether a target is of the resource, or may be: what names no resource of the template may come to any name."""
    given = properties.get("ResourceId")
    named = {each.name for each in references(given)}
    if update.logical_id in named:
        return True
    if is_known(given):
        return str(given).rpartition("/")[2].lower() in _physical_names(update.old)
    return not named & update.old.resources.keys()


def _physical_names(state: State) -> set[str]:
    return {name.lower() for each in _NAMES if (name := state.text(each)) is not None}
