"""The monitoring stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs import Subscribers


class MonitoringStack(cdk.Stack):
    """What people look at: chat channels. Nothing here holds data."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        subscribers: Subscribers,
        alarm_topics: Sequence[sns.ITopic],
        termination_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Dashboard, saved queries and chat channels of the caches",
            termination_protection=termination_protection,
        )
        Subscriptions(self, "Chat", subscribers=subscribers.only_chat(), alarm_topics=alarm_topics)
