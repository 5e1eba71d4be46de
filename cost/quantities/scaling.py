"""Automatic scaling: the range of numbers that a scalable target may set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cost.quantities.reading import Range, whole_number
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from elasticache_rules.templates.app import Resource, Templates

SHARDS = "elasticache:replication-group:NodeGroups"
REPLICAS = "elasticache:replication-group:Replicas"
NODES = "elasticache:cache-cluster:Nodes"

_SCALED = ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster")


def targets(templates: Templates) -> dict[tuple[Resource, str], Range]:
    """The ranges of all scalable targets of caches, by the cache and the dimension."""
    found: dict[tuple[Resource, str], Range] = {}
    for target in templates.of_kind("AWS::ApplicationAutoScaling::ScalableTarget"):
        if target.get("ServiceNamespace") != "elasticache":
            continue
        limits = Range(minimum=whole_number(target.get("MinCapacity")), maximum=whole_number(target.get("MaxCapacity")))
        for cache in _scaled(target, templates):
            found[cache, str(target.get("ScalableDimension"))] = limits
    return found


def _scaled(target: Resource, templates: Templates) -> set[Resource]:
    """The caches that a target's ``ResourceId`` names: ``replication-group/`` and a reference, or the id itself."""
    identity = target.get("ResourceId")
    if isinstance(identity, str):
        name = identity.rpartition("/")[2]
        ids = ("ReplicationGroupId", "ClusterName")
        return {each for each in templates.of_kind(*_SCALED) if name in {each.get(one) for one in ids}}
    named = [{"Ref": each.name} for each in references(identity)] + _imported(identity)
    return {each for each in templates.follow_all(named, target.template) if each.kind in _SCALED}


def _imported(value: object) -> list[object]:
    if isinstance(value, list):
        return [found for each in value for found in _imported(each)]
    if isinstance(value, dict):
        return [value] if value.keys() == {"Fn::ImportValue"} else _imported(list(value.values()))
    return []
