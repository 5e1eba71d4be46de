"""Automatic scaling of shards, replicas and nodes."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_applicationautoscaling as appscaling

from elasticache_constructs import (
    AutoScaling,
    ClusterMode,
    Engine,
    NodeType,
    ScalingMetric,
    ScheduledScaling,
    Snapshot,
    Topology,
)
from tests.rules.row import Row, cluster, group

_FILES = [f"arn:aws:s3:::backups/{number}.rdb" for number in (1, 2)]
_MORNING = appscaling.Schedule.cron(hour="7", minute="30")


def _scaling(minimum: int = 1, maximum: int = 4, **changes: Any) -> AutoScaling:
    return AutoScaling(minimum=minimum, maximum=maximum, **changes)


def _scheduled(minimum: int = 2, maximum: int = 4) -> ScheduledScaling:
    return ScheduledScaling(name="Morning", schedule=_MORNING, minimum=minimum, maximum=maximum)


def _shards(scaling: AutoScaling | None = None, **changes: Any) -> Topology:
    return Topology(**{"shards": 2, "shard_scaling": scaling or _scaling(), **changes})


def _replicas(scaling: AutoScaling | None = None, **changes: Any) -> Topology:
    return Topology(**{"shards": 2, "replica_scaling": scaling or _scaling(), **changes})


ROWS = (
    Row(
        "ASC-02",
        lambda: Topology(shard_scaling=_scaling()),
        (
            "Topology(shard_scaling=...) without cluster mode: automatic scaling needs cluster mode. Use "
            "cluster_mode=True; a group that was made without it is migrated first: docs/runbooks/cluster-mode.md."
        ),
        lambda: Topology(cluster_mode=True, shard_scaling=_scaling()),
    ),
    Row(
        "ASC-02",
        lambda: Topology(replica_scaling=_scaling(), cluster_mode=ClusterMode.COMPATIBLE),
        (
            "Topology(replica_scaling=...) with ClusterMode.COMPATIBLE: automatic scaling needs cluster mode. Use "
            "cluster_mode=True; a group that was made without it is migrated first: docs/runbooks/cluster-mode.md."
        ),
        lambda: Topology(cluster_mode=ClusterMode.UNSTATED, replica_scaling=_scaling()),
    ),
    Row(
        "ASC-03",
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.REDIS_5_0_6, topology=_shards()),
        (
            "Topology(shard_scaling=...) on redis 5.0.6: automatic scaling needs at least Redis OSS 6.0 or Valkey 7.2. "
            "Upgrade the engine first, and scale in the deployment after it."
        ),
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.REDIS_6_2, topology=_shards()),
    ),
    Row(
        "DTI-03",
        lambda: group(engine=Engine.REDIS_6_2, node_type=NodeType("cache.r6gd.xlarge"), topology=_replicas()),
        (
            "Topology(replica_scaling=...) on redis 6.2 with data tiering: automatic scaling with data tiering needs "
            "at least Redis OSS 7.0 or Valkey 7.2. Upgrade the engine first, and scale in the deployment after it."
        ),
        lambda: group(engine=Engine.REDIS_7_1, node_type=NodeType("cache.r6gd.xlarge"), topology=_replicas()),
    ),
    Row(
        "ASC-04",
        lambda: group(node_type=NodeType("cache.t4g.medium"), topology=_shards()),
        (
            "Topology(shard_scaling=...) with NodeType('cache.t4g.medium'): sizes large, xlarge and 2xlarge of "
            "families that are not burstable are scaled automatically. Use 'cache.m7g.large', or leave the scaling out."
        ),
        lambda: group(node_type=NodeType("cache.m7g.large"), topology=_shards()),
    ),
    Row(
        "ASC-04",
        lambda: group(node_type=NodeType("cache.r7g.4xlarge"), topology=_replicas()),
        (
            "Topology(replica_scaling=...) with NodeType('cache.r7g.4xlarge'): sizes large, xlarge and 2xlarge of "
            "families that are not burstable are scaled automatically. Use 'cache.r7g.large', or leave the scaling out."
        ),
        lambda: group(node_type=NodeType("cache.r7g.2xlarge"), topology=_replicas()),
    ),
    Row(
        "ASC-04",
        lambda: cluster(node_type=NodeType("cache.t3.micro"), node_scaling=_scaling()),
        (
            "MemcachedCluster(node_scaling=...) with NodeType('cache.t3.micro'): sizes large, xlarge and 2xlarge of "
            "families that are not burstable are scaled automatically. Use 'cache.m7g.large', or leave the scaling out."
        ),
        lambda: cluster(node_type=NodeType("cache.m5.large"), node_scaling=_scaling()),
    ),
    Row(
        "ASC-04",
        lambda: group(node_type=NodeType("cache.r7g.48xlarge", unlisted=True), topology=_replicas()),
        (
            "Topology(replica_scaling=...) with NodeType('cache.r7g.48xlarge'): sizes large, xlarge and 2xlarge of "
            "families that are not burstable are scaled automatically. Use 'cache.r7g.large', or leave the scaling out."
        ),
        lambda: group(node_type=NodeType("cache.m9g.48xlarge", unlisted=True), topology=_replicas()),
    ),
    Row(
        "ASC-06",
        lambda: _shards(_scaling(metric=ScalingMetric.REPLICA_CPU)),
        (
            "Topology(shard_scaling=...) with ScalingMetric.REPLICA_CPU: shards are scaled by "
            "ScalingMetric.PRIMARY_CPU or ScalingMetric.MEMORY or ScalingMetric.CAPACITY. Use "
            "metric=ScalingMetric.PRIMARY_CPU, or leave it out."
        ),
        lambda: _shards(_scaling(metric=ScalingMetric.CAPACITY)),
    ),
    Row(
        "ASC-06",
        lambda: cluster(node_scaling=_scaling(metric=ScalingMetric.MEMORY)),
        (
            "MemcachedCluster(node_scaling=...) with ScalingMetric.MEMORY: nodes are scaled by ScalingMetric.NODE_CPU. "
            "Use metric=ScalingMetric.NODE_CPU, or leave it out."
        ),
        lambda: cluster(node_scaling=_scaling(metric=ScalingMetric.NODE_CPU)),
    ),
    Row(
        "ASC-06",
        lambda: group(node_type=NodeType("cache.r6gd.xlarge"), topology=_shards(_scaling(metric=ScalingMetric.MEMORY))),
        (
            "AutoScaling(metric=ScalingMetric.MEMORY) with NodeType('cache.r6gd.xlarge'): with data tiering the memory "
            "is always full. Use metric=ScalingMetric.CAPACITY."
        ),
        lambda: group(
            node_type=NodeType("cache.r6gd.xlarge"), topology=_shards(_scaling(metric=ScalingMetric.CAPACITY))
        ),
    ),
    Row(
        "ASC-06",
        lambda: _scaling(target_percent=101),
        "AutoScaling(target_percent=101): the target of a metric is 1 to 100 percent. Use target_percent=60.",
        lambda: _scaling(target_percent=100),
    ),
    Row(
        "ASC-06",
        lambda: _scaling(target_percent=None),
        (
            "AutoScaling(target_percent=None) without schedules: a target or a schedule scales. Leave target_percent "
            "out, or add schedules."
        ),
        lambda: _scaling(target_percent=None, schedules=[_scheduled()]),
    ),
    Row(
        "ASC-07",
        lambda: _scaling(minimum=0),
        "AutoScaling(minimum=0): a number is scaled to 1 or more. Use minimum=1 or more.",
        lambda: _scaling(minimum=1),
    ),
    Row(
        "ASC-07",
        lambda: _scaling(maximum=501),
        (
            "AutoScaling(maximum=501): the cost of a cache has a limit. Use a maximum that the account's quota and the "
            "budget allow, as in maximum=4."
        ),
        lambda: _scaling(maximum=500),
    ),
    Row(
        "ASC-07",
        lambda: _scaling(minimum=3, maximum=2),
        "AutoScaling(minimum=3, maximum=2): the minimum is not above the maximum. Use maximum=3 or more.",
        lambda: _scaling(minimum=3, maximum=3),
    ),
    Row(
        "ASC-07",
        lambda: _scheduled(minimum=5),
        "ScheduledScaling(minimum=5, maximum=4): the minimum is not above the maximum. Use maximum=5 or more.",
        lambda: _scheduled(minimum=4),
    ),
    Row(
        "ASC-07",
        lambda: _replicas(_scaling(maximum=6)),
        (
            "Topology(replica_scaling=...) with a maximum of 6: the service scales to at most 5 replicas. Use "
            "maximum=5 or less."
        ),
        lambda: _replicas(_scaling(maximum=5)),
    ),
    Row(
        "ASC-07",
        lambda: _replicas(_scaling(schedules=[_scheduled(maximum=6)])),
        (
            "Topology(replica_scaling=...) with a maximum of 6: the service scales to at most 5 replicas. Use "
            "maximum=5 or less."
        ),
        lambda: _replicas(_scaling(schedules=[_scheduled(maximum=5)])),
    ),
    Row(
        "TOP-19",
        lambda: _shards(_scaling(maximum=23), replica_scaling=_scaling(maximum=3)),
        (
            "Topology that is scaled to 92 nodes: a group has at most 90 nodes, and up to 500 after a quota increase. "
            "Use a smaller maximum; if AWS has raised the quota, add node_quota=92."
        ),
        lambda: _shards(_scaling(maximum=22), replica_scaling=_scaling(maximum=3)),
    ),
    Row(
        "TOP-19",
        lambda: _shards(_scaling(schedules=[_scheduled(maximum=46)])),
        (
            "Topology that is scaled to 92 nodes: a group has at most 90 nodes, and up to 500 after a quota increase. "
            "Use a smaller maximum; if AWS has raised the quota, add node_quota=92."
        ),
        lambda: _shards(_scaling(schedules=[_scheduled(maximum=45)])),
    ),
    Row(
        "MEM-13",
        lambda: cluster(node_scaling=_scaling(maximum=61)),
        (
            "MemcachedCluster(node_scaling=...) with a maximum of 61: the service scales to at most 60 nodes. Use "
            "maximum=60 or less."
        ),
        lambda: cluster(node_scaling=_scaling(maximum=60)),
    ),
    Row(
        "MEM-13",
        lambda: cluster(node_scaling=_scaling(), region="cn-north-1"),
        (
            "MemcachedCluster(node_scaling=...) in cn-north-1: Memcached is not scaled automatically in Beijing and "
            "Ningxia. Leave node_scaling out."
        ),
        lambda: cluster(node_scaling=_scaling(), region="eu-north-1"),
    ),
    Row(
        "MEM-05",
        lambda: cluster(nodes=1, node_scaling=_scaling()),
        (
            "MemcachedCluster(node_scaling=...) with nodes=1: a cluster that is made with one node puts all later ones "
            "into the same Availability Zone. Use nodes=2."
        ),
        lambda: cluster(nodes=2, node_scaling=_scaling()),
    ),
    Row(
        "ASC-08",
        lambda: group(topology=_shards(), restore_from=Snapshot.rdb_files(_FILES)),
        (
            "Topology(shard_scaling=...) with Snapshot.rdb_files(...): a group that is made from files names each "
            "shard, and the template would set them again. Leave the scaling out of this deployment; once the files "
            "are loaded, use Snapshot.rdb_files([...], loaded=True), and scale."
        ),
        lambda: group(topology=_shards(), restore_from=Snapshot.rdb_files(_FILES, loaded=True)),
    ),
    Row(
        "ASC-10",
        lambda: _shards(_scaling(maximum=3), shards=4),
        (
            "Topology(shard_scaling=...) with 4 shards and maximum=3: the service takes away at once what is above the "
            "maximum. Use maximum=4 or more; fewer take docs/runbooks/auto-scaling.md."
        ),
        lambda: _shards(_scaling(minimum=5, maximum=5), shards=4),
    ),
    Row(
        "ASC-10",
        lambda: cluster(nodes=5, node_scaling=_scaling(maximum=4)),
        (
            "MemcachedCluster(node_scaling=...) with 5 nodes and maximum=4: the service takes away at once what is "
            "above the maximum. Use maximum=5 or more; fewer take docs/runbooks/auto-scaling.md."
        ),
        lambda: cluster(nodes=5, node_scaling=_scaling(maximum=5)),
    ),
    Row(
        "ASC-11",
        lambda: _replicas(_scaling(target_percent=71)),
        (
            "Topology(replica_scaling=...) with target_percent=71: the target for replicas is 35 to 70 percent. Use "
            "target_percent=60."
        ),
        lambda: _replicas(_scaling(target_percent=70)),
    ),
    Row(
        "ASC-12",
        lambda: group(topology=_replicas(), parameters={"reserved-memory-percent": "24"}),
        (
            "Topology(replica_scaling=...) with parameters={'reserved-memory-percent': '24'}: replicas are scaled "
            "where 25 percent or more are reserved. Leave the parameter out: its default is 25."
        ),
        lambda: group(topology=_replicas(), parameters={"reserved-memory-percent": "25"}),
    ),
)
