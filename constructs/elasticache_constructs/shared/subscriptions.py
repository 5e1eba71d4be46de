"""Subscriptions of people to topics, with filters by what events mean."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Names, SecretValue
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import check_same_place
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.shared.chat_events.construct import ChatEvents
from elasticache_constructs.shared.encryption_key import checked_key
from elasticache_constructs.values.subscribers import Subscribers
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms

    from elasticache_constructs.values.subscribers import Pager, SlackChannel, TeamsChannel

_SUBSCRIBERS = Kind(of=Subscribers, example="Subscribers(emails=[...])")
_TOPICS = Kind(of=sns.ITopic, method="add_subscription", example="[cache.notification_topic]")
_LONGEST_ID = 60
_LONGEST_NAME = 128
# Tries for a quarter of an hour: by default SNS gives up after a minute, and a pager's service may be down for longer.
_RETRIES: dict[str, Any] = {
    "min_delay_target": Duration.seconds(5),
    "max_delay_target": Duration.minutes(2),
    "num_retries": 15,
    "num_no_delay_retries": 1,
    "num_min_delay_retries": 2,
    "num_max_delay_retries": 6,
    "backoff_function": sns.BackoffFunction.EXPONENTIAL,
}

_TOO_LATE = (
    "A message that reached no person in time is of no use later: alarms keep their history, and events stay for 14 "
    "days. The topic's metric NumberOfNotificationsFailed counts it."
)


class Subscriptions(Construct):
    """Subscribes people to topics of alarms and of cache events.

    Each address and pager gets one subscription to each topic, each chat channel one configuration with all topics.

    Of the events of replication groups and Memcached clusters, e-mail addresses get all but the routine ones, such as a
    snapshot that was taken; an event that this package does not know is told. Pagers get failures only. SNS limits a
    filter to five keys, so operations that ended as they should are told, too. `elasticache_rules.facts.events` has
    every event with its meaning.

    Chat channels get the same events as e-mail addresses. Amazon Q Developer in chat applications drops messages in
    ElastiCache's format, so with a channel and an event topic there is a function that publishes the events to one more
    topic, as `custom notifications <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>`_, and an
    alarm that tells the channels if it fails.

    Adding or removing one changes no cache.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        subscribers: Who is told.
        alarm_topics: Topics whose every message is told: those of alarms, and those that `ServerlessCache.notify`
            sends events to. Default: none.
        event_topics: Topics that ElastiCache publishes events of replication groups and Memcached clusters to: their
            ``notification_topic``. Default: none.
        encryption_key: Encrypts the events for chat channels, and the log and environment of their function. Default: a
            separate key, if there are a channel and an event topic.

    Raises:
        ConfigurationError: If a topic is not one, is listed twice, or is of another account or region, or if the key
            cannot be used.

    See https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        subscribers: Subscribers,
        alarm_topics: Sequence[sns.ITopic] = (),
        event_topics: Sequence[sns.ITopic] = (),
        encryption_key: kms.IKey | None = None,
    ) -> None:
        with reported_together() as check:
            check(check_kind, "Subscriptions", "subscribers", subscribers, _SUBSCRIBERS)
            alarms = check(checked_list, "Subscriptions", "alarm_topics", alarm_topics, _TOPICS)
            events = check(checked_list, "Subscriptions", "event_topics", event_topics, _TOPICS)
            check(_check_topics, [*alarms, *events], scope)
            if encryption_key is not None:
                check(checked_key, encryption_key, of=scope)
        super().__init__(scope, construct_id)
        if subscribers.emails or subscribers.pagers:
            for topic in alarms:
                self._subscribe(topic, subscribers, {}, {})
            of_emails, of_pagers = _all_but_routine(), _failures()
            for topic in events:
                self._subscribe(topic, subscribers, of_emails, of_pagers)
        if not subscribers.has_chat:
            return
        shown = [*alarms, *([self._translated(events, encryption_key)] if events else [])]
        if shown:
            for channel in subscribers.slack:
                self._add_slack(channel, shown)
            for team in subscribers.teams:
                self._add_teams(team, shown)

    def _translated(self, topics: Sequence[sns.ITopic], key: kms.IKey | None) -> sns.ITopic:
        """The topic with the events of topics as chat channels show them."""
        chat = ChatEvents(self, "ChatEvents", encryption_key=key)
        for topic in topics:
            chat.admit(topic)
            self._add(
                f"{Names.unique_resource_name(topic, max_length=_LONGEST_ID)}-chat",
                topic,
                sns.SubscriptionProtocol.LAMBDA,
                endpoint=chat.function.function_arn,
                filter_policy=_all_but_routine(),
            )
        return chat.topic

    def _subscribe(
        self,
        topic: sns.ITopic,
        subscribers: Subscribers,
        of_emails: Mapping[str, sns.FilterOrPolicy],
        of_pagers: Mapping[str, sns.FilterOrPolicy],
    ) -> None:
        name = Names.unique_resource_name(topic, max_length=_LONGEST_ID)
        for address in subscribers.emails:
            self._add(
                f"{name}-{address}", topic, sns.SubscriptionProtocol.EMAIL, endpoint=address, filter_policy=of_emails
            )
        for pager in subscribers.pagers:
            self._add(
                f"{name}-{pager.secret_name}" + (f"-{pager.field}" if pager.field else ""),
                topic,
                sns.SubscriptionProtocol.HTTPS,
                endpoint=_url(pager),
                filter_policy=of_pagers,
                delivery_policy=sns.DeliveryPolicy(healthy_retry_policy=sns.HealthyRetryPolicy(**_RETRIES)),
            )

    def _add(
        self,
        name: str,
        topic: sns.ITopic,
        protocol: sns.SubscriptionProtocol,
        *,
        endpoint: str,
        filter_policy: Mapping[str, sns.FilterOrPolicy],
        delivery_policy: sns.DeliveryPolicy | None = None,
    ) -> None:
        subscription = sns.Subscription(
            self,
            name,
            topic=topic,
            protocol=protocol,
            endpoint=endpoint,
            filter_policy_with_message_body=filter_policy or None,
            delivery_policy=delivery_policy,
        )
        resource = subscription.node.default_child
        assert isinstance(resource, sns.CfnSubscription)  # noqa: S101 - for the type checker: it always is
        accept(resource, {Situation.SUBSCRIPTION_WITHOUT_DEAD_LETTERS: _TOO_LATE})

    def _add_slack(self, channel: SlackChannel, topics: Sequence[sns.ITopic]) -> None:
        chatbot.SlackChannelConfiguration(
            self,
            f"Slack{channel.channel_id}",
            slack_channel_configuration_name=self._name(channel.channel_id),
            slack_workspace_id=channel.workspace_id,
            slack_channel_id=channel.channel_id,
            notification_topics=list(topics),
            role=self._role(),
            guardrail_policies=[self._guardrail()],
            user_role_required=True,
        )

    def _add_teams(self, channel: TeamsChannel, topics: Sequence[sns.ITopic]) -> None:
        chatbot.CfnMicrosoftTeamsChannelConfiguration(
            self,
            f"Teams{channel.channel_id}",
            configuration_name=self._name(hashlib.sha256(channel.channel_id.encode()).hexdigest()[:8]),
            teams_tenant_id=channel.tenant_id,
            team_id=channel.team_id,
            teams_channel_id=channel.channel_id,
            sns_topic_arns=[topic.topic_arn for topic in topics],
            iam_role_arn=self._role().role_arn,
            guardrail_policies=[self._guardrail().managed_policy_arn],
            user_role_required=True,
        )

    def _role(self) -> iam.Role:
        # It may do nothing: notifications need no permission, and commands run under the roles of the channel's users.
        role = self.node.try_find_child("Role") or iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com")
        )
        assert isinstance(role, iam.Role)  # noqa: S101 - for the type checker: it always is
        return role

    @staticmethod
    def _guardrail() -> iam.IManagedPolicy:
        # Without one, a channel's users may do whatever their roles allow.
        return iam.ManagedPolicy.from_aws_managed_policy_name("CloudWatchReadOnlyAccess")

    def _name(self, channel: str) -> str:
        """The name of a configuration, which is unique in an account."""
        stage = Names.unique_resource_name(self, max_length=_LONGEST_NAME - len(channel) - 1, separator="-")
        return f"{stage}-{channel}"


