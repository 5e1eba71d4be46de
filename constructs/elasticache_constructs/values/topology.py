"""Shards and replicas of a Redis or Valkey replication group, and the settings that follow from them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_known
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.values.auto_scaling import REPLICAS, SHARDS, AutoScaling
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_REPLICAS = facts.limit("replicas_per_shard").maximum
_SLOTS = 16384
_MAX_NODES = facts.limit("nodes_per_cluster_on_request").maximum
_NODE_QUOTA = facts.limit("nodes_per_cluster").maximum


class ClusterMode(Enum):
    """Whether clients see a cluster. A running group moves from one mode to the next and cannot skip one."""

    DISABLED = "disabled"
    COMPATIBLE = "compatible"
    """Serves clients with and without cluster mode, during a migration. See docs/runbooks/cluster-mode.md."""
    ENABLED = "enabled"
    """For the deployment that ends the migration. From the next one on, use ``cluster_mode=True``."""
    UNSTATED = "unstated"
    """Enabled, but not stated in the template: for the deployment in which an upgraded group states its TLS mode, which
    cannot change together with the cluster mode. See docs/runbooks/engine-upgrade.md."""


_CLUSTER_MODE = Kind(of=ClusterMode | bool | None, example="True, or ClusterMode.COMPATIBLE", rule="TOP-12")
_SCALING = Kind(of=AutoScaling | None, example="AutoScaling(minimum=2, maximum=4)", rule="ASC-07")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """In which Availability Zones the nodes of one shard are made, and which slots it has.

    Args:
        primary_zone: The Availability Zone of the primary. A failover moves it to that of a replica. Default: the
            service chooses all zones.
        replica_zones: The Availability Zone of each replica. Default: none, for a shard without replicas or zones.
        slots: The slots of a cluster that is made from RDB files, as ``0-8191``; several ranges have commas between
            them. Default: an even part of all.

    Raises:
        ConfigurationError: If replicas have zones and the primary has none, or the slots are no ranges.
    """

    primary_zone: str | None = None
    replica_zones: Sequence[str] = ()
    slots: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        with reported_together() as check:
            zone = Kind(of=str | None, example="'eu-west-1a'", rule="TOP-16")
            check(check_kind, "Shard", "primary_zone", self.primary_zone, zone)
            zones = Kind(of=str, example="['eu-west-1b']", rule="TOP-16")
            listed = check(checked_list, "Shard", "replica_zones", self.replica_zones, zones)
            object.__setattr__(self, "replica_zones", listed)
            check(check_kind, "Shard", "slots", self.slots, Kind(of=str | None, example="'0-8191'", rule="TOP-17"))
        if self.replica_zones and self.primary_zone is None:
            raise ConfigurationError(
                got=f"Shard(replica_zones={list(self.replica_zones)!r}) without a primary_zone",
                allowed="a shard has a zone for each of its nodes, or for no node",
                fix="Name the primary_zone too",
                rule="TOP-16",
            )
        if self.slots is not None and not _RANGES.fullmatch(self.slots):
            raise ConfigurationError(
                got=f"Shard(slots={self.slots!r})",
                allowed="slots are ranges of 0 to 16383 with commas between them",
                fix="Use slots='0-8191' for the first of two shards",
                rule="TOP-17",
            )

    @property
    def zones(self) -> tuple[str, ...]:
        """The zone of each node, the primary's first; none if the service chooses."""
        return () if self.primary_zone is None else (self.primary_zone, *self.replica_zones)

    def covered(self) -> list[int]:
        """Its slots, each as often as it is named."""
        ranges = [map(int, each.split("-")) for each in (self.slots or "").split(",") if each]
        return [slot for first, last in ranges for slot in range(first, last + 1)]


