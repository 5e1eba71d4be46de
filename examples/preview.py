"""A preview of a pull request: a small serverless Valkey in a stack that leaves nothing behind.

cdk synth -a 'python3 examples/preview.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    Backups,
    CacheNetwork,
    DefaultUser,
    Egress,
    IamUser,
    Permissions,
    ServerlessCache,
    ServerlessLimits,
    make_ephemeral,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack for each pull request. `-c pull_request=412` names it, and `cdk destroy` removes all of it."""
    number = app.node.try_get_context("pull_request") or "0"
    stack = cdk.Stack(app, f"example-preview-{number}", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"], egress=Egress.NONE)
    shop = IamUser(f"example-preview-{number}", Permissions.read_write("shop:*"))
    cache = ServerlessCache(
        stack,
        "Valkey",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1_000),
        access=Access.users(default=DefaultUser.disabled(), users=[shop]),
        backups=Backups(retention_days=1, short_retention_reason="A preview has test data alone, and lives for days."),
    )
    make_ephemeral(stack, reason="A preview has test data alone, and goes with its pull request.")
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
