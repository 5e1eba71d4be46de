"""Valkey that loses no answered write: a log of all writes, a dashboard, saved queries and a chat channel.

cdk synth -a 'python3 examples/valkey-durable.py'
"""

import aws_cdk as cdk

from elasticache_constructs import (
    Access,
    AlarmTopic,
    CacheDashboard,
    CacheNetwork,
    DefaultUser,
    Durability,
    EncryptionKey,
    Engine,
    IamUser,
    NodeType,
    Permissions,
    ReplicationGroup,
    SavedQueries,
    SlackChannel,
    Subscribers,
    Subscriptions,
    Topology,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: a primary database for ledgers, and what shows who is slow in it."""
    stack = cdk.Stack(app, "example-valkey-durable", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    ledger = IamUser("example-ledger", Permissions.read_write("ledger:*"))
    key = EncryptionKey(stack, "Key", description="Alarms and events, for people")
    alarms = AlarmTopic(stack, "Alarms", key=key)
    cache = ReplicationGroup(
        stack,
        "Ledger",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=Engine.VALKEY_9_0,
        node_type=NodeType("cache.r7g.large"),
        topology=Topology(shards=1, replicas_per_shard=2, cluster_mode=True),
        access=Access.users(default=DefaultUser.disabled(), users=[ledger]),
        durability=Durability.sync(),
        # Nothing may be evicted from a database: it refuses writes when it is full, and an alarm says so before.
        parameters={"maxmemory-policy": "noeviction"},
        alarm_topic=alarms,
    )
    CacheDashboard(stack, "Dashboard", caches=[cache])
    SavedQueries(stack, "Queries", caches=[cache])
    # In the console of Amazon Q Developer in chat applications the workspace is authorised once; the ids are made up.
    channel = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")
    Subscriptions(
        stack,
        "Chat",
        subscribers=Subscribers(slack=[channel]),
        alarm_topics=[alarms],
        event_topics=[cache.notification_topic],
        encryption_key=key,
    )
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
