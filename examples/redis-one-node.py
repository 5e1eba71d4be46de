"""Redis OSS on one small node, for developers: the minimum that a cache on nodes costs.

cdk synth -a 'python3 examples/redis-one-node.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    Backups,
    CacheNetwork,
    DefaultUser,
    Egress,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: a network without any way out, and one node. Each exception is a line with its reason."""
    stack = cdk.Stack(app, "example-redis-one-node")
    network = CacheNetwork(stack, "Network", max_azs=2, egress=Egress.NONE)
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.micro"),
        topology=Topology(replicas_per_shard=0, no_failover_reason="Developers can do without it for an hour."),
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("example-developers", Permissions.read_write("*"))]
        ),
        backups=Backups(retention_days=1, short_retention_reason="What is in it is loaded again within minutes."),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
