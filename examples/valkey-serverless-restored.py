"""From nodes to serverless: a serverless Valkey cache that begins with a group's snapshot, and rotates its token.

cdk synth -a 'python3 examples/valkey-serverless-restored.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    CacheNetwork,
    DefaultUser,
    Rotation,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Snapshot,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack. The snapshot is that of a replication group, of the same or an older version."""
    stack = cdk.Stack(app, "example-valkey-restored", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    cache = ServerlessCache(
        stack,
        "Orders",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.VALKEY_8,
        # As large as the data of the snapshot at least; the limits can change afterwards.
        limits=ServerlessLimits(maximum_storage_gb=20, maximum_ecpu_per_second=30_000),
        access=Access.users(default=DefaultUser.with_token()),
        restore_from=Snapshot.named("orders-2026-11-01"),
    )
    cache.rotate_secrets(Rotation.in_network(network))
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
