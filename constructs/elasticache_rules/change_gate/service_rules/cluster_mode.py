"""Cluster mode, and the number of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules import facts
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.engines import lacks
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import is_intrinsic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import State, Update

_MAY_CHANGE_WITH_IT = {"ClusterMode", "CacheParameterGroupName"}
_RUNBOOK = "docs/runbooks/cluster-mode.md"

UNKNOWN = "whether the group is in cluster mode is not known from the template"


def mode(state: State) -> str | None:
    """``disabled``, ``compatible`` or ``enabled``: as it is set, or as shards and parameters make it.

    Returns:
        Nothing when it, or the number of shards, is a function, or a parameter group decides that the template does
        not show.
    """
    chosen = state.text("ClusterMode")
    if chosen is not None:
        return chosen.lower()
    shards = _shard_count(state)
    if shards is not None and shards > 1:
        return "enabled"
    if state.get("ClusterMode") is not None:
        return None
    if state.get("CacheParameterGroupName") is None:
        return None if shards is None else "disabled"
    return _mode_of_parameters(state)


def _mode_of_parameters(state: State) -> str | None:
    name = state.get("CacheParameterGroupName")
    if isinstance(name, str) and name.startswith("default."):
        return "enabled" if name.endswith(".cluster.on") else "disabled"
    groups = state.referenced("CacheParameterGroupName", "AWS::ElastiCache::ParameterGroup")
    shown = [body for logical_id, body in groups.items() if name == {"Ref": logical_id}]
    parameters = shown[0]["Properties"].get("Properties", {}) if shown else None
    if parameters is None or is_intrinsic(parameters):
        return None
    return {"yes": "enabled", "no": "disabled"}.get(str(parameters.get("cluster-enabled", "no")))


def findings(update: Update) -> Iterator[Finding]:
    """What the service says about a change of the mode or of the shards."""
    old, new = mode(update.old), mode(update.new)
    if old is None or new is None:
        yield from _unknown(update)
    elif old != new:
        yield from _mode(update, old, new)
    else:
        yield from _stated(update)
    yield from _shards(update)


def _stated(update: Update) -> Iterator[Finding]:
    """Changes that are refused although the mode stays: CloudFormation sends it with them, as a change."""
    others = sorted(set(update.changed) - _MAY_CHANGE_WITH_IT)
    # Of the upgrade from a version that has no modes yet, the rules of upgrades speak.
    has_modes = not lacks(update.old, "cluster_mode_migration")
    written = update.new.text("ClusterMode") or ""
    if others and written != written.lower():
        yield Finding(
            "ClusterMode",
            Effect.REJECTED,
            f"{written} is not how the service writes it: CloudFormation takes it for a change of the mode in every "
            f"update, which goes with no other; here with {', '.join(others)}",
            f"write {written.lower()} instead",
            ("TOP-23",),
        )
    elif has_modes and others and update.old.get("ClusterMode") is None and update.new.get("ClusterMode") is not None:
        yield Finding(
            "ClusterMode",
            Effect.SEVERAL_DEPLOYMENTS,
            f"the mode is stated alone, or with its parameter group; here with {', '.join(others)}",
            "deploy the mode by itself",
            ("TOP-23",),
        )


def _unknown(update: Update) -> Iterator[Finding]:
    if update.changes("ClusterMode"):
        reason = f"the mode changes in steps, and {UNKNOWN}"
        yield Finding("ClusterMode", Effect.NOT_JUDGED, reason, f"state ClusterMode as it is: {_RUNBOOK}", ("TOP-22",))
    elif update.changes("CacheParameterGroupName"):
        reason = f"a group does not take a parameter group for another mode, and {UNKNOWN}"
        yield Finding(
            "CacheParameterGroupName",
            Effect.NOT_JUDGED,
            reason,
            "compare cluster-enabled in both parameter groups",
            ("PGR-07",),
        )


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
    if lacks(state, "cluster_mode_migration"):
        yield f"at least {facts.floors_in_words('cluster_mode_migration')}"
    if state.flag("AutomaticFailoverEnabled") is False:
        yield "automatic failover"
    if state.number("NumCacheClusters") == 1 or state.number("ReplicasPerNodeGroup") == 0:
        yield "a replica"


def _shards(update: Update) -> Iterator[Finding]:
    if not update.changes("NumNodeGroups", "NodeGroupConfiguration"):
        return
    name = "NodeGroupConfiguration" if update.changes("NodeGroupConfiguration") else "NumNodeGroups"
    old, new = _shard_count(update.old), _shard_count(update.new)
    resized = None not in (old, new) and old != new
    before = mode(update.old)
    online = (update.new.attributes.get("UpdatePolicy") or {}).get("UseOnlineResharding") == "true"
    if not online:
        yield Finding(
            name,
            Effect.REPLACEMENT if name == "NodeGroupConfiguration" or resized else Effect.MAY_REPLACE,
            "without UpdatePolicy UseOnlineResharding CloudFormation replaces the group to change its shards",
            "set UseOnlineResharding: true: docs/runbooks/shards.md",
            ("UPD-05", "UPD-02") if name == "NodeGroupConfiguration" else ("UPD-05",),
        )
    if old is None or new is None:
        # Of a configuration of shards the schema says itself that it may replace the group.
        if name == "NumNodeGroups":
            yield Finding(
                name,
                Effect.NOT_JUDGED,
                "the number of shards is known at deployment only",
                "look at the change set, or leave the number as it is",
                ("UPD-06",),
            )
        return
    if resized and before in ("disabled", "compatible"):
        yield Finding(
            name,
            Effect.REJECTED,
            "shards can be added and removed in cluster mode only",
            f"turn cluster mode on first: {_RUNBOOK}",
            ("TOP-21",),
        )
        return
    if online and resized:
        yield from _resharding(update, name, fewer=new < old, before=before)
    if online and name == "NodeGroupConfiguration":
        yield from _configured(update, resized=resized)


def _resharding(update: Update, name: str, *, fewer: bool, before: str | None) -> Iterator[Finding]:
    others = set(update.changed) - {"NumNodeGroups", "NodeGroupConfiguration"}
    if others or not update.is_only_change:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            "shards change in a separate update: a failed resharding is not rolled back, the rest is",
            "deploy everything else before or after: docs/runbooks/shards.md",
            ("UPD-06",),
        )
        return
    if before is None:
        reason = f"shards can be added and removed in cluster mode only, and {UNKNOWN}"
        yield Finding(name, Effect.NOT_JUDGED, reason, f"state ClusterMode as it is: {_RUNBOOK}", ("TOP-21",))
        return
    yield Finding(
        name,
        Effect.IN_PLACE,
        "shards are removed online; it fails when the data does not fit into those that stay"
        if fewer
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
                "give every shard its Availability Zones and replicas, and leave the slots to online resharding",
                ("UPD-06",),
            )
    if not resized and update.new.get(name) is None:
        yield Finding(
            name,
            Effect.IN_PLACE,
            "the shards are no longer stated, and stay as they are",
            "",
            ("UPD-06",),
        )
    elif not resized and _placement(update.old) != _placement(update.new):
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
    stated, groups = state.number("NumNodeGroups"), state.members("NodeGroupConfiguration")
    if stated is not None:
        return stated
    if groups and not any(map(is_intrinsic, groups)):
        return len(groups)
    return None if state.get("NumNodeGroups") is not None or state.get("NodeGroupConfiguration") else 1
