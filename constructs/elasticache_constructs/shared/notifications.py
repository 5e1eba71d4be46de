"""SNS topics for cache events and for alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_arn, check_same_place, place_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.shared.encryption_key import admit_alarms, admit_eventbridge, checked_key

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html"
_DEAD_LETTERS_PAGE = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
_KEYS_PAGE = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
_EVENTBRIDGE_PAGE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"
_TOPIC = Kind(of=sns.ITopic, method="add_subscription", example="EventTopic(...)", rule="TAG-04")
_ALARM_TOPIC = Kind(of=sns.ITopic, method="add_subscription", example="AlarmTopic(...)")
_NOT_ENCRYPTED = (
    "ElastiCache cannot publish to an encrypted topic: it marks the topic inactive and every event is lost "
    "(AmazonElastiCache/latest/dg/ElastiCacheSNS.html). Events carry names of nodes and of what happened, no data."
)


class _Topic(sns.Topic):
    """A topic whose policy has its first publisher from the beginning, and takes further statements."""

    def __init__(
        self, scope: Construct, construct_id: str, *, publisher: dict[str, Any], key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id, master_key=key)
        publish = {"Action": "sns:Publish", "Resource": self.topic_arn}
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        tls_only = {"Sid": "AllowPublishThroughSSLOnly", "Principal": {"AWS": "*"}, "Condition": plain}
        self._document = iam.PolicyDocument.from_json(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", **publisher, **publish},
                    {"Effect": "Deny", **tls_only, **publish},
                ],
            }
        )
        # An L1: that of the CDK has another logical id, and deleting the one that is there would empty the policy.
        self._policy = sns.CfnTopicPolicy(self, "Policy", topics=[self.topic_arn], policy_document=self._document)

    def add_to_resource_policy(self, statement: iam.PolicyStatement) -> iam.AddToResourcePolicyResult:
        """Add a statement to the topic's policy; the CDK's own grants do so as well."""
        self._document.add_statements(statement)
        return iam.AddToResourcePolicyResult(statement_added=True, policy_dependable=self._policy)

    @property
    def topic(self) -> sns.ITopic:
        """The topic itself, to subscribe to."""
        return self


class EventTopic(_Topic):
    """An SNS topic that ElastiCache can publish to, over TLS only.

    ElastiCache does not publish to an encrypted topic: the topic becomes inactive and events are lost. So this topic is
    not encrypted; events hold names and no data. The topic's policy must name the account by ``aws:SourceOwner``: with
    ``aws:SourceAccount``, ElastiCache does not publish either.

    Args:
        scope: The parent.
        construct_id: The id in the parent.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html and
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ECEvents.SNS.html
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, publisher=_elasticache(account={"Ref": "AWS::AccountId"}))
        resource = self.node.default_child
        assert isinstance(resource, sns.CfnTopic)  # noqa: S101 - for the type checker: it always is
        accept(resource, {Situation.TOPIC_WITHOUT_ENCRYPTION: _NOT_ENCRYPTED})


