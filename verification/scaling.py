"""Numbers that Application Auto Scaling owns: held to its range, since the template has the number of the first day."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from verification.resolve import UnresolvedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from verification.assembly import Resource
    from verification.resolve import Deployment

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_PROPERTY = {
    "elasticache:replication-group:NodeGroups": "NumNodeGroups",
    "elasticache:replication-group:Replicas": "ReplicasPerNodeGroup",
    "elasticache:cache-cluster:Nodes": "NumCacheNodes",
}
_READ = ("ScalableDimension", "ResourceId", "MinCapacity", "MaxCapacity", "ScheduledActions")
_FOLLOWS = {
    "NumCacheNodes": ("PreferredAvailabilityZones",),
    "NumNodeGroups": ("NodeGroupConfiguration",),
    "ReplicasPerNodeGroup": ("NodeGroupConfiguration",),
}


class Range:
    """The numbers that a target may make, its schedules included.

    Args:
        minimum: The smallest number.
        maximum: The greatest number.
    """

    def __init__(self, minimum: int, maximum: int) -> None:
        self._minimum, self._maximum = minimum, maximum

    def __str__(self) -> str:
        """The range in words."""
        return f"{self._minimum} to {self._maximum}, scaled automatically"

    def holds(self, read: Any) -> bool:
        """Whether a number, or each of several, is in the range."""
        numbers = read if isinstance(read, Sequence) else [read]
        return all(self._minimum <= int(number) <= self._maximum for number in numbers)


def ranges(deployment: Deployment, cache: Resource) -> Mapping[str, Range | None]:
    """The ranges of the properties of a cache that targets of its stack own.

    Args:
        deployment: The stack.
        cache: The cache.

    Returns:
        The ranges by property; ``None`` for a property that follows from a number, and has nothing to compare.
    """
    found: dict[str, Range | None] = {}
    for dimension, owned in _of(deployment, deployment.physical_id(cache)):
        name = _PROPERTY[dimension]
        found[name] = owned
        found.update(dict.fromkeys(_FOLLOWS.get(name, ())))
    return found


def _of(deployment: Deployment, cache: str) -> Iterator[tuple[str, Range]]:
    for resource in deployment.resources:
        if resource.type != _TARGET:
            continue
        with suppress(UnresolvedError):  # it is reported with its resource
            target = deployment.resolve(
                {name: resource.properties[name] for name in _READ if name in resource.properties}
            )
            dimension = str(target["ScalableDimension"])
            if dimension in _PROPERTY and str(target["ResourceId"]).rpartition("/")[2].lower() == cache.lower():
                yield dimension, _range(target)


def _range(target: Mapping[str, Any]) -> Range:
    capacities = [target, *(each.get("ScalableTargetAction", {}) for each in target.get("ScheduledActions", ()))]
    least = [int(each["MinCapacity"]) for each in capacities if "MinCapacity" in each]
    most = [int(each["MaxCapacity"]) for each in capacities if "MaxCapacity" in each]
    return Range(min(least), max(most))
