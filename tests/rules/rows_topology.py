"""Shards, replicas and cluster mode."""

from __future__ import annotations

from elasticache_constructs import Access, ClusterMode, Engine, NodeType, Topology
from tests.rules.row import Row, group

_REASON = "This deployment adds the first replica."

ROWS = (
    Row(
        "TOP-01",
        lambda: Topology(replicas_per_shard=6),
        (
            "Topology(replicas_per_shard=6): a shard has 0 to 5 replicas. Use replicas_per_shard=1, or 2 over three "
            "Availability Zones."
        ),
        lambda: Topology(replicas_per_shard=5),
        carries="TOP-03",
    ),
    Row(
        "TOP-03",
        lambda: Topology(replicas_per_shard=-1),
        (
            "Topology(replicas_per_shard=-1): a shard has 0 to 5 replicas. Use replicas_per_shard=1, or 2 over three "
            "Availability Zones."
        ),
        lambda: Topology(replicas_per_shard=0),
    ),
    Row(
        "TOP-04",
        lambda: Topology(cluster_mode=True, no_failover_reason=_REASON),
        (
            "Topology(no_failover_reason=...) in cluster mode: cluster mode needs automatic failover. Leave "
            "no_failover_reason out."
        ),
        lambda: Topology(no_failover_reason=_REASON),
    ),
    Row(
        "TOP-06",
        lambda: Topology(shards=2, replicas_per_shard=0),
        (
            "Topology(shards=2, replicas_per_shard=0) in cluster mode: cluster mode needs at least one replica "
            "per shard: the service creates such a group and then fails every later update of it. Use "
            "replicas_per_shard=1 or more."
        ),
        lambda: Topology(shards=2, replicas_per_shard=1),
    ),
    Row(
        "TOP-12",
        lambda: Topology(shards=2, cluster_mode=False),
        (
            "Topology(shards=2, cluster_mode=False): several shards need cluster mode. Use shards=1, or leave "
            "cluster_mode out."
        ),
        lambda: Topology(shards=1, cluster_mode=False),
    ),
    Row(
        "TOP-19",
        lambda: Topology(shards=0),
        "Topology(shards=0): a group has 1 to 500 shards. Use shards=1 for a group without cluster mode.",
        lambda: Topology(shards=1),
    ),
    Row(
        "TOP-19",
        lambda: Topology(shards=46, replicas_per_shard=1),
        (
            "Topology with 92 nodes: a group has at most 90 nodes, and up to 500 after a quota increase. Use "
            "fewer shards or replicas, or a larger node type; if AWS has raised the quota, add "
            "node_quota=92."
        ),
        lambda: Topology(shards=45, replicas_per_shard=1),
    ),
    Row(
        "TOP-19",
        lambda: Topology(node_quota=501),
        (
            "Topology(node_quota=501): an account has 90 nodes in a cluster, and at most 500 after an increase. "
            "Use the quota that Service Quotas shows as nodes per cluster, or leave it out."
        ),
        lambda: Topology(node_quota=500),
    ),
    Row(
        "TOP-19",
        lambda: Topology(shards=500, replicas_per_shard=1, node_quota=500),
        (
            "Topology with 1000 nodes: a group has at most 500 nodes. Use fewer shards or replicas, or a larger "
            "node type."
        ),
        lambda: Topology(shards=250, replicas_per_shard=1, node_quota=500),
    ),
    Row(
        "TOP-19",
        lambda: group(
            engine=Engine("redis", "4.0.10"),
            node_type=NodeType("cache.r5.large"),
            access=Access.auth_token(),
            topology=Topology(shards=126, node_quota=500),
        ),
        (
            "Topology with 252 nodes on redis 4.0.10: a cluster of more than 250 nodes needs at least "
            "Redis OSS 5.0.6 or Valkey 7.2. Use a "
            "newer engine, or fewer nodes."
        ),
        lambda: group(
            engine=Engine("redis", "4.0.10"),
            node_type=NodeType("cache.r5.large"),
            access=Access.auth_token(),
            topology=Topology(shards=125, node_quota=500),
        ),
    ),
    Row(
        "TOP-23",
        lambda: Topology(shards=2, cluster_mode=ClusterMode.COMPATIBLE),
        (
            "Topology(shards=2, cluster_mode=ClusterMode.COMPATIBLE): several shards need cluster mode. Use "
            "shards=1, or leave cluster_mode out."
        ),
        lambda: Topology(shards=1, cluster_mode=ClusterMode.COMPATIBLE),
    ),
    Row(
        "TOP-23",
        lambda: Topology(replicas_per_shard=0, cluster_mode=ClusterMode.COMPATIBLE),
        (
            "Topology(cluster_mode=ClusterMode.COMPATIBLE) without failover: a migration to cluster mode needs "
            "a replica and automatic failover. Add a replica and failover first: "
            "docs/runbooks/replicas-and-failover.md."
        ),
        lambda: Topology(replicas_per_shard=0, cluster_mode=ClusterMode.DISABLED),
    ),
    Row(
        "TOP-23",
        lambda: group(engine=Engine.REDIS_6_2, topology=Topology(cluster_mode=ClusterMode.COMPATIBLE)),
        (
            "Topology(cluster_mode=ClusterMode.COMPATIBLE) on redis 6.2: a change of cluster mode needs at "
            "least Redis OSS 7.0 or Valkey 7.2. Upgrade the engine first; a new group takes "
            "Topology(cluster_mode=True)."
        ),
        lambda: group(engine=Engine.REDIS_7_0, topology=Topology(cluster_mode=ClusterMode.COMPATIBLE)),
    ),
    Row(
        "TOP-23",
        lambda: group(
            engine=Engine.REDIS_7_1,
            upgraded_from=Engine.REDIS_6_2,
            topology=Topology(cluster_mode=ClusterMode.COMPATIBLE),
        ),
        (
            "Topology(cluster_mode=ClusterMode.COMPATIBLE) on redis 6.2: a change of cluster mode needs at "
            "least Redis OSS 7.0 or Valkey 7.2. Upgrade the engine first; a new group takes "
            "Topology(cluster_mode=True)."
        ),
        lambda: group(
            engine=Engine.REDIS_7_1,
            upgraded_from=Engine.REDIS_7_0,
            topology=Topology(cluster_mode=ClusterMode.COMPATIBLE),
        ),
    ),
)