def _all_but_routine() -> dict[str, sns.FilterOrPolicy]:
    """Messages without the key of a routine event: all others are delivered, unknown ones too."""
    names = [event.name for event in facts.events("sns", facts.Meaning.ROUTINE)]
    return {name: sns.FilterOrPolicy.filter(sns.SubscriptionFilter.not_exists_filter()) for name in names}


def _failures() -> dict[str, sns.FilterOrPolicy]:
    """Messages with the key of a failure."""
    names = [event.name for event in facts.events("sns", facts.Meaning.FAILURE)]
    return {"$or": sns.FilterOrPolicy.filter(sns.SubscriptionFilter([{name: [{"exists": True}]} for name in names]))}


def _url(pager: Pager) -> str:
    """A reference that CloudFormation follows: the URL itself is in no template."""
    return SecretValue.secrets_manager(pager.secret_name, json_field=pager.field).unsafe_unwrap()


def _check_topics(topics: Sequence[sns.ITopic], of: Construct) -> None:
    with reported_together() as check:
        for topic in topics:
            check(
                check_same_place,
                "Subscriptions(...) to a topic",
                topic,
                of,
                allowed="a subscription is made in the account and region of its topic",
                fix="Make Subscriptions in a stack of that account and region",
            )
        arns = [topic.topic_arn for topic in topics]
        if len(set(arns)) < len(arns):
            check(_refuse_twice)


def _refuse_twice() -> None:
    raise ConfigurationError(
        got="Subscriptions(...) with one topic twice",
        allowed="a subscriber has one subscription to a topic, with one filter",
        fix="Name the topic once, in alarm_topics or in event_topics",
    )