class AlarmTopic(_Topic):
    """An encrypted SNS topic that CloudWatch alarms and functions of the account publish to, over TLS only.

    Not for events of a cache: see `EventTopic`.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        key: Encrypts messages. CloudWatch is added to the policy of a key of the app; that of an imported key must
            allow it already, and synth warns.

    Raises:
        ConfigurationError: If the key is of another region, not symmetric, or an alias of a key that is not known.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        key = checked_key(key, of=scope, name="key")
        admit_alarms(key, of=scope)
        super().__init__(scope, construct_id, key=key, publisher=_alarms(account={"Ref": "AWS::AccountId"}))


_HAVE_IT = {"ElastiCache": EventTopic, "CloudWatch": AlarmTopic}


def _elasticache(account: Any) -> dict[str, Any]:
    return {
        "Sid": "AllowElastiCachePublish",
        "Principal": {"AWS": "*"},
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }


def _alarms(account: Any) -> dict[str, Any]:
    return {
        "Sid": "AllowAlarms",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }


def topic_of_events(scope: Construct, given: sns.ITopic | None, *, is_wanted: bool = True) -> sns.ITopic | None:
    """The topic that a cache publishes its events to.

    Args:
        scope: The cache.
        given: The topic that it was given. Default: one is made.
        is_wanted: Whether one is made. An existing cache may have none.
    """
    topic = given or (EventTopic(scope, "Events") if is_wanted else None)
    if topic is not None:
        admit_events(topic, of=scope)
    return topic


def known_topic(topic: sns.ITopic | None, *, of: str) -> sns.ITopic:
    """The topic of a cache's events.

    Raises:
        ConfigurationError: If the cache exists and has none.
    """
    if topic is None:
        raise ConfigurationError(
            got=f"notification_topic of a {of} with has_no_notification_topic=True",
            allowed="the events of this cache go to no topic",
            fix="Leave has_no_notification_topic out: a topic is made, and set in place",
            page=_PAGE,
        )
    return topic


def admit_events(topic: sns.ITopic, *, of: Construct) -> None:
    """Allow ElastiCache to publish to a topic: a topic of the app gets the statement, an imported one a warning.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html
    """
    _admit(topic, _elasticache(place_of(of).account), service="ElastiCache", page=_PAGE)


def admit_alarms_to(topic: sns.ITopic, *, of: Construct) -> None:
    """Allow CloudWatch alarms to publish to a topic and to use the key that encrypts it.

    A topic or key of the app gets the statement, an imported one a warning.

    See https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    _admit(topic, _alarms(place_of(of).account), service="CloudWatch", page=_KEYS_PAGE)
    if topic.master_key is not None:
        admit_alarms(checked_key(topic.master_key, of=of, name="alarm_topic's master_key"), of=of)


