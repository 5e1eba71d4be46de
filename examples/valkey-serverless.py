"""A serverless Valkey cache with IAM users, an application that connects to it, subscribers and a dashboard.

cdk synth -a 'python3 examples/valkey-serverless.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from elasticache_constructs import (
    Access,
    AlarmTopic,
    CacheDashboard,
    CacheNetwork,
    DefaultUser,
    EncryptionKey,
    IamUser,
    Permissions,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Subscribers,
    Subscriptions,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack: the network, the cache, and a role that may log in as its user."""
    stack = cdk.Stack(app, "example-valkey-serverless", env=cdk.Environment(region="eu-west-1"))
    network = CacheNetwork(stack, "Network", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    orders = IamUser("example-serverless-orders", Permissions.read_write("orders:*"))
    topic = AlarmTopic(stack, "Topic", key=EncryptionKey(stack, "TopicKey", description="Alarms and events"))
    cache = ServerlessCache(
        stack,
        "Valkey",
        vpc=network.vpc,
        vpc_subnets=network.cache_subnets,
        engine=ServerlessEngine.VALKEY_8,
        limits=ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=20_000),
        access=Access.users(default=DefaultUser.disabled(), users=[orders]),
        alarm_topic=topic,
    )
    role = iam.Role(stack, "OrdersRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    # A separate policy, attached to the role: the packs forbid inline ones.
    policy = iam.ManagedPolicy(stack, "OrdersPolicy", roles=[role])
    cache.grant_connect(policy, orders)
    # Its events go to EventBridge only. With a rule they reach the topic of its alarms, which people are subscribed to.
    cache.notify(topic)
    team = Subscribers(emails=["cache-team@example.com"], placeholder_reason="An example has no address of people")
    Subscriptions(stack, "Subscriptions", subscribers=team, alarm_topics=[topic])
    CacheDashboard(stack, "Dashboard", caches=[cache])
    cdk.CfnOutput(stack, "Endpoint", value=str(cache.endpoint))


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
