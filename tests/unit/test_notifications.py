"""The topic for events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from elasticache_constructs import EventTopic

if TYPE_CHECKING:
    from tests.conftest import Bench


@pytest.fixture(name="statements")
def _statements(bench: Bench) -> dict[str, dict[str, Any]]:
    EventTopic(bench.stack, "Events")
    document = bench.only("SNS::TopicPolicy")["Properties"]["PolicyDocument"]
    return {each["Sid"]: each for each in document["Statement"]}


def test_topic_is_not_encrypted(bench: Bench) -> None:
    """ElastiCache cannot publish to an encrypted topic, and would not say so."""
    EventTopic(bench.stack, "Events")

    assert "KmsMasterKeyId" not in bench.only("SNS::Topic").get("Properties", {})


def test_elasticache_publishes_by_source_owner(statements: dict[str, dict[str, Any]]) -> None:
    """The account is named by SourceOwner, since SourceAccount would silence ElastiCache."""
    statement = statements["AllowElastiCachePublish"]

    assert {"StringEquals": {"AWS:SourceOwner": {"Ref": "AWS::AccountId"}}} == statement["Condition"]
    assert ("Allow", "sns:Publish") == (statement["Effect"], statement["Action"])


def test_publishing_without_tls_is_denied(statements: dict[str, dict[str, Any]]) -> None:
    """No principal publishes in the clear."""
    statement = statements["AllowPublishThroughSSLOnly"]

    assert ("Deny", {"AWS": "*"}, {"Bool": {"aws:SecureTransport": "false"}}) == (
        statement["Effect"],
        statement["Principal"],
        statement["Condition"],
    )


def test_policy_is_of_the_topic_and_about_it(bench: Bench, statements: dict[str, dict[str, Any]]) -> None:
    """The policy is attached to the topic, and each statement is about that topic alone."""
    ((topic, _),) = bench.resources("SNS::Topic").items()

    assert [{"Ref": topic}] == bench.only("SNS::TopicPolicy")["Properties"]["Topics"]
    assert [{"Ref": topic}] * 2 == [each["Resource"] for each in statements.values()]


def test_topic_can_be_subscribed_to(bench: Bench) -> None:
    """What stands for the topic has its ARN."""
    topic = EventTopic(bench.stack, "Events").topic

    ((name, _),) = bench.resources("SNS::Topic").items()
    assert {"Ref": name} == bench.stack.resolve(topic.topic_arn)
