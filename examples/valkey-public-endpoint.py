"""A serverless Valkey cache with a public endpoint, for tasks of a network that cannot be joined: IAM and TLS alone.

cdk synth -a 'python3 examples/valkey-public-endpoint.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from elasticache_constructs import (
    Access,
    DefaultUser,
    IamUser,
    Permissions,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack without a network: the cache, and the role of tasks that log in as its user."""
    stack = cdk.Stack(app, "example-valkey-public", env=cdk.Environment(region="eu-west-1"))
    orders = IamUser("example-public-orders", Permissions.read_write("orders:*"))
    cache = ServerlessCache(
        stack,
        "Valkey",
        engine=ServerlessEngine.VALKEY_9,
        limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=5_000),
        # Anyone can reach the port, so all users log in through IAM, and there is no default user.
        access=Access.users(default=DefaultUser.absent(), users=[orders]),
        public_endpoint_reason="Its clients are in a partner's network; it holds public prices and nothing personal.",
    )
    role = iam.Role(stack, "OrdersRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    policy = iam.ManagedPolicy(stack, "OrdersPolicy", roles=[role])
    cache.grant_connect(policy, orders)
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
