"""An app with the examples as one stage, `examples`: each kind of cache, in both modes, and automatic scaling.

`python -m rehearsal --stage examples --app 'python3 -m rehearsal.examples_stage'` rehearses what the stages of
stages.py do not have. One more stack has what no example has, and what alarms of nodes depend on.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    AutoScaling,
    CacheNetwork,
    DefaultUser,
    Egress,
    Engine,
    IamUser,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    ScalingMetric,
    Topology,
)
from every_example import EXAMPLES, load

STAGE = "examples"
NAMES = (
    *("memcached", "preview", "redis-auth-token", "redis-one-node", "redis-zones", "shared-users"),
    *("valkey-auto-scaling", "valkey-cluster-mode-iam", "valkey-dual-stack", "valkey-durable", "valkey-parameters"),
    "valkey-serverless",
)


def build(app: cdk.App) -> cdk.Stage:
    """The stage.

    Args:
        app: The app.
    """
    stage = cdk.Stage(app, STAGE)
    for name in NAMES:
        load(EXAMPLES / f"{name}.py").build(stage)
    _add_nodes(stage)
    return stage


def _add_nodes(stage: cdk.Stage) -> None:
    """Redis with cluster mode and more nodes than one alarm can watch, and with shards that are scaled; Memcached too.

    Valkey's alarms name no nodes. Those of Redis and Memcached do, at most ten in an alarm, or the whole cache if the
    number of nodes is scaled.
    """
    stack = cdk.Stack(stage, "many-nodes", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(
        stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"], egress=Egress.NONE
    )
    place: dict[str, Any] = {
        "vpc": network.vpc,
        "vpc_subnets": network.cache_subnets,
        "node_type": NodeType("cache.r7g.large"),
    }
    scaled = AutoScaling(minimum=2, maximum=6, metric=ScalingMetric.MEMORY, target_percent=65)
    for name, topology in (
        ("Twelve", Topology(shards=4, replicas_per_shard=2)),
        ("Scaled", Topology(shards=2, replicas_per_shard=1, shard_scaling=scaled)),
    ):
        user = IamUser(f"many-nodes-{name.lower()}", Permissions.read_write("shop:*"))
        access = Access.users(default=DefaultUser.disabled(), users=[user])
        ReplicationGroup(stack, name, engine=Engine.REDIS_7_1, topology=topology, access=access, **place)
    MemcachedCluster(stack, "Pages", nodes=2, node_scaling=AutoScaling(minimum=2, maximum=6), **place)


if __name__ == "__main__":
    main = cdk.App()
    build(main)
    main.synth()
