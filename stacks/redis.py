"""The Redis stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs import CacheNetwork, ReplicationGroup, Rotation, Subscriptions

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs import Subscribers
    from stages import RedisSettings


class RedisStack(cdk.Stack):
    """The Redis replication group with its AUTH token, TLS and IAM users. It holds data: nothing else lives here."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: RedisSettings,
        network: CacheNetwork,
        alarm_topic: sns.ITopic,
        subscribers: Subscribers,
        no_reserved_concurrency_reason: str | None,
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="ElastiCache replication group",
            termination_protection=termination_protection,
        )
        self.cache = ReplicationGroup(
            self,
            "Redis",
            vpc=network.vpc,
            vpc_subnets=network.cache_subnets,
            engine=settings.engine,
            node_type=settings.node_type,
            topology=settings.topology,
            access=settings.access,
            backups=settings.backups,
            alarm_topic=alarm_topic,
        )
        rotations = self.cache.rotate_secrets(
            Rotation.in_network(network, no_reserved_concurrency_reason=no_reserved_concurrency_reason)
        )
        self.rotation_topics = [rotation.alarm_topic for rotation in rotations[:1]]
        Subscriptions(
            self,
            "Subscriptions",
            subscribers=subscribers.without_chat(),
            alarm_topics=self.rotation_topics,
            event_topics=[self.cache.notification_topic],
        )
        cdk.CfnOutput(self, "RedisEndpoint", value=str(self.cache.endpoint), description="Where clients connect")
