"""Automatic scaling: the range of numbers that a scalable target may set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cost.quantities.reading import Range, whole_number
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        limits = _limits(target)
        for cache in _scaled(target, templates):
            found[cache, str(target.get("ScalableDimension"))] = limits
    return found


def _limits(target: Resource) -> Range:
    """From the lowest minimum to the highest maximum, those of scheduled actions among them."""
    actions = [each.get("ScalableTargetAction", {}) for each in target.list_of("ScheduledActions")]
    minimums, maximums = (
        [target.get(name), *(action[name] for action in actions if name in action)]
        for name in ("MinCapacity", "MaxCapacity")
    )
    return Range(minimum=_chosen(min, minimums), maximum=_chosen(max, maximums))


def _chosen(choose: Callable[[list[int]], int], values: Iterable[object]) -> int | None:
    numbers = [whole_number(each) for each in values]
    return None if None in numbers else choose([each for each in numbers if each is not None])


def _scaled(target: Resource, templates: Templates) -> set[Resource]:
    """The caches that a target's ``ResourceId`` names: ``replication-group/`` and a reference, or the id itself."""
    identity = target.get("ResourceId")
    if isinstance(identity, str):
        name = identity.rpartition("/")[2]
        ids = ("ReplicationGroupId", "ClusterName")
        return {each for each in templates.of_kind(*_SCALED) if name in [each.get(one) for one in ids]}
    named = [{"Ref": each.name} for each in references(identity)] + _imported(identity)
    return {each for each in templates.follow_all(named, target.template) if each.kind in _SCALED}


def _imported(value: object) -> list[object]:
    if isinstance(value, list):
        return [found for each in value for found in _imported(each)]
    if isinstance(value, dict):
        return [value] if value.keys() == {"Fn::ImportValue"} else _imported(list(value.values()))
    return []
