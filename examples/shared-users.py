"""One user group for two caches of two stacks, whose token is rotated once and proven on both.

cdk synth -a 'python3 examples/shared-users.py'
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
    Rotation,
    ServerlessCache,
    ServerlessLimits,
    UserGroup,
    UserGroupRotation,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """Two stacks: the network, the users and one cache; another cache, an application of both, and the rotation."""
    first = cdk.Stack(app, "example-shared-users", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(first, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    shop = IamUser("example-shared-shop", Permissions.read_write("shop:*"))
    # Clients that know only a token log in as the default user.
    users = UserGroup(first, "Users", access=Access.users(default=DefaultUser.with_token(), users=[shop]))
    access = Access.user_group(users)
    orders = ReplicationGroup(
        first,
        "Orders",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.t4g.small"),
        access=access,
    )

    second = cdk.Stack(app, "example-shared-users-sessions", env=cdk.Environment(region="eu-west-1"))
    sessions = ServerlessCache(
        second,
        "Sessions",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        limits=ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5_000),
        access=access,
    )
    role = iam.Role(second, "OrdersRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    policy = iam.ManagedPolicy(second, "OrdersPolicy", roles=[role])
    for cache in (orders, sessions):
        cache.grant_connect(policy, shop)
    UserGroupRotation(second, "Rotation", user_group=users, rotation=Rotation.in_network(network))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
