"""A serverless Memcached cache: no nodes to choose, TLS, and clients that its security groups let connect.

cdk synth -a 'python3 examples/memcached-serverless.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    CacheNetwork,
    Egress,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: a network without any way out, and the cache, with limits that bound its cost."""
    stack = cdk.Stack(app, "example-memcached-serverless", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(
        stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"], egress=Egress.NONE
    )
    cache = ServerlessCache(
        stack,
        "Memcached",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.MEMCACHED_1_6,
        limits=ServerlessLimits(maximum_storage_gb=5, maximum_ecpu_per_second=10_000),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
