"""Memcached in two Availability Zones.

cdk synth -a 'python3 examples/memcached.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    CacheAlarm,
    CacheAlarms,
    CacheNetwork,
    Egress,
    MemcachedCluster,
    NodeType,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: a network without any way out, and the cluster in it."""
    stack = cdk.Stack(app, "example-memcached")
    network = CacheNetwork(stack, "Network", max_azs=2, egress=Egress.NONE)
    cache = MemcachedCluster(
        stack,
        "Memcached",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        node_type=NodeType("cache.r7g.large"),
        nodes=4,
        parameters={"max_item_size": "2097152"},
        # The cluster has alarms by default; these two lines are all that is different about them.
        alarms=CacheAlarms(
            thresholds={CacheAlarm.HOST_CPU: 75},
            removed={CacheAlarm.EVICTIONS: "The cluster is meant to be full: it holds pages that are rendered again"},
        ),
    )
    cdk.CfnOutput(stack, "DiscoveryEndpoint", value=str(cache.configuration_endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
