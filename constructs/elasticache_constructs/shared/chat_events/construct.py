"""A function that publishes events of replication groups and Memcached clusters again, in the form that chat shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Duration, Names
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from elasticache_constructs.checks.locations import place_of, stack_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.shared.encryption_key import EncryptionKey
from elasticache_constructs.shared.notifications import AlarmTopic
from elasticache_constructs.shared.scheduled_function import alarm_of_function
from elasticache_constructs.shared.vpc_function import allow, create_vpc_function
from elasticache_rules import facts

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

_RUNBOOK = "docs/monitoring.md"
# In the template, which takes 4096 characters: no asset to build for some lines.
_SOURCE = Path(__file__).with_name("translate_events.py")
_NO_VPC = "It calls SNS alone, and reaches no cache: in a VPC it would need an endpoint of SNS."
_NOT_RESERVED = (
    "A cache has a few events a day, and Lambda tries again for hours what is throttled. Nothing is reserved, so that "
    "it deploys in a new account, whose executions are few."
)
_TOPIC_ELSEWHERE = (
    "One topic of this account may call the function. It is in another stack, and the Guard rule follows no reference "
    "there."
)
_TOO_LATE = (
    "Lambda tries three times. An event that reached no person in time is of no use later: it stays in DescribeEvents "
    "for 14 days, and an alarm says that the function fails."
)


class ChatEvents(Construct):
    """Events in the form of custom notifications, which chat channels show; they drop ElastiCache's own messages.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        encryption_key: Encrypts the messages, and the function's log and environment. Default: a separate key.

    See https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, encryption_key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        key = encryption_key or EncryptionKey(self, "Key", description="Events of caches for chat channels")
        self.topic: sns.ITopic = AlarmTopic(self, "Topic", key=key)
        """The topic of the channels. The alarm of the function goes there as well."""
        region = place_of(self).region
        names = {
            meaning.name: " ".join(event.name for event in facts.events("sns", meaning))
            for meaning in (facts.Meaning.FAILURE, facts.Meaning.ATTENTION)
        }
        self.function: lambda_.Function = create_vpc_function(
            self,
            description="Publishes events of ElastiCache in the form that chat channels show",
            code=lambda_.Code.from_inline(_SOURCE.read_text(encoding="utf-8")),
            handler="index.handler",
            statements=[
                allow(self.topic.topic_arn, "sns", "Publish"),
                {
                    **allow(key.key_arn, "kms", "Decrypt", "GenerateDataKey"),
                    "Condition": {
                        "StringEquals": {
                            "kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in ("lambda", "sns")]
                        }
                    },
                },
            ],
            outside_reason=_NO_VPC,
            environment={"TOPIC": self.topic.topic_arn, **names},
            encryption_key=key,
            timeout=Duration.seconds(30),
            memory_mib=256,
            concurrency=1,
            no_reserved_concurrency_reason=_NOT_RESERVED,
            dead_letters=_TOO_LATE,
        )
        self.failed_alarm: cloudwatch.CfnAlarm = alarm_of_function(
            self,
            "Failed",
            self.function,
            self.topic,
            namespace="AWS/Lambda",
            metric="Errors",
            period_seconds=300,
            statistic="Sum",
            meaning=f"Events of caches do not reach the chat channels: the function fails. Runbook: {_RUNBOOK}",
        )
        """Tells the channels that the function fails."""

    def admit(self, topic: sns.ITopic) -> None:
        """Allow a topic to call the function.

        Args:
            topic: The topic of a cache's events.
        """
        permission = lambda_.CfnPermission(
            self,
            f"Called{Names.unique_resource_name(topic, max_length=60)}",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="sns.amazonaws.com",
            source_arn=topic.topic_arn,
        )
        if stack_of(topic) is not stack_of(self):
            accept(permission, {Situation.LAMBDA_PERMISSION_WITH_UNKNOWN_ACCOUNT: _TOPIC_ELSEWHERE})
