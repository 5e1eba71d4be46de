"""Valkey whose shards and replicas are scaled automatically: by load, and by the clock before the shop opens.

cdk synth -a 'python3 examples/valkey-auto-scaling.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as appscaling

from elasticache_constructs import (
    Access,
    AutoScaling,
    CacheNetwork,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    ScalingMetric,
    ScheduledScaling,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: the cache with its network, and the two numbers that Application Auto Scaling owns."""
    stack = cdk.Stack(app, "example-valkey-auto-scaling", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    by_memory = AutoScaling(minimum=2, maximum=8, metric=ScalingMetric.MEMORY, target_percent=65)
    opens, closes = (
        ScheduledScaling(
            name=name,
            schedule=appscaling.Schedule.cron(hour=hour, minute="0"),
            minimum=minimum,
            maximum=4,
            time_zone=cdk.TimeZone.EUROPE_BERLIN,
        )
        for name, hour, minimum in (("ShopOpens", "8", 2), ("ShopCloses", "22", 1))
    )
    cache = ReplicationGroup(
        stack,
        "Valkey",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        # The group is made with two shards; later deployments leave the number as it is.
        topology=Topology(
            shards=2,
            replicas_per_shard=1,
            shard_scaling=by_memory,
            replica_scaling=AutoScaling(minimum=1, maximum=4, schedules=[opens, closes]),
        ),
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("example-shop", Permissions.read_write("shop:*"))]
        ),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
