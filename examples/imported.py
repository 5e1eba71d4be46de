"""Caches that were made elsewhere, as `python -m elasticache_tools.adopt write` describes them (docs/adopt.md).

cdk synth -a 'python3 examples/imported.py'
"""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs

from elasticache_constructs import (
    Access,
    AlarmTopic,
    Backups,
    EncryptionAtRest,
    EncryptionKey,
    Engine,
    ExistingMemcachedCluster,
    ExistingReplicationGroup,
    ExistingServerlessCache,
    Log,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
    TransitEncryption,
    one_line_errors,
)
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check


def build(app: cdk.App) -> None:
    """One stack with a cache of each kind. Each line with a reason is less than the secure default."""
    stack = cdk.Stack(app, "example-imported", env=cdk.Environment(region="eu-west-1"))
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-0123456789abcdef0", availability_zones=["eu-west-1a", "eu-west-1b"]
    )
    key = EncryptionKey(stack, "Key", description="Alarms of adopted caches")
    alarms = AlarmTopic(stack, "Alarms", key=key)
    ReplicationGroup(
        stack,
        "Orders2019",
        vpc=vpc,
        engine=Engine.REDIS_7_0,
        node_type=NodeType("cache.m6g.large"),
        access=Access.without_login(reason="Logins need TLS, which comes first: docs/runbooks/tls.md."),
        topology=Topology(replicas_per_shard=1, no_failover_reason="Failover comes with the release of January."),
        port=6380,
        backups=Backups(
            retention_days=1, short_retention_reason="The orders are in the database; 35 days come in January."
        ),
        maintenance_window="mon:03:00-mon:04:00",
        transit_encryption=TransitEncryption.disabled(reason="Its clients learn TLS with their releases of December."),
        log_delivery=LogDelivery(
            slow_log=Log.to_log_group(
                logs.LogGroup.from_log_group_name(stack, "orders-2019-slow-log", "/aws/elasticache/old"), "text"
            ),
            engine_log=Log.disabled(reason="It was not asked for in 2019; it comes with log groups of the stack."),
        ),
        auto_minor_version_upgrade=False,
        manual_upgrades_reason="The team of the shop installs them, on the first Tuesday of a month.",
        description="Orders, by hand in 2019",
        existing=ExistingReplicationGroup(
            replication_group_id="orders-2019",
            subnet_group_name="old-subnets",
            encryption_at_rest=EncryptionAtRest.disabled(reason="It moves to an encrypted group with the next sale."),
            security_group_ids=["sg-0123456789abcdef0"],
            parameter_group_name="default.redis7",
            has_no_notification_topic=True,
        ),
        encryption_key=key,
        alarm_topic=alarms,
    )
    MemcachedCluster(
        stack,
        "Pages2018",
        vpc=vpc,
        engine=Engine("memcached", "1.5.16", unlisted=True),
        node_type=NodeType("cache.m3.medium", previous_generation=True),
        nodes=2,
        availability_zones=["eu-west-1b", "eu-west-1b"],
        existing=ExistingMemcachedCluster(
            cluster_id="pages-2018",
            subnet_group_name="old-subnets",
            security_group_ids=["sg-0123456789abcdef0"],
            parameter_group_name="default.memcached1.5",
            has_no_notification_topic=True,
            no_tls_reason="A cluster with TLS takes its place in January: docs/runbooks/adopt.md.",
            no_multi_az_reason="Pages are made again from the database when its Availability Zone is away.",
        ),
        alarm_topic=alarms,
    )
    ServerlessCache(
        stack,
        "Carts",
        vpc=vpc,
        engine=ServerlessEngine.VALKEY_8,
        limits=ServerlessLimits(
            unlimited_reason="The budget of the team has an alarm; limits come with the next sale."
        ),
        access=Access.without_login(reason="Its users come with the release of January: Access.users."),
        backups=Backups(retention_days=35, window="03:00-04:00"),
        existing=ExistingServerlessCache(
            serverless_cache_name="carts",
            subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            encryption_at_rest=EncryptionAtRest.service_key(reason="Carts hold no personal data, and last a day."),
            security_group_ids=["sg-0123456789abcdef0"],
        ),
        encryption_key=key,
        alarm_topic=alarms,
    )


if __name__ == "__main__":
    with one_line_errors():
        main = cdk.App()
        build(main)
        add_posture_rules(main)
        add_reachability_check(main)
        main.synth()
