"""Valkey in cluster mode, where applications log in with their IAM role and no password exists.

cdk synth -a 'python3 examples/valkey-cluster-mode-iam.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
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
    """Two stacks: the cache with its network, and an application that connects to it."""
    environment = cdk.Environment(region="eu-west-1")
    storage = cdk.Stack(app, "example-valkey-cluster-mode-iam", env=environment)
    network = CacheNetwork(storage, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    orders = IamUser("example-orders", Permissions.read_write("orders:*"))
    reports = IamUser("example-reports", Permissions.read_only("orders:*"))
    cache = ReplicationGroup(
        storage,
        "Valkey",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        topology=Topology(shards=3, replicas_per_shard=2),
        access=Access.users(default=DefaultUser.disabled(), users=[orders, reports]),
        parameters={"maxmemory-policy": "allkeys-lru"},
    )
    cdk.CfnOutput(storage, "Endpoint", value=str(cache.endpoint))

    application = cdk.Stack(app, "example-valkey-client", env=environment)
    role = iam.Role(application, "OrdersRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    # A separate policy, attached to the role: the packs forbid inline ones.
    policy = iam.ManagedPolicy(application, "OrdersPolicy", roles=[role])
    cache.grant_connect(policy, orders)


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
