"""The Memcached stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs import CacheNetwork, MemcachedCluster, Subscriptions

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs import Subscribers
    from stages import MemcachedSettings


class MemcachedStack(cdk.Stack):
    """The Memcached cluster."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: MemcachedSettings,
        network: CacheNetwork,
        alarm_topic: sns.ITopic,
        subscribers: Subscribers,
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="ElastiCache Memcached cluster",
            termination_protection=termination_protection,
        )
        self.cache = MemcachedCluster(
            self,
            "Memcached",
            vpc=network.vpc,
            vpc_subnets=network.cache_subnets,
            engine=settings.engine,
            node_type=settings.node_type,
            nodes=settings.nodes,
            node_scaling=settings.node_scaling,
            availability_zones=settings.availability_zones,
            alarm_topic=alarm_topic,
        )
        Subscriptions(
            self,
            "Subscriptions",
            subscribers=subscribers.without_chat(),
            event_topics=[self.cache.notification_topic],
        )
        cdk.CfnOutput(
            self,
            "MemcachedEndpoint",
            value=str(self.cache.configuration_endpoint),
            description="Where clients with auto discovery connect",
        )
