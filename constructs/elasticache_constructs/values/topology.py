"""Shards and replicas of a Redis or Valkey group, and what follows from their numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import Enum

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.whole_numbers import is_whole_number, shown
from elasticache_rules import facts

_MOST_REPLICAS = facts.limit("replicas_per_shard").maximum
_SLOTS = 16384
_MOST_NODES = facts.limit("nodes_per_cluster_on_request").maximum
_NODE_QUOTA = facts.limit("nodes_per_cluster").maximum


class ClusterMode(Enum):
    """Whether clients see a cluster. A running group goes from one to the next and never skips one."""

    DISABLED = "disabled"
    COMPATIBLE = "compatible"
    """Clients of both kinds are served: the step between. See docs/runbooks/cluster-mode.md."""
    ENABLED = "enabled"
    """For the deployment that ends the migration. From the next one on it is ``cluster_mode=True``."""
    UNSTATED = "unstated"
    """On, and the template does not say so: for the deployment in which an upgraded group states its mode of TLS, since
    the mode of the cluster is stated alone. See docs/runbooks/engine-upgrade.md."""


_CLUSTER_MODE = Kind(of=ClusterMode | bool | None, example="True, or ClusterMode.COMPATIBLE", rule="TOP-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """How many shards a group has and how many replicas each of them; failover and Multi-AZ follow from it.

    Replicas and, in cluster mode, shards may be changed in place: shards in an update that changes nothing else
    (docs/runbooks/shards.md). Cluster mode is turned on in several deployments (docs/runbooks/cluster-mode.md), and the
    first replica is added in a deployment before failover (docs/runbooks/replicas-and-failover.md).

    Args:
        shards: Shards, 1 to 500. More than one turns cluster mode on. Default: 1.
        replicas_per_shard: Replicas of each shard, 0 to 5. With one or more, automatic failover and Multi-AZ are on;
            with none, a failed node takes its data with it. Default: 1.
        cluster_mode: Whether clients see a cluster. Default: on with several shards, off with one. ``True`` with one
            shard leaves room to add shards later. A `ClusterMode` is for a group that was made without cluster mode
            and is on its way: ``COMPATIBLE``, then ``ENABLED``, then ``True``.
        no_failover_reason: Why a group with replicas has neither automatic failover nor Multi-AZ: for the one
            deployment that adds its first replica. Default: failover follows from the replicas.
        node_quota: Nodes that the account may have in one cluster, 90 to 500. Default: 90, what every account has.
            More only after AWS has raised the quota.

    Raises:
        ConfigurationError: If a number is out of its limits; when cluster mode is off with several shards, or on
            without a replica or without failover.
    """

    shards: int = 1
    replicas_per_shard: int = 1
    cluster_mode: ClusterMode | bool | None = None
    no_failover_reason: str | None = None
    node_quota: int = _NODE_QUOTA

    def __post_init__(self) -> None:
        """Refuse what the service would refuse now, or at the next update."""
        with reported_together() as check:
            check(self._check_shards)
            check(self._check_replicas)
            check(self._check_quota)
        with reported_together() as check:
            check(self._check_size)
            check(self._check_cluster_mode)
            check(self._check_failover)

    def _check_shards(self) -> None:
        if not is_whole_number(self.shards, 1, _MOST_NODES):
            raise ConfigurationError(
                got=f"Topology(shards={shown(self.shards)})",
                allowed=f"a group has 1 to {_MOST_NODES} shards",
                fix="Use shards=1 for a group without cluster mode",
                rule="TOP-19",
            )

    def _check_replicas(self) -> None:
        if not is_whole_number(self.replicas_per_shard, 0, _MOST_REPLICAS):
            raise ConfigurationError(
                got=f"Topology(replicas_per_shard={shown(self.replicas_per_shard)})",
                allowed=f"a shard has 0 to {_MOST_REPLICAS} replicas",
                fix="Use replicas_per_shard=1, or 2 over three zones",
                rule="TOP-03",
            )

    def _check_quota(self) -> None:
        if not is_whole_number(self.node_quota, _NODE_QUOTA, _MOST_NODES):
            raise ConfigurationError(
                got=f"Topology(node_quota={shown(self.node_quota)})",
                allowed=f"an account has {_NODE_QUOTA} nodes in a cluster, and {_MOST_NODES} at most after an increase",
                fix="Use the quota that Service Quotas shows as nodes per cluster, or leave it out",
                rule="TOP-19",
            )

    def _check_size(self) -> None:
        if self.nodes > self.node_quota:
            raise ConfigurationError(
                got=f"Topology with {self.nodes} nodes",
                allowed=f"a group has {self.node_quota} nodes at most"
                + ("" if self.node_quota == _MOST_NODES else f", and up to {_MOST_NODES} after a quota increase"),
                fix="Use fewer shards or replicas, or a larger node type"
                + (
                    ""
                    if self.nodes > _MOST_NODES
                    else f"; where AWS has raised the quota, say so: node_quota={self.nodes}"
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
                allowed="a group is taken to cluster mode with a replica and automatic failover",
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

    @property
    def cluster_mode_enabled(self) -> bool:
        """Whether clients see a cluster, and nothing else."""
        if self.cluster_mode is None:
            return self.shards > 1
        return self.cluster_mode in (True, ClusterMode.ENABLED, ClusterMode.UNSTATED)

    @property
    def counts_shards(self) -> bool:
        """Whether the group is told its size as shards and replicas of each, else as nodes: the service takes one."""
        return self.cluster_mode_enabled and self.cluster_mode is not ClusterMode.ENABLED

    @property
    def has_cluster_parameters(self) -> bool:
        """Whether its nodes run in cluster mode, which their parameter group says, even if clients need not see it."""
        return self.cluster_mode_enabled or self.cluster_mode is ClusterMode.COMPATIBLE

    @property
    def multi_az(self) -> bool:
        """Whether the group fails over to another zone by itself: it does as soon as there is a replica."""
        return self.replicas_per_shard > 0 and self.no_failover_reason is None

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots of each shard of a cluster, as even as they can be: ``0-8191`` and ``8192-16383`` of two."""
        ends = [_SLOTS * shard // self.shards for shard in range(self.shards + 1)]
        return tuple(f"{first}-{last - 1}" for first, last in itertools.pairwise(ends))

    @property
    def nodes_per_shard(self) -> int:
        """One primary and its replicas."""
        return 1 + self.replicas_per_shard

    @property
    def nodes(self) -> int:
        """All nodes of the group."""
        return self.shards * self.nodes_per_shard
