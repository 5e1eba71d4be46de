"""Cluster mode, and the number of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_constructs.change_gate.changes import Effect
from elasticache_constructs.change_gate.service_rules.engines import version
from elasticache_constructs.change_gate.service_rules.update import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_constructs.change_gate.service_rules.update import State, Update

_FLOORS = {"redis": (7, 0), "valkey": (7, 2)}
_MAY_CHANGE_WITH_IT = {"ClusterMode", "CacheParameterGroupName"}
_RUNBOOK = "docs/runbooks/cluster-mode.md"


def mode(state: State) -> str:
    """``disabled``, ``compatible`` or ``enabled``: as it is set, or as shards and parameters make it."""
    chosen = state.text("ClusterMode")
    if chosen is not None:
        return chosen.lower()
    several = len(state.members("NodeGroupConfiguration")) > 1 or (state.number("NumNodeGroups") or 1) > 1
    return "enabled" if several or _parameters_say_so(state) else "disabled"


def _parameters_say_so(state: State) -> bool:
    if (state.text("CacheParameterGroupName") or "").endswith(".cluster.on"):
        return True
    groups = state.referenced("CacheParameterGroupName", "AWS::ElastiCache::ParameterGroup").values()
    return any(each["Properties"].get("Properties", {}).get("cluster-enabled") == "yes" for each in groups)


def findings(update: Update) -> Iterator[Finding]:
    """What the service says about a change of the mode or of the shards."""
    old, new = mode(update.old), mode(update.new)
    if old != new:
        yield from _mode(update, old, new)
    yield from _shards(update)


def _mode(update: Update, old: str, new: str) -> Iterator[Finding]:
    name = "ClusterMode" if update.changes("ClusterMode") else "CacheParameterGroupName"
    if not update.changes("ClusterMode"):
        # Shards alone are judged below; a parameter group of the other mode is what is left.
        if update.changes("CacheParameterGroupName"):
            yield Finding(
                name,
                Effect.REJECTED,
                f"a group in mode {old} does not take a parameter group for mode {new}",
                f"change ClusterMode, by way of compatible: {_RUNBOOK}",
                ("PGR-07",),
            )
        return
    if old == "enabled":
        yield Finding(
            name,
            Effect.REJECTED,
            "cluster mode cannot be turned off",
            "restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md",
            ("TOP-22",),
        )
        return
    if (old, new) == ("disabled", "enabled"):
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            "the service goes from disabled to enabled by way of compatible only",
            f"deploy compatible, move the clients to the configuration endpoint, then deploy enabled: {_RUNBOOK}",
            ("TOP-22", "UPD-17"),
        )
        return
    missing = list(_missing_for_a_change(update.old))
    others = sorted(set(update.changed) - _MAY_CHANGE_WITH_IT)
    if missing:
        yield Finding(
            name,
            Effect.REJECTED,
            f"changing the mode needs {' and '.join(missing)}",
            f"deploy that first: {_RUNBOOK}",
            ("TOP-23",),
        )
    if others:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            f"the mode changes alone, or with its parameter group; here with {', '.join(others)}",
            "deploy the mode by itself",
            ("TOP-23",),
        )
    if not missing and not others:
        yield Finding(
            name,
            Effect.INTERRUPTION,
            "clients that do not speak the cluster protocol lose their endpoint"
            if new == "enabled"
            else "connections are closed once while the group changes",
            f"move the clients first: {_RUNBOOK}" if new == "enabled" else "",
            ("TOP-22",),
        )


def _missing_for_a_change(state: State) -> Iterator[str]:
    engine = state.text("Engine", "redis")
    number, floor = version(state.text("EngineVersion")), _FLOORS.get(engine or "")
    if number is not None and floor is not None and number < floor:
        yield f"{engine} {'.'.join(map(str, floor))}"
    if state.flag("AutomaticFailoverEnabled") is False:
        yield "automatic failover"
    if state.number("NumCacheClusters") == 1 or state.number("ReplicasPerNodeGroup") == 0:
        yield "a replica"


def _shards(update: Update) -> Iterator[Finding]:
    if not update.changes("NumNodeGroups", "NodeGroupConfiguration"):
        return
    name = "NodeGroupConfiguration" if update.changes("NodeGroupConfiguration") else "NumNodeGroups"
    old, new = _shard_count(update.old), _shard_count(update.new)
    online = (update.new.attributes.get("UpdatePolicy") or {}).get("UseOnlineResharding") == "true"
    if not online:
        yield Finding(
            name,
            Effect.REPLACEMENT if name == "NodeGroupConfiguration" or old != new else Effect.MAY_REPLACE,
            "without UpdatePolicy UseOnlineResharding CloudFormation replaces the group to change its shards",
            "set UseOnlineResharding: true: docs/runbooks/shards.md",
            ("UPD-05", "UPD-02") if name == "NodeGroupConfiguration" else ("UPD-05",),
        )
    if old != new and mode(update.old) != "enabled":
        yield Finding(
            name,
            Effect.REJECTED,
            "shards can be added and removed in cluster mode only",
            f"turn cluster mode on first: {_RUNBOOK}",
            ("TOP-21",),
        )
        return
    if online and old != new:
        yield from _resharding(update, name, old, new)
    if online and name == "NodeGroupConfiguration":
        yield from _configured(update, resized=old != new)


def _resharding(update: Update, name: str, old: int | None, new: int | None) -> Iterator[Finding]:
    others = set(update.changed) - {"NumNodeGroups", "NodeGroupConfiguration"}
    if others or not update.is_only_change:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            "shards change in an update of their own: a resharding that fails is not rolled back, the rest is",
            "deploy everything else before or after: docs/runbooks/shards.md",
            ("UPD-06",),
        )
        return
    slower = old is not None and new is not None and new < old
    yield Finding(
        name,
        Effect.IN_PLACE,
        "shards are removed online; it fails when the data does not fit into those that stay"
        if slower
        else "shards are added online, at the cost of some CPU",
        "",
        ("UPD-06",),
    )


def _configured(update: Update, *, resized: bool) -> Iterator[Finding]:
    name = "NodeGroupConfiguration"
    before = {str(each.get("NodeGroupId")): each for each in _groups(update.old)}
    for group in _groups(update.new):
        identifier = str(group.get("NodeGroupId"))
        known = before.get(identifier, {})
        if known and known.get("ReplicaCount") != group.get("ReplicaCount"):
            yield Finding(
                name,
                Effect.REJECTED,
                f"the replicas of shard {identifier}, which exists, cannot be changed here",
                "use ReplicasPerNodeGroup, in a template without NodeGroupConfiguration",
                ("TOP-18",),
            )
        needed = ("NodeGroupId", "PrimaryAvailabilityZone", "ReplicaAvailabilityZones", "ReplicaCount")
        missing = ", ".join(each for each in needed if group.get(each) is None)
        if resized and (missing or group.get("Slots") is not None):
            yield Finding(
                name,
                Effect.REJECTED,
                f"shard {identifier} {f'lacks {missing}' if missing else 'names its Slots'}",
                "give every shard its zones and replicas, and leave the slots to online resharding",
                ("UPD-06",),
            )
    if not resized and _placement(update.old) != _placement(update.new):
        yield Finding(
            name,
            Effect.MAY_REPLACE,
            "the zones or slots of shards that exist are chosen at creation",
            "leave them as they are",
            ("UPD-02",),
        )


def _groups(state: State) -> list[dict[str, Any]]:
    return [each for each in state.members("NodeGroupConfiguration") if isinstance(each, dict)]


def _placement(state: State) -> list[dict[str, Any]]:
    return [{name: each for name, each in group.items() if name != "ReplicaCount"} for group in _groups(state)]


def _shard_count(state: State) -> int | None:
    return state.number("NumNodeGroups", len(state.members("NodeGroupConfiguration")) or 1)
