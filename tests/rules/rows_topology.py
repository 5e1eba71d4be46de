"""Shards, replicas and cluster mode."""

from __future__ import annotations

from typing import Any

from elasticache_constructs import Access, AutoScaling, ClusterMode, Engine, NodeType, Shard, Topology
from tests.rules.row import Row, group

_REASON = "This deployment adds the first replica."

_A, _B = "eu-west-1a", "eu-west-1b"
_APART = Shard(primary_zone=_A, replica_zones=[_B])


def _placed(*shards: Shard, **arguments: Any) -> Topology:
    return Topology(**{"placement": list(shards), **arguments})


ROWS = (
    Row(
        "TOP-10",
        lambda: _placed(Shard(primary_zone=_A, replica_zones=[_A])),
        (
            "Shard with all nodes in eu-west-1a: with failover the nodes of a shard are in two Availability Zones at "
            "least. Name another zone for a replica."
        ),
        lambda: _placed(Shard(primary_zone=_A, replica_zones=[_A]), no_failover_reason=_REASON),
    ),
    Row(
        "TOP-14",
        lambda: _placed(_APART, replicas_per_shard=2),
        (
            "Topology(replicas_per_shard=2, placement=...) with 2 zones: every shard has a zone for each of its 3 "
            "nodes, or no shard has any. Name a primary_zone and a zone for each replica; where the group is there "
            "already and its number of replicas is another one since, placed=True."
        ),
        lambda: _placed(_APART, replicas_per_shard=2, placed=True),
    ),
    Row(
        "TOP-15",
        lambda: _placed(_APART, shards=2),
        (
            "Topology(shards=2, placement=...) of 1 shards: each shard has its placement. Use shards=1, or name 2 "
            "shards; where the group is there already and its number of shards is another one since, placed=True."
        ),
        lambda: _placed(_APART, _APART, shards=2),
    ),
    Row(
        "TOP-16",
        lambda: Shard(replica_zones=[_A]),
        (
            "Shard(replica_zones=['eu-west-1a']) without a primary_zone: a shard has a zone for each of its nodes, or "
            "for no node. Name the primary_zone too."
        ),
        lambda: Shard(primary_zone=_A),
    ),
    Row(
        "TOP-16",
        lambda: _placed(_APART, Shard(primary_zone=_B), shards=2),
        (
            "Topology(replicas_per_shard=1, placement=...) with 2, 1 zones: every shard has a zone for each of its 2 "
            "nodes, or no shard has any. Name a primary_zone and a zone for each replica; where the group is there "
            "already and its number of replicas is another one since, placed=True."
        ),
        lambda: _placed(_APART, _APART, shards=2),
    ),
    Row(
        "TOP-17",
        lambda: Shard(slots="0..8191"),
        (
            "Shard(slots='0..8191'): slots are ranges of 0 to 16383 with commas between them. Use slots='0-8191' for "
            "the first of two shards."
        ),
        lambda: Shard(slots="0-1,3-8191"),
    ),
    Row(
        "TOP-17",
        lambda: _placed(Shard(slots="0-8191"), Shard(slots="8191-16383"), shards=2),
        (
            "Topology(placement=...) with the slots 0-8191 and 8191-16383: together the shards have each slot from 0 "
            "to 16383 once. Leave slots out, which divides them evenly, or name the missing ones."
        ),
        lambda: _placed(Shard(slots="0-1"), Shard(slots="2-16383"), shards=2),
    ),
    Row(
        "TOP-17",
        lambda: _placed(Shard(slots="0-16383")),
        (
            "Topology(placement=...) with slots, without cluster mode: only shards of a cluster have slots. Leave "
            "slots out, or use cluster_mode=True."
        ),
        lambda: _placed(Shard(slots="0-16383"), cluster_mode=True),
    ),
    Row(
        "TOP-23",
        lambda: _placed(_APART, cluster_mode=ClusterMode.COMPATIBLE),
        (
            "Topology(placement=..., cluster_mode=ClusterMode.COMPATIBLE): a group on its way to cluster mode cannot "
            "take its placement along. Restore a snapshot into a new group with cluster_mode=True: "
            "docs/runbooks/snapshot-and-restore.md."
        ),
        lambda: _placed(_APART, cluster_mode=True),
    ),
    Row(
        "ASC-08",
        lambda: _placed(_APART, cluster_mode=True, replica_scaling=AutoScaling(minimum=1, maximum=2)),
        (
            "Topology(placement=..., replica_scaling=...): a placement names each shard, and the template would set "
            "them again. Leave the scaling out of this deployment; scale in one after it, with placed=True."
        ),
        lambda: _placed(_APART, cluster_mode=True, placed=True, replica_scaling=AutoScaling(minimum=1, maximum=2)),
    ),
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
