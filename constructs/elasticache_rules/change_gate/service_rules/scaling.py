"""Numbers that Application Auto Scaling owns: what a template says of them is set over what it made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import is_known
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticache_rules.change_gate.service_rules.update import State, Update

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_SHARDS, _REPLICAS = "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas"
_OWNED = {
    "NumNodeGroups": (_SHARDS,),
    "NodeGroupConfiguration": (_SHARDS, _REPLICAS),
    "ReplicasPerNodeGroup": (_REPLICAS,),
    "NumCacheClusters": (_REPLICAS,),
    "NumCacheNodes": ("elasticache:cache-cluster:Nodes",),
}
_NAMES = ("ReplicationGroupId", "ClusterName")


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
                "leave it as it was; change MinCapacity and MaxCapacity of the target, or take the target away first",
                ("ASC-08",),
                could_replace=True,
            )


def _targets(update: Update, dimension: str) -> Iterator[str]:
    # A target that comes with this update has scaled nothing yet.
    for name, body in update.old.resources.items():
        properties = body["Properties"] if body["Type"] == _TARGET else {}
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
