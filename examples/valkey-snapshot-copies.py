"""Valkey whose daily snapshots are copied to buckets in two Regions.

cdk synth -a 'python3 examples/valkey-snapshot-copies.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    AlarmTopic,
    CacheNetwork,
    DefaultUser,
    Egress,
    EncryptionKey,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    SnapshotCopies,
    SnapshotVault,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """A stack with the cache, and one with a vault in another Region."""
    elsewhere = cdk.Stack(app, "example-valkey-snapshot-vault", env=cdk.Environment(region="eu-central-1"))
    far = SnapshotVault(elsewhere, "Vault", name="example-orders-snapshots-eu-central-1", retention_days=90)

    stack = cdk.Stack(app, "example-valkey-snapshot-copies", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"], egress=Egress.NONE)
    orders = IamUser("example-copied-orders", Permissions.read_write("orders:*"))
    topic = AlarmTopic(stack, "Topic", key=EncryptionKey(stack, "TopicKey", description="Alarms"))
    cache = ReplicationGroup(
        stack,
        "Orders",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.t4g.small"),
        access=Access.users(default=DefaultUser.disabled(), users=[orders]),
        alarm_topic=topic,
    )
    near = SnapshotVault(stack, "Vault", name="example-orders-snapshots-eu-west-1")
    SnapshotCopies(stack, "Copies", cache=cache, vaults=[near, far], alarm_topic=topic)
    # The function writes to the bucket there.
    stack.add_stack_dependency(elsewhere)


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
