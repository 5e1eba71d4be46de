"""What ElastiCache does with an update of a cluster without a replication group: Memcached, or one node of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import scaling
from elasticache_rules.change_gate.service_rules.engines import engine, version
from elasticache_rules.change_gate.service_rules.replication_group import backups
from elasticache_rules.change_gate.service_rules.update import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import Update

_ZONES = "PreferredAvailabilityZones"
_BESIDE = "build a second cluster and move the clients, if there would be too many misses"


def findings(update: Update) -> Iterator[Finding]:
    """Everything that the service's rules say about the update."""
    # Where a function decides it may be, and has more to lose.
    is_memcached = engine(update.old.properties, default=None) in ("memcached", None)
    yield from _version(update, is_memcached=is_memcached)
    yield from _node_type(update, is_memcached=is_memcached)
    owned = list(scaling.findings(update))
    yield from owned
    if not owned:
        yield from _nodes(update)
    yield from _zones(update)
    if update.changes("TransitEncryptionEnabled"):
        yield Finding(
            "TransitEncryptionEnabled",
            Effect.REJECTED,
            "TLS is chosen when the cluster is created",
            "build a second cluster, with another construct id, and move the clients",
            ("TLS-05",),
        )
    if update.changes("IpDiscovery"):
        yield Finding(
            "IpDiscovery",
            Effect.MAY_REPLACE,
            "the resource's schema says that a change replaces the cluster in some cases, and not in which",
            "leave it as it is",
            ("UPD-03",),
        )
    yield from backups(update)


def _version(update: Update, *, is_memcached: bool) -> Iterator[Finding]:
    pair = update.texts("EngineVersion")
    old, new = version(pair[0] if pair else None), version(pair[1] if pair else None)
    if old is None or new is None:
        if is_memcached and update.changes("EngineVersion"):
            yield Finding(
                "EngineVersion",
                Effect.NOT_JUDGED,
                "with another version every node restarts empty, and the version is known at deployment only",
                _BESIDE,
                ("ENG-14",),
                could_replace=True,
            )
        return
    if new < old:
        yield Finding(
            "EngineVersion",
            Effect.REJECTED,
            "an engine version cannot be lowered",
            "build a second cluster of that version",
            ("ENG-10",),
        )
    elif is_memcached:
        yield Finding(
            "EngineVersion",
            Effect.DATA_LOSS,
            "every node restarts empty",
            _BESIDE,
            ("ENG-14",),
        )
    else:
        yield Finding("EngineVersion", Effect.INTERRUPTION, "the node is away while it is upgraded")


def _node_type(update: Update, *, is_memcached: bool) -> Iterator[Finding]:
    if not update.changes("CacheNodeType"):
        return
    if is_memcached:
        yield Finding(
            "CacheNodeType", Effect.DATA_LOSS, "every node is exchanged for an empty one", _BESIDE, ("NOD-19",)
        )
    else:
        yield Finding("CacheNodeType", Effect.INTERRUPTION, "the node is away while it is exchanged", "", ("NOD-17",))


def _nodes(update: Update) -> Iterator[Finding]:
    name = "NumCacheNodes"
    if not update.changes(name):
        return
    placed = ("PreferredAvailabilityZone", _ZONES)
    if not any(update.old.get(each) or update.new.get(each) for each in placed):
        yield Finding(
            name,
            Effect.REPLACEMENT,
            "to change its nodes, CloudFormation replaces a cluster that never named its Availability Zones",
            "name an Availability Zone for every node, in the same update",
            ("MEM-07",),
        )
        return
    old, new = update.old.number(name), update.new.number(name)
    if old is None or new is None:
        reason = "one of the numbers is known at deployment only, and nodes that go take with them what they hold"
        yield Finding(name, Effect.NOT_JUDGED, reason, _BESIDE, ("MEM-07",), could_replace=True)
    elif new < old:
        yield Finding(
            name, Effect.DATA_LOSS, f"{old - new} of {old} nodes go with what they hold", _BESIDE, ("MEM-07",)
        )
    else:
        yield Finding(name, Effect.INTERRUPTION, "keys move to other nodes, and are misses once", "", ("MEM-07",))


def _zones(update: Update) -> Iterator[Finding]:
    if update.texts("AZMode") == ("cross-az", "single-az"):
        yield Finding(
            "AZMode",
            Effect.REJECTED,
            "nodes stand in several zones, and none of them can be moved",
            "keep two nodes, or build a second cluster and move the clients",
            ("MEM-05", "UPD-18"),
        )
    elif update.changes("AZMode"):
        yield Finding("AZMode", Effect.INTERRUPTION, "holds for nodes added later", "", ("UPD-18",))
    if update.changes("PreferredAvailabilityZone"):
        yield Finding("PreferredAvailabilityZone", Effect.INTERRUPTION, "holds for nodes added later", "", ("UPD-18",))
    if update.changes(_ZONES):
        old, new = update.old.members(_ZONES), update.new.members(_ZONES)
        stay = min(len(old), len(new))
        follows = update.changes("NumCacheNodes") and bool(new) and len(old) != len(new) and old[:stay] == new[:stay]
        yield Finding(
            _ZONES,
            Effect.IN_PLACE if follows else Effect.MAY_REPLACE,
            "follows the number of nodes: those that stay are where they were"
            if follows
            else "the resource's schema says that a change replaces the cluster in some cases, and not in which",
            ""
            if follows
            else "leave the zones of nodes that exist as they are, and add to the end: "
            "MemcachedCluster(availability_zones=[...])",
            ("UPD-18", "UPD-03"),
        )
