"""Groups of this package that were created without TLS, logins or failover, on their way there (docs/runbooks).

cdk synth -a 'python3 examples/adopted.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    Backups,
    CacheNetwork,
    Engine,
    LogDelivery,
    NodeType,
    ReplicationGroup,
    Rotation,
    Snapshot,
    Topology,
    TransitEncryption,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack with three groups. Every exception is one line with its reason, which the validation report repeats."""
    stack = cdk.Stack(app, "example-adopted", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    ReplicationGroup(
        stack,
        "Plain",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.m6g.large"),
        topology=Topology(
            replicas_per_shard=0, no_failover_reason="One node since 2019; its replica is the next change."
        ),
        transit_encryption=TransitEncryption.disabled(reason="Its clients learn TLS with their releases of December."),
        access=Access.without_login(reason="Logins need TLS, which comes first: docs/runbooks/tls.md."),
    )
    ReplicationGroup(
        stack,
        "Between",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r6gd.xlarge"),
        transit_encryption=TransitEncryption.preferred(reason="Half of its clients speak TLS; the rest by January."),
        access=Access.without_login(reason="Users come with TLS required: docs/runbooks/tls.md."),
        log_delivery=LogDelivery(log_format="text"),
    )
    restored = ReplicationGroup(
        stack,
        "Restored",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_0,
        node_type=NodeType("cache.t4g.medium"),
        access=Access.auth_token(),
        restore_from=Snapshot.named("orders-2026-11-01"),
        backups=Backups(
            retention_days=7, short_retention_reason="It is gone in a week: the restored data are compared and left."
        ),
    )
    restored.rotate_secrets(Rotation.in_network(network))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
