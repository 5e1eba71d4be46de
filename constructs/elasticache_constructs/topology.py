"""Shards and replicas of a Redis or Valkey group, and what follows from their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from elasticache_constructs.errors import ConfigurationError
from elasticache_constructs.whole_numbers import is_whole_number, shown

_MOST_REPLICAS = 5
_MOST_NODES = 500
_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Replication.Redis-RedisCluster.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """How many shards a group has and how many replicas each of them; failover and Multi-AZ follow from it.

    Replicas and, in cluster mode, shards may be changed in place: shards in an update that changes nothing else.
    Turning cluster mode on or off is not a change of this number alone.

    Args:
        shards: Shards, 1 to 500. More than one turns cluster mode on. Default: 1.

        replicas_per_shard: Replicas of each shard, 0 to 5. With one or more, automatic failover and Multi-AZ are on;
            with none, a failed node takes its data with it. Default: 1.

        cluster_mode: Whether clients see a cluster. Default: on with several shards, off with one. ``True`` with one
            shard leaves room to add shards later.

    Raises:
        ConfigurationError: When a number is out of its limits, or cluster mode is off with several shards, or on
            without a replica.
    """

    shards: int = 1
    replicas_per_shard: int = 1
    cluster_mode: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would refuse now, or at the next update."""
        if not is_whole_number(self.shards, 1, _MOST_NODES):
            raise ConfigurationError(
                got=f"Topology(shards={shown(self.shards)})",
                allowed=f"a group has 1 to {_MOST_NODES} shards",
                fix="Use shards=1 for a group without cluster mode",
                page=_PAGE,
            )
        if not is_whole_number(self.replicas_per_shard, 0, _MOST_REPLICAS):
            raise ConfigurationError(
                got=f"Topology(replicas_per_shard={shown(self.replicas_per_shard)})",
                allowed=f"a shard has 0 to {_MOST_REPLICAS} replicas",
                fix="Use replicas_per_shard=1, or 2 over three zones",
                page=_PAGE,
            )
        if self.nodes > _MOST_NODES:
            raise ConfigurationError(
                got=f"Topology with {self.nodes} nodes",
                allowed=f"a group has {_MOST_NODES} nodes at most, and 90 before a quota increase",
                fix="Use fewer shards or replicas, or a larger node type",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/quota-limits.html",
            )
        if self.cluster_mode is False and self.shards > 1:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, cluster_mode=False)",
                allowed="several shards need cluster mode",
                fix="Use shards=1, or leave cluster_mode out",
                page=_PAGE,
            )
        if self.cluster_mode_enabled and self.replicas_per_shard == 0:
            raise ConfigurationError(
                got=f"Topology(shards={self.shards}, replicas_per_shard=0) in cluster mode",
                allowed="cluster mode needs at least one replica per shard: the service creates such a group "
                "and then fails every later update of it",
                fix="Use replicas_per_shard=1 or more",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoFailover.html",
            )

    @property
    def cluster_mode_enabled(self) -> bool:
        """Whether clients see a cluster."""
        return self.shards > 1 if self.cluster_mode is None else self.cluster_mode

    @property
    def multi_az(self) -> bool:
        """Whether the group fails over to another zone by itself: it does as soon as there is a replica."""
        return self.replicas_per_shard > 0

    @property
    def nodes_per_shard(self) -> int:
        """One primary and its replicas."""
        return 1 + self.replicas_per_shard

    @property
    def nodes(self) -> int:
        """All nodes of the group."""
        return self.shards * self.nodes_per_shard
