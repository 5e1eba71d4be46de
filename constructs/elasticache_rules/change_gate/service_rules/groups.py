"""What ElastiCache does with an update of a parameter group or a subnet group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules import facts
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules import global_datastore
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.templates.references import Reference, references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import Update

_FIXED_WHILE_IN_USE = ("activerehashing", "databases")
_MOST_PER_CALL = 20


def of_parameters(update: Update) -> Iterator[Finding]:
    """What the service says about other parameters."""
    if not update.changes("Properties"):
        return
    yield from global_datastore.of_parameters(update)
    old, new = (state.get("Properties") or {} for state in (update.old, update.new))
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    fixed = [name for name in _FIXED_WHILE_IN_USE if name in differing]
    if fixed and _is_used(update):
        yield Finding(
            "Properties",
            Effect.REJECTED,
            f"{' and '.join(fixed)} can be set only while no cache uses the group",
            "make a second parameter group, with another construct id, and move the cache to it",
            ("PGR-08",),
        )
    if "cluster-enabled" in differing and _is_used(update):
        yield Finding(
            "Properties",
            Effect.REJECTED,
            "cluster-enabled is set when a parameter group is made",
            "make a second parameter group and change ClusterMode with it: docs/runbooks/cluster-mode.md",
            ("PGR-07",),
        )
    family = update.new.text("CacheParameterGroupFamily") or ""
    known = [parameter for name in differing if (parameter := facts.parameter(family, name)) is not None]
    waiting = [each.name for each in known if each.requires_reboot and each.name not in (*fixed, "cluster-enabled")]
    if waiting and _is_used(update):
        yield Finding(
            "Properties",
            Effect.IN_PLACE,
            f"{' and '.join(waiting)} take effect when the nodes are rebooted, which CloudFormation does not do",
            "reboot them when misses are cheap: a Memcached node begins empty",
            ("PGR-15",),
        )
    if len(differing) > _MOST_PER_CALL:
        yield Finding(
            "Properties",
            Effect.IN_PLACE,
            f"{len(differing)} parameters are sent in calls of {_MOST_PER_CALL}: for a while some are new and some old",
            "",
            ("PGR-10",),
        )


def of_subnets(update: Update) -> Iterator[Finding]:
    """What the service says about fewer subnets."""
    gone = [each for each in update.old.members("SubnetIds") if each not in update.new.members("SubnetIds")]
    if update.changes("SubnetIds") and gone and _is_used(update):
        yield Finding(
            "SubnetIds",
            Effect.REJECTED,
            "a subnet cannot be taken away while a node stands in it",
            "add the new subnets, move the nodes, and remove the old ones in a later deployment: "
            "docs/runbooks/snapshot-and-restore.md",
            ("NET-04",),
        )


def _is_used(update: Update) -> bool:
    return any(
        Reference(update.logical_id) in references(body.get("Properties", {})) for body in update.old.resources.values()
    )
