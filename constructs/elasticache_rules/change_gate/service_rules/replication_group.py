"""What ElastiCache does with an update of a replication group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import (
    cluster_mode,
    engine_upgrade,
    global_datastore,
    login,
    scaling,
    transit_encryption,
)
from elasticache_rules.change_gate.service_rules.engines import lacks
from elasticache_rules.change_gate.service_rules.update import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import State, Update
    from elasticache_rules.facts import Feature

_LOGS: dict[str, Feature] = {"slow-log": "slow_log", "engine-log": "engine_log"}
_PARAMETER_GROUP = "AWS::ElastiCache::ParameterGroup"


def findings(update: Update) -> Iterator[Finding]:
    """Everything that the service's rules say about the update."""
    owned = [*scaling.findings(update), *global_datastore.of_member(update)]
    yield from owned
    names = {each.property for each in owned}
    # How a number changes says nothing while it is not known from where to where, or a member cannot change it.
    yield from (each for each in _said(update) if each.property not in names or each.effect is not Effect.IN_PLACE)


def _said(update: Update) -> Iterator[Finding]:
    yield from engine_upgrade.findings(update)
    yield from _parameter_group(update)
    yield from _node_type(update)
    yield from cluster_mode.findings(update)
    yield from _failover_and_replicas(update)
    yield from transit_encryption.findings(update)
    yield from login.of_replication_group(update)
    yield from backups(update)
    yield from _snapshotting_cluster(update)
    yield from _logs(update)
    yield from _durability(update)


def _parameter_group(update: Update) -> Iterator[Finding]:
    name = "CacheParameterGroupName"
    if not update.changes(name):
        return
    if global_datastore.is_member(update.old, update.logical_id):
        yield Finding(
            name,
            Effect.REJECTED,
            "a member of a global datastore changes its parameter group only in a major upgrade of the whole datastore",
            "change it on the global replication group, together with its engine version",
            ("GDS-09",),
        )
    elif (update.new.text(name) or "").startswith("default."):
        yield Finding(
            name,
            Effect.IN_PLACE,
            "every parameter goes back to the service's default; the parameters of a default group cannot be changed",
            "keep a parameter group of the cache's own",
            ("PGR-09",),
        )


def _node_type(update: Update) -> Iterator[Finding]:
    pair = update.texts("CacheNodeType")
    if pair is None:
        return
    if global_datastore.is_member(update.old, update.logical_id):
        yield Finding(
            "CacheNodeType",
            Effect.REJECTED,
            "a member of a global datastore cannot be scaled on its own",
            "change the node type of the global replication group",
            ("GDS-08",),
        )
    elif any(".r6gd." in each for each in pair):
        yield Finding(
            "CacheNodeType",
            Effect.REJECTED,
            "a group cannot move to or from r6gd, the node type with data tiering",
            "restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md",
            ("NOD-18",),
        )
    else:
        yield Finding(
            "CacheNodeType",
            Effect.INTERRUPTION,
            "scaled online: a failover of seconds per shard; a smaller type is refused when the data does not fit",
            "check the memory in use first: docs/runbooks/node-type.md",
            ("NOD-17",),
        )


def _failover_and_replicas(update: Update) -> Iterator[Finding]:
    old, new = _nodes_per_shard(update.old), _nodes_per_shard(update.new)
    failover = [update.new.flag("AutomaticFailoverEnabled"), update.new.flag("MultiAZEnabled")]
    if old is not None and new is not None:
        name = "ReplicasPerNodeGroup" if update.changes("ReplicasPerNodeGroup") else "NumCacheClusters"
        if old == 1 and new > 1 and update.changes("AutomaticFailoverEnabled", "MultiAZEnabled") and any(failover):
            yield Finding(
                "AutomaticFailoverEnabled" if update.changes("AutomaticFailoverEnabled") else "MultiAZEnabled",
                Effect.SEVERAL_DEPLOYMENTS,
                "CloudFormation asks for failover before the replica exists",
                "deploy the replica first, then failover and Multi-AZ: docs/runbooks/replicas-and-failover.md",
                ("TOP-07", "UPD-08", "UPD-17"),
            )
        if old > 1 and new == 1 and any(failover):
            yield Finding(
                name,
                Effect.REJECTED,
                "automatic failover needs a replica to fail over to",
                "keep one replica, or turn failover and Multi-AZ off first",
                ("TOP-25",),
            )
        elif new < old:
            yield Finding(
                name, Effect.INTERRUPTION, "clients of the replicas that go are disconnected", "", ("TOP-25",)
            )
    turned_off = update.old.flag("AutomaticFailoverEnabled") is True and failover[0] is False
    mode = cluster_mode.mode(update.old)
    if turned_off and mode in ("enabled", None):
        yield Finding(
            "AutomaticFailoverEnabled",
            Effect.REJECTED if mode else Effect.NOT_JUDGED,
            f"failover cannot be turned off in cluster mode{'' if mode else f', and {cluster_mode.UNKNOWN}'}",
            "leave it on",
            ("TOP-05",),
        )
    has_groups = any(state.get("NodeGroupConfiguration") is not None for state in (update.old, update.new))
    if update.changes("ReplicasPerNodeGroup") and has_groups:
        yield Finding(
            "ReplicasPerNodeGroup",
            Effect.REPLACEMENT,
            "together with NodeGroupConfiguration it replaces the group",
            "leave NodeGroupConfiguration out of the template, which makes replicas uniform",
            ("UPD-07", "TOP-28"),
        )


