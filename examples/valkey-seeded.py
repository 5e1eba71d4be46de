"""Valkey in cluster mode that begins with RDB files: each shard gets its Availability Zones, and its part of the slots.

cdk synth -a 'python3 examples/valkey-seeded.py'
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
    Snapshot,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack. The files are in S3, and ElastiCache may read them: docs/runbooks/snapshot-and-restore.md."""
    stack = cdk.Stack(app, "example-valkey-seeded", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    cache = ReplicationGroup(
        stack,
        "Catalogue",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_8_2,
        node_type=NodeType("cache.r7g.large"),
        topology=Topology(
            shards=2,
            replicas_per_shard=1,
            placement=[
                Shard(primary_zone="eu-west-1a", replica_zones=["eu-west-1b"], slots="0-8191"),
                Shard(primary_zone="eu-west-1b", replica_zones=["eu-west-1a"], slots="8192-16383"),
            ],
        ),
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("example-catalogue", Permissions.read_write("product:*"))]
        ),
        restore_from=Snapshot.rdb_files(
            ["arn:aws:s3:::example-migration/catalogue-1.rdb", "arn:aws:s3:::example-migration/catalogue-2.rdb"]
        ),
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
