"""Topics: one that a cache tells its events to, one for alarms about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack, Token
from aws_cdk import aws_sns as sns
from constructs import Construct

from elasticache_constructs.acknowledgements import acknowledge
from elasticache_constructs.errors import ConfigurationError, reported_together
from elasticache_constructs.kinds import Kind, check_kind

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html"
_TOPIC = Kind(of=sns.ITopic, method="add_subscription", example="EventTopic(...).topic", rule="TAG-04")
_NOT_ENCRYPTED = (
    "ElastiCache cannot publish to an encrypted topic: it marks the topic inactive and every event is lost "
    "(AmazonElastiCache/latest/dg/ElastiCacheSNS.html). Events carry names of nodes and of what happened, no data."
)


class EventTopic(Construct):
    """An SNS topic that ElastiCache can really publish to, over TLS only.

    Two traps are avoided here. ElastiCache does not publish to an encrypted topic: the topic turns inactive and events
    are lost, so this one is not encrypted; it carries event names and no data. And it publishes only where the topic's
    policy names the account by ``aws:SourceOwner``; a policy with ``aws:SourceAccount`` silences it as well.

    Args:
        scope: The parent.

        construct_id: The id in the parent.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html and
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ECEvents.SNS.html
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        resource = sns.CfnTopic(self, "Resource")
        self.topic = _guarded(
            self,
            resource.ref,
            {
                "Sid": "AllowElastiCachePublish",
                "Principal": {"AWS": "*"},
                "Condition": {"StringEquals": {"AWS:SourceOwner": {"Ref": "AWS::AccountId"}}},
            },
        )
        """The topic, to subscribe to."""
        packs = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
        acknowledge(resource, {f"{pack}::{pack}-SNSEncryptedKMS": _NOT_ENCRYPTED for pack in packs})
        resource.add_metadata("checkov", {"skip": [{"id": "CKV_AWS_26", "comment": _NOT_ENCRYPTED}]})


class AlarmTopic(Construct):
    """An encrypted SNS topic that CloudWatch alarms and functions of the account publish to, over TLS only.

    Not for events of a cache: see `EventTopic`.

    Args:
        scope: The parent.

        construct_id: The id in the parent.

        key: Encrypts messages; its policy must admit CloudWatch alarms, as that of `EncryptionKey` does.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        resource = sns.CfnTopic(self, "Resource", kms_master_key_id=key.key_arn)
        self.topic = _guarded(
            self,
            resource.ref,
            {
                "Sid": "AllowAlarms",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            },
        )
        """The topic, to subscribe to."""


def check_event_topic(topic: sns.ITopic, *, of: Construct) -> None:
    """Refuse a topic that a cache cannot publish to. Accounts and regions that are not known are not compared.

    Raises:
        ConfigurationError: When it belongs to another account or region, or is a FIFO topic.
    """
    check_kind("", "notification_topic", topic, _TOPIC)
    theirs, ours = topic.env, Stack.of(of)
    with reported_together() as check:
        check(_check_same, "account", theirs.account, ours.account)
        check(_check_same, "region", theirs.region, ours.region)
        check(_check_standard, topic)


def _check_same(what: str, theirs: str, ours: str) -> None:
    if theirs != ours and not Token.is_unresolved(theirs) and not Token.is_unresolved(ours):
        raise ConfigurationError(
            got=f"notification_topic of the {what} {theirs} in {ours}",
            allowed=f"a cache publishes its events to topics of its own {what}",
            fix=f"Leave it out, and subscribe the other {what} to the cache's notification_topic",
            page=_PAGE,
            rule="TAG-04",
        )


def _check_standard(topic: sns.ITopic) -> None:
    if topic.fifo:
        raise ConfigurationError(
            got="notification_topic that is a FIFO topic",
            allowed="a cache publishes its events to standard topics",
            fix="Use a topic without fifo=True, or leave it out",
            page=_PAGE,
            rule="TAG-04",
        )


def _guarded(scope: Construct, arn: str, publisher: dict[str, Any]) -> sns.ITopic:
    """Let one kind of publisher in, and nobody without TLS."""
    publish = {"Action": "sns:Publish", "Resource": arn}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    tls_only = {"Sid": "AllowPublishThroughSSLOnly", "Principal": {"AWS": "*"}, "Condition": plain}
    statements = [{"Effect": "Allow", **publisher, **publish}, {"Effect": "Deny", **tls_only, **publish}]
    document = {"Version": "2012-10-17", "Statement": statements}
    sns.CfnTopicPolicy(scope, "Policy", topics=[arn], policy_document=document)
    return sns.Topic.from_topic_arn(scope, "Topic", arn)