def admit_eventbridge_to(topic: sns.ITopic, *, of: Construct) -> None:
    """Allow EventBridge to publish to a topic and to use the key that encrypts it.

    A topic or key of the app gets the statement, an imported one a warning. There is no condition: EventBridge sends
    none of the context that one could name.

    See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    publisher = {"Sid": "AllowEventBridge", "Principal": {"Service": "events.amazonaws.com"}}
    _admit(topic, publisher, service="EventBridge", page=_EVENTBRIDGE_PAGE)
    if topic.master_key is not None:
        admit_eventbridge(checked_key(topic.master_key, of=of, name="topic's master_key"))


def check_eventbridge_topic(topic: sns.ITopic, *, of: Construct) -> None:
    """Refuse a topic that a rule of EventBridge cannot publish to. Unknown properties are not judged.

    Raises:
        ConfigurationError: If it belongs to another account or region, is a FIFO topic, or is encrypted with a key
            that EventBridge cannot use.
    """
    check_kind("notify", "topic", topic, _ALARM_TOPIC)
    with reported_together() as check:
        check(
            check_same_place,
            "notify(topic)",
            topic,
            of,
            allowed="a rule sends events to a topic of the same account and region",
            fix="Use a topic of this stack's account and region, and subscribe the other one to it",
        )
        if topic.fifo:
            check(_refuse_fifo_events)
        check(_check_eventbridge_key, topic, of)


def _refuse_fifo_events() -> None:
    raise ConfigurationError(
        got="notify(topic) with a FIFO topic",
        allowed="people are subscribed to standard topics: a FIFO topic delivers to queues only",
        fix="Use a topic without fifo=True",
        page="https://docs.aws.amazon.com/sns/latest/dg/fifo-topic-message-delivery.html",
    )


def _check_eventbridge_key(topic: sns.ITopic, of: Construct) -> None:
    key: Any = topic.master_key
    if key is None:
        return
    if getattr(key, "alias_name", None) == "alias/aws/sns":
        raise ConfigurationError(
            got="notify(topic) with a topic encrypted with alias/aws/sns",
            allowed="EventBridge cannot use AWS's own key for SNS, and its messages are dropped",
            fix="Encrypt the topic with EncryptionKey(...), as AlarmTopic does",
            page=_KEYS_PAGE,
        )
    checked_key(key, of=of, name="topic's master_key")


def _admit(topic: sns.ITopic, publisher: dict[str, Any], *, service: str, page: str) -> None:
    has_it = _HAVE_IT.get(service)
    if has_it is not None and isinstance(topic, has_it):
        return
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic.topic_arn}
    statement = iam.PolicyStatement.from_json({**publisher, **publish})
    if not topic.add_to_resource_policy(statement).statement_added:
        Annotations.of(topic).add_warning_v2(
            f"elasticache-constructs:topic-admits-{service.lower()}",
            f"The policy of an imported topic is not known. It must let {service} publish: see {page}. Acknowledge "
            f"this warning once it does, or use {(has_it or AlarmTopic).__name__}",
        )


def check_event_topic(topic: sns.ITopic, *, of: Construct) -> None:
    """Refuse a topic that a cache cannot publish to. Unknown accounts and regions are not compared.

    Raises:
        ConfigurationError: If it belongs to another account or region, is a FIFO topic, or is encrypted.
    """
    check_kind("", "notification_topic", topic, _TOPIC)
    with reported_together() as check:
        check(
            check_same_place,
            "notification_topic",
            topic,
            of,
            allowed="a cache publishes its events to topics in the same PLACE",
            fix="Leave it out, and subscribe the other PLACE to the cache's notification_topic",
            rule="TAG-04",
        )
        region = place_of(of).region
        check(check_arn, "notification_topic", topic.topic_arn, service="sns", region=region, rule="TAG-04")
        check(_check_standard, topic)
        check(_check_plain, topic)


def check_alarm_topic(topic: sns.ITopic, *, of: Construct, call: str) -> None:
    """Refuse a topic that alarms and a rotation function cannot publish to. Unknown properties are not judged.

    Args:
        topic: The topic.
        of: The construct whose alarms it receives, or its parent.
        call: What was called, for the message.

    Raises:
        ConfigurationError: If it belongs to another account or region, is a FIFO topic, or is encrypted with a key
            that CloudWatch cannot use.
    """
    check_kind(call, "alarm_topic", topic, _ALARM_TOPIC)
    with reported_together() as check:
        check(
            check_same_place,
            "alarm_topic",
            topic,
            of,
            allowed="functions send dead letters, and alarms their actions, to topics in the same PLACE",
            fix="Leave it out, and subscribe the other PLACE to a topic of this one",
            page=_DEAD_LETTERS_PAGE,
        )
        if topic.fifo:
            check(_refuse_fifo)
        check(check_arn, "alarm_topic", topic.topic_arn, service="sns", region=place_of(of).region)
        check(_check_alarm_key, topic, of)


def _refuse_fifo() -> None:
    raise ConfigurationError(
        got="alarm_topic that is a FIFO topic",
        allowed="functions send dead letters to standard topics",
        fix="Use a topic without fifo=True, or leave it out",
        page=_DEAD_LETTERS_PAGE,
    )


def _check_alarm_key(topic: sns.ITopic, of: Construct) -> None:
    key: Any = topic.master_key
    if key is None:
        return
    if getattr(key, "alias_name", None) == "alias/aws/sns":
        raise ConfigurationError(
            got="alarm_topic encrypted with alias/aws/sns",
            allowed="CloudWatch alarms cannot use AWS's own key for SNS, and are dropped",
            fix="Encrypt the topic with EncryptionKey(...), or leave alarm_topic out",
            page=_KEYS_PAGE,
        )
    checked_key(key, of=of, name="alarm_topic's master_key")


def _check_standard(topic: sns.ITopic) -> None:
    if topic.fifo:
        raise ConfigurationError(
            got="notification_topic that is a FIFO topic",
            allowed="a cache publishes its events to standard topics",
            fix="Use a topic without fifo=True, or leave it out",
            rule="TAG-04",
        )


def _check_plain(topic: sns.ITopic) -> None:
    resource = topic.node.default_child
    raw = resource.kms_master_key_id if isinstance(resource, sns.CfnTopic) else None
    if topic.master_key is not None or raw is not None:
        raise ConfigurationError(
            got="notification_topic that is encrypted",
            allowed="a cache cannot publish to an encrypted topic, and every event would be lost",
            fix="Use a topic without master_key, or leave it out",
            rule="TAG-04",
        )