def _nodes_per_shard(state: State) -> int | None:
    replicas = state.number("ReplicasPerNodeGroup")
    if state.get("ReplicasPerNodeGroup") is not None:
        return None if replicas is None else replicas + 1
    return state.number("NumCacheClusters", 1)


def backups(update: Update) -> Iterator[Finding]:
    """Snapshots that end, or are kept for a shorter time. The rule is the same for clusters and serverless caches."""
    name = "SnapshotRetentionLimit"
    old, new = update.old.number(name, 0), update.new.number(name, 0)
    if old is None or new is None or new >= old:
        return
    if new == 0:
        yield Finding(name, Effect.DATA_LOSS, "daily snapshots end", "keep them for at least a day", ("SNP-08",))
    else:
        yield Finding(name, Effect.IN_PLACE, f"daily snapshots older than {new} days are deleted")


def _snapshotting_cluster(update: Update) -> Iterator[Finding]:
    name = "SnapshottingClusterId"
    if not update.changes(name) or update.new.get(name) is None:
        return
    group, cluster = update.new.text("ReplicationGroupId"), update.new.text(name)
    mode = cluster_mode.mode(update.old)
    if mode == "enabled":
        reason = "in cluster mode snapshots are of every shard, and no node can be chosen"
    elif group is not None and cluster is not None and not cluster.startswith(f"{group}-"):
        reason = f"it is not a node of {group}"
    elif group is None or cluster is None or mode is None:
        yield Finding(
            name,
            Effect.NOT_JUDGED,
            "it must be one of the group's nodes, whose names are known after the deployment only"
            if mode
            else f"in cluster mode no node can be chosen, and {cluster_mode.UNKNOWN}",
            "leave it out: the service takes snapshots from a replica by itself",
            ("TOP-26",),
        )
        return
    else:
        return
    yield Finding(name, Effect.REJECTED, reason, "leave it out, or name one of the group's nodes", ("TOP-26",))


def _logs(update: Update) -> Iterator[Finding]:
    name = "LogDeliveryConfigurations"
    if not update.changes(name):
        return
    kinds = [str(each.get("LogType")) for each in update.new.members(name) if isinstance(each, dict)]
    too_new = [kind for kind in kinds if kind in _LOGS and lacks(update.old, _LOGS[kind])]
    if too_new and update.changes("EngineVersion", "Engine"):
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            f"the service checks {' and '.join(too_new)} against the version that runs, "
            f"{update.old.text('EngineVersion')}",
            "deploy the upgrade first, then the logs",
            ("LOG-04", "UPD-17"),
        )


def _durability(update: Update) -> Iterator[Finding]:
    name, rules = "Durability", ("DUR-04",)
    if not update.changes(name):
        return
    old, new = _effective(update.old), _effective(update.new)
    others = sorted(set(update.changed) - {name})
    missing = _lacks_for_durability(update.old)
    if old is None or new is None:
        reason = "whether writes are durable afterwards, and whether the group can do it, is known at deployment only"
        yield Finding(name, Effect.NOT_JUDGED, reason, "look at the change set", rules)
    elif old == new:
        yield Finding(name, Effect.IN_PLACE, f"{old} in other words", "", rules)
    elif old == "disabled" and missing is not None:
        yield Finding(name, Effect.REJECTED, missing, _TO_DURABILITY, ("DUR-02",))
    elif others:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            f"the service switches durability in a separate update; here with {', '.join(others)}",
            _TO_DURABILITY,
            rules,
        )
    else:
        yield Finding(name, Effect.IN_PLACE, f"switched while the group serves: {_DURABLE[new]}", "", rules)


_TO_DURABILITY = "deploy the durability by itself, once the group is ready for it: docs/runbooks/durability.md"
_DURABLE = {
    "sync": "a write waits for the transaction log from now on",
    "async": "from now on a failure may lose writes of the last 10 seconds",
    "disabled": "from now on a failure may lose what no replica has received",
}


def _lacks_for_durability(state: State) -> str | None:
    """What a group lacks that is to be durable, as far as it is known."""
    if lacks(state, "durability") or state.text("Engine") not in ("valkey", None):
        return "it needs Valkey 9.0 before it is turned on"
    if cluster_mode.mode(state) in ("disabled", "compatible"):
        return "it needs cluster mode before it is turned on"
    if state.flag("MultiAZEnabled") is False:
        return "it needs Multi-AZ with a replica in each shard before it is turned on"
    if state.flag("TransitEncryptionEnabled") is False or state.text("TransitEncryptionMode") == "preferred":
        return "it needs TLS, required, before it is turned on"
    if state.get("GlobalReplicationGroupId") is not None:
        return "a member of a global datastore cannot be durable"
    return None


def _effective(state: State) -> str | None:
    """``sync``, ``async`` or ``disabled``, which is the default; nothing where it is a function."""
    chosen = (state.text("Durability", "default") or "").lower()
    return {"default": "disabled"}.get(chosen, chosen if chosen in _DURABLE else None)