_RANGES = re.compile(r"\d{1,5}-\d{1,5}(,\d{1,5}-\d{1,5})*")
_PLACEMENT = Kind(of=Shard, example="[Shard(primary_zone='eu-west-1a', replica_zones=['eu-west-1b'])]", rule="TOP-15")
_PLACED = Kind(of=bool, example="True", rule="TOP-14")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Number of shards, and of replicas per shard. Automatic failover and Multi-AZ follow from them.

    Replicas are changed in place. So are shards in cluster mode, in an update that changes nothing else
    (docs/runbooks/shards.md). Cluster mode is turned on in several deployments (docs/runbooks/cluster-mode.md), and the
    first replica is added in a deployment before failover (docs/runbooks/replicas-and-failover.md).

    With ``shard_scaling`` or ``replica_scaling`` the number is the one that the group is made with. From then on
    Application Auto Scaling owns it: leave it as it is (docs/runbooks/auto-scaling.md).

    Args:
        shards: Number of shards, 1 to 500. More than one turns cluster mode on. Default: 1.
        replicas_per_shard: Number of replicas per shard, 0 to 5. With one or more, automatic failover and Multi-AZ are
            on; with none, the data of a failed node is lost. Default: 1.
        cluster_mode: Whether clients see a cluster. Default: on with several shards, off with one. ``True`` with one
            shard allows adding shards later. A `ClusterMode` is for the migration of a group that was created without
            cluster mode: ``COMPATIBLE``, then ``ENABLED``, then ``True``.
        no_failover_reason: Why a group with replicas has neither automatic failover nor Multi-AZ: for the one
            deployment that adds its first replica. Default: failover follows from the replicas.
        node_quota: The account's quota of nodes per cluster, 90 to 500. Raise it only after AWS has raised the quota.
            Default: 90, the quota of every account.
        shard_scaling: The range in which shards are scaled automatically, in cluster mode. Default: their number is
            fixed.
        replica_scaling: The range in which the replicas of every shard are scaled automatically, in cluster mode.
            Default: their number is fixed.
        placement: The Availability Zones and slots that each shard is made with, one `Shard` for each. They are chosen
            when the group is made: another choice replaces it. Default: the service spreads the nodes.
        placed: Set it to ``True``, alone, in the deployment before the first one that changes the number of shards or
            replicas of a group with a ``placement``, and keep it: docs/runbooks/shards.md. In cluster mode the
            placement is then no longer stated. Default: the group is made with it.

    Raises:
        ConfigurationError: If a number is out of its limits, cluster mode is off with several shards, or it is on
            without a replica or without failover; if a number is scaled that the service cannot scale; if the placement
            does not fit the numbers.
    """

    shards: int = 1
    replicas_per_shard: int = 1
    cluster_mode: ClusterMode | bool | None = None
    no_failover_reason: str | None = None
    node_quota: int = _NODE_QUOTA
    shard_scaling: AutoScaling | None = None
    replica_scaling: AutoScaling | None = None
    placement: Sequence[Shard] | None = None
    placed: bool = False

    def __post_init__(self) -> None:
        """Refuse what the service would refuse now, or at the next update."""
        with reported_together() as check:
            check(self._check_shards)
            check(self._check_replicas)
            check(self._check_quota)
            check(check_kind, "Topology", "shard_scaling", self.shard_scaling, _SCALING)
            check(check_kind, "Topology", "replica_scaling", self.replica_scaling, _SCALING)
            check(check_kind, "Topology", "placed", self.placed, _PLACED)
            if self.placement is not None:
                shards = check(checked_list, "Topology", "placement", self.placement, _PLACEMENT)
                object.__setattr__(self, "placement", shards)
        with reported_together() as check:
            check(self._check_size)
            check(self._check_cluster_mode)
            check(self._check_failover)
            check(self._check_scaling)
        if self.placement is not None:
            self._check_placement(self.placement)

    def _check_shards(self) -> None:
        if not is_whole_number(self.shards, 1, _MAX_NODES):
            raise ConfigurationError(
                got=f"Topology(shards={shown(self.shards)}){other_type(self.shards)}",
                allowed=f"a group has 1 to {_MAX_NODES} shards",
                fix="Use shards=1 for a group without cluster mode",
                rule="TOP-19",
            )

    def _check_replicas(self) -> None:
        if not is_whole_number(self.replicas_per_shard, 0, _MAX_REPLICAS):
            raise ConfigurationError(
                got=f"Topology(replicas_per_shard={shown(self.replicas_per_shard)}){other_type(self.replicas_per_shard)}",
                allowed=f"a shard has 0 to {_MAX_REPLICAS} replicas",
                fix="Use replicas_per_shard=1, or 2 over three Availability Zones",
                rule="TOP-03",
            )

    def _check_quota(self) -> None:
        if not is_whole_number(self.node_quota, _NODE_QUOTA, _MAX_NODES):
            raise ConfigurationError(
                got=f"Topology(node_quota={shown(self.node_quota)}){other_type(self.node_quota)}",
                allowed=f"an account has {_NODE_QUOTA} nodes in a cluster, and at most {_MAX_NODES} after an increase",
                fix="Use the quota that Service Quotas shows as nodes per cluster, or leave it out",
                rule="TOP-19",
            )

    def _check_size(self) -> None:
        if self.nodes > self.node_quota:
            raise ConfigurationError(
                got=f"Topology with {self.nodes} nodes",
                allowed=f"a group has at most {self.node_quota} nodes"
                + ("" if self.node_quota == _MAX_NODES else f", and up to {_MAX_NODES} after a quota increase"),
                fix="Use fewer shards or replicas, or a larger node type"
                + ("" if self.nodes > _MAX_NODES else f"; if AWS has raised the quota, add node_quota={self.nodes}"),
                rule="TOP-19",
            )
        if self.maximum_nodes > self.node_quota:
            raise ConfigurationError(
                got=f"Topology that is scaled to {self.maximum_nodes} nodes",
                allowed=f"a group has at most {self.node_quota} nodes"
                + ("" if self.node_quota == _MAX_NODES else f", and up to {_MAX_NODES} after a quota increase"),
                fix="Use a smaller maximum"
                + (
                    ""
                    if self.maximum_nodes > _MAX_NODES
                    else f"; if AWS has raised the quota, add node_quota={self.maximum_nodes}"
                ),
                rule="TOP-19",
            )

    def _check_cluster_mode(self) -> None:
        check_kind("Topology", "cluster_mode", self.cluster_mode, _CLUSTER_MODE)
        if self.cluster_mode is ClusterMode.ENABLED and self.shards > 1:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, cluster_mode={self.cluster_mode})",
                allowed="the deployment that ends the migration to cluster mode changes no number",
                fix="Deploy it with shards=1 first, then with cluster_mode=True, then add shards",
                rule="TOP-23",
            )
        if not self.cluster_mode_enabled and self.shards > 1:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, cluster_mode={self.cluster_mode})",
                allowed="several shards need cluster mode",
                fix="Use shards=1, or leave cluster_mode out",
                rule="TOP-23" if self.cluster_mode is ClusterMode.COMPATIBLE else "TOP-12",
            )

    def _check_failover(self) -> None:
        if self.cluster_mode_enabled and self.replicas_per_shard == 0:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, replicas_per_shard=0) in cluster mode",
                allowed="cluster mode needs at least one replica per shard: the service creates such a group "
                "and then fails every later update of it",
                fix="Use replicas_per_shard=1 or more",
                rule="TOP-06",
            )
        if self.cluster_mode is ClusterMode.COMPATIBLE and not self.multi_az:
            raise ConfigurationError(
                got=f"Topology(cluster_mode={self.cluster_mode}) without failover",
                allowed="a migration to cluster mode needs a replica and automatic failover",
                fix="Add a replica and failover first: docs/runbooks/replicas-and-failover.md",
                rule="TOP-23",
            )
        if self.no_failover_reason is not None:
            checked_reason(self.no_failover_reason, what="Topology(no_failover_reason=...)")
            if self.cluster_mode_enabled:
                raise ConfigurationError(
                    got="Topology(no_failover_reason=...) in cluster mode",
                    allowed="cluster mode needs automatic failover",
                    fix="Leave no_failover_reason out",
                    rule="TOP-04",
                )

    def _check_scaling(self) -> None:
        if not self.is_scaled:
            return
        if not self.counts_shards:
            raise ConfigurationError(
                got=f"Topology({'shard' if self.shard_scaling else 'replica'}_scaling=...) "
                + (
                    f"with {self.cluster_mode}"
                    if isinstance(self.cluster_mode, ClusterMode)
                    else "without cluster mode"
                ),
                allowed="automatic scaling needs cluster mode",
                fix="Use cluster_mode=True; a group that was made without it is migrated first: "
                "docs/runbooks/cluster-mode.md",
                rule="ASC-02",
            )
        with reported_together() as check:
            if self.shard_scaling is not None:
                check(self.shard_scaling.check, "Topology(shard_scaling=...)", SHARDS, self.shards)
            if self.replica_scaling is not None:
                check(self.replica_scaling.check, "Topology(replica_scaling=...)", REPLICAS, self.replicas_per_shard)

    def _check_placement(self, shards: Sequence[Shard]) -> None:
        if self.cluster_mode in (ClusterMode.COMPATIBLE, ClusterMode.ENABLED, ClusterMode.UNSTATED):
            raise ConfigurationError(
                got=f"Topology(placement=..., cluster_mode={self.cluster_mode})",
                allowed="a group on its way to cluster mode cannot take its placement along",
                fix="Restore a snapshot into a new group with cluster_mode=True: docs/runbooks/snapshot-and-restore.md",
                rule="TOP-23",
            )
        with reported_together() as check:
            if not self.placed:
                check(self._check_numbers, shards)
                if self.is_scaled:
                    check(self._refuse_scaled_placement)
            check(self._check_slots, shards)
            if self.multi_az:
                for shard in shards:
                    check(_check_apart, shard)

    def _check_numbers(self, shards: Sequence[Shard]) -> None:
        if len(shards) != self.shards:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, placement=...) of {len(shards)} shards",
                allowed="each shard has its placement",
                fix=f"Use shards={len(shards)}, or name {self.shards} shards; where the group is there already and its "
                "number of shards is another one since, placed=True",
                rule="TOP-15",
            )
        with_zones = [shard for shard in shards if shard.zones]
        if with_zones and (
            len(with_zones) < len(shards) or any(len(shard.zones) != self.nodes_per_shard for shard in with_zones)
        ):
            raise ConfigurationError(
                got=f"Topology(replicas_per_shard={self.replicas_per_shard}, placement=...) with "
                f"{', '.join(str(len(shard.zones)) for shard in shards)} zones",
                allowed=f"every shard has a zone for each of its {self.nodes_per_shard} nodes, or no shard has any",
                fix="Name a primary_zone and a zone for each replica; where the group is there already and its number "
                "of replicas is another one since, placed=True",
                rule="TOP-16" if self.counts_shards else "TOP-14",
            )

    def _refuse_scaled_placement(self) -> None:
        raise ConfigurationError(
            got=f"Topology(placement=..., {'shard' if self.shard_scaling else 'replica'}_scaling=...)",
            allowed="a placement names each shard, and the template would set them again",
            fix="Leave the scaling out of this deployment; scale in one after it, with placed=True",
            rule="ASC-08",
        )

    def _check_slots(self, shards: Sequence[Shard]) -> None:
        stated = [shard for shard in shards if shard.slots is not None]
        if stated and not self.counts_shards:
            raise ConfigurationError(
                got="Topology(placement=...) with slots, without cluster mode",
                allowed="only shards of a cluster have slots",
                fix="Leave slots out, or use cluster_mode=True",
                rule="TOP-17",
            )
        if stated and sorted(slot for shard in shards for slot in shard.covered()) != list(range(_SLOTS)):
            raise ConfigurationError(
                got=f"Topology(placement=...) with the slots {' and '.join(shard.slots or 'None' for shard in shards)}",
                allowed=f"together the shards have each slot from 0 to {_SLOTS - 1} once",
                fix="Leave slots out, which divides them evenly, or name the missing ones",
                rule="TOP-17",
            )

    @property
    def states_shards(self) -> bool:
        """Whether the template names each shard: of a cluster with a placement, when it is made."""
        return self.placement is not None and not self.placed and self.counts_shards

    @property
    def zones(self) -> tuple[str, ...]:
        """The Availability Zones that the group is placed in, each once; none if the service chooses."""
        return tuple(dict.fromkeys(zone for shard in self.placement or () for zone in shard.zones))

    @property
    def zones_of_nodes(self) -> tuple[str, ...]:
        """Without cluster mode, the zone of each node that the group was made with."""
        return self.placement[0].zones if self.placement and not self.counts_shards else ()

    @property
    def is_scaled(self) -> bool:
        """Whether Application Auto Scaling owns a number: how many nodes there are, and their ids, is not known."""
        return self.shard_scaling is not None or self.replica_scaling is not None

    @property
    def cluster_mode_enabled(self) -> bool:
        """Whether clients see only a cluster."""
        if self.cluster_mode is None:
            return self.shards > 1
        return self.cluster_mode in (True, ClusterMode.ENABLED, ClusterMode.UNSTATED)

    @property
    def counts_shards(self) -> bool:
        """Render `NumNodeGroups` and `ReplicasPerNodeGroup`, not `NumCacheClusters`; ElastiCache accepts only one."""
        return self.cluster_mode_enabled and self.cluster_mode is not ClusterMode.ENABLED

    @property
    def has_cluster_parameters(self) -> bool:
        """Whether the parameter group turns cluster mode on, even if clients need not see a cluster."""
        return self.cluster_mode_enabled or self.cluster_mode is ClusterMode.COMPATIBLE

    @property
    def multi_az(self) -> bool:
        """Whether automatic failover and Multi-AZ are on: they are if there is a replica and no reason against it."""
        return self.replicas_per_shard > 0 and self.no_failover_reason is None

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots of each shard of a cluster, divided evenly: ``0-8191`` and ``8192-16383`` for two shards."""
        ends = [_SLOTS * shard // self.shards for shard in range(self.shards + 1)]
        return tuple(f"{first}-{last - 1}" for first, last in itertools.pairwise(ends))

    @property
    def nodes_per_shard(self) -> int:
        """The primary and its replicas."""
        return 1 + self.replicas_per_shard

    @property
    def nodes(self) -> int:
        """All nodes of the group; of a scaled one, those that it is made with."""
        return self.shards * self.nodes_per_shard

    @property
    def maximum_nodes(self) -> int:
        """All nodes that the group may come to have."""
        shards = max(self.shards, self.shard_scaling.highest if self.shard_scaling else 0)
        replicas = max(self.replicas_per_shard, self.replica_scaling.highest if self.replica_scaling else 0)
        return shards * (1 + replicas)


def _check_apart(shard: Shard) -> None:
    if len(shard.zones) > 1 and all(map(is_known, shard.zones)) and len(set(shard.zones)) == 1:
        raise ConfigurationError(
            got=f"Shard with all nodes in {shard.primary_zone}",
            allowed="with failover the nodes of a shard are in two Availability Zones at least",
            fix="Name another zone for a replica",
            rule="TOP-10",
        )
