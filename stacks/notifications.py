"""The notifications stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import Annotations

from elasticache_constructs import AlarmTopic, EncryptionKey, Subscriptions

if TYPE_CHECKING:
    from constructs import Construct

    from elasticache_constructs import Subscribers


class NotificationsStack(cdk.Stack):
    """The topic that the stage's alarms publish to, and the people who are told."""

    def __init__(
        self, scope: Construct, construct_id: str, *, subscribers: Subscribers, termination_protection: bool
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Topic of the caches' alarms, and its subscribers",
            termination_protection=termination_protection,
        )
        key = EncryptionKey(self, "Key", description="Messages of alarms")
        self.alarm_topic = AlarmTopic(self, "Alarms", key=key)
        # Chat channels are in the monitoring stack: each is configured once, with the topics of all stacks.
        Subscriptions(self, "Subscriptions", subscribers=subscribers.without_chat(), alarm_topics=[self.alarm_topic])
        if not subscribers:
            Annotations.of(self).add_warning_v2(
                "elasticache-constructs:stage-without-subscribers",
                "No person is told of the stage's alarms and events. Give it subscribers=Subscribers(...) in "
                "stages.py, or acknowledge this warning: docs/monitoring.md",
            )
