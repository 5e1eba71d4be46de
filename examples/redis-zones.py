"""Redis OSS without cluster mode, with its primary and replicas in Availability Zones of choice.

cdk synth -a 'python3 examples/redis-zones.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    Shard,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack. Reads within a zone cost no traffic between zones; a failover moves the primary."""
    stack = cdk.Stack(app, "example-redis-zones", env=cdk.Environment(region="eu-west-1"))
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    network = CacheNetwork(stack, "Network", availability_zones=zones)
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.m7g.large"),
        topology=Topology(
            replicas_per_shard=3,
            # Two replicas where most of the readers are.
            placement=[Shard(primary_zone="eu-west-1a", replica_zones=["eu-west-1b", "eu-west-1c", "eu-west-1c"])],
        ),
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("example-zones", Permissions.read_write("catalogue:*"))]
        ),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))
    cdk.CfnOutput(stack, "ReaderEndpoint", value=str(cache.reader_endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
