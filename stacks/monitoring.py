"""The monitoring stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import CrossStackReferences, ReferenceStrength

from elasticache_constructs import CacheDashboard, SavedQueries, Subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs import MemcachedCluster, ReplicationGroup, Subscribers


class MonitoringStack(cdk.Stack):
    """What people look at: a dashboard, saved queries and chat channels. Nothing here holds data."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        caches: Sequence[ReplicationGroup | MemcachedCluster],
        subscribers: Subscribers,
        alarm_topics: Sequence[sns.ITopic],
        event_topics: Sequence[sns.ITopic],
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Dashboard, saved queries and chat channels of the caches",
            termination_protection=termination_protection,
        )
        # Weak: what is looked at must never keep a cache's stack from changing, for example from removing an alarm.
        CrossStackReferences.of(self).consume(ReferenceStrength.WEAK)
        CacheDashboard(self, "Dashboard", caches=caches, name=f"{self.stack_name.removesuffix('-monitoring')}s")
        SavedQueries(self, "Queries", caches=caches)
        Subscriptions(
            self,
            "Chat",
            subscribers=subscribers.only_chat(),
            alarm_topics=alarm_topics,
            event_topics=event_topics,
        )
