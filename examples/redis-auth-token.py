"""Redis OSS with one AUTH token for all clients, for those that know no users.

cdk synth -a 'python3 examples/redis-auth-token.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    AlarmTopic,
    CacheNetwork,
    EncryptionKey,
    Engine,
    NodeType,
    ReplicationGroup,
    Rotation,
    ServiceUpdateAlarm,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: a network and the cache in it."""
    stack = cdk.Stack(app, "example-redis-auth-token")
    network = CacheNetwork(stack, "Network", max_azs=2)
    cache = ReplicationGroup(
        stack,
        "Redis",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        topology=Topology(shards=1, replicas_per_shard=1),
        access=Access.auth_token(),
    )
    cache.rotate_secrets(Rotation.in_network(network))
    key = EncryptionKey(stack, "Key", description="Alarms about service updates")
    ServiceUpdateAlarm(
        stack,
        "ServiceUpdates",
        replication_group_ids=[cache.replication_group_id],
        network=network,
        alarm_topic=AlarmTopic(stack, "Alarms", key=key),
        encryption_key=key,
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))
    cdk.CfnOutput(stack, "TokenSecret", value=cache.secret().secret_arn)


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
