"""What is published to topics: recorded in the journal, and for AWS services only as the topic and its key allow."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, responses, sns
from rehearsal.live import service_principals

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.run import Run
    from rehearsal.live.service_principals import Source

TOUCHES = (
    Private(
        "services.sns",
        "_fanout",
        (
            "topic_arn", "msg_id", "message", "subject", "message_structure", "message_attributes", "message_group_id",
            "message_dedup_id",
        ),
    ),
    Private("services.sns", "_topics"),
)  # fmt: skip

KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
AWS_KEY = "alias/aws/"


def key_of(topic_arn: str) -> str | None:
    """ARN of the key that encrypts a topic; None if none does.

    Args:
        topic_arn: ARN of the topic, which exists.
    """
    key: str = sns._topics[topic_arn]["attributes"].get("KmsMasterKeyId") or ""
    if not key or key.startswith("arn:"):
        return key or None
    resource = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:{resource}"


def refusal(topic_arn: str, source: Source) -> str | None:
    """Why an AWS service may not publish to a topic, or None.

    Args:
        topic_arn: ARN of the topic.
        source: The service and what it acts for.
    """
    if topic_arn not in sns._topics:
        return f"the topic {topic_arn} does not exist"
    if reason := service_principals.refusal(source, "sns:Publish", topic_arn):
        return reason
    key = key_of(topic_arn)
    if key is not None and AWS_KEY in key:
        return f"the key {key} of {topic_arn} is AWS's own, which {source.service} may not use"
    reasons = (service_principals.refusal(source, action, key) for action in KEY_ACTIONS if key is not None)
    return next((reason for reason in reasons if reason), None)


def publish(run: Run, topic_arn: str, message: str, subject: str, source: Source) -> str | None:
    """Publish to a topic as an AWS service does. What is refused is recorded, and nothing else happens, as on AWS.

    Args:
        run: The run.
        topic_arn: ARN of the topic.
        message: The message.
        subject: Its subject.
        source: The service and what it acts for.

    Returns:
        Why it is refused, or None.
    """
    reason = refusal(topic_arn, source)
    if reason is None:
        sns._fanout(topic_arn, str(uuid.uuid4()), message, subject)
    else:
        run.journal.write("delivery", topic=topic_arn, subject=subject, source=source.arn, allowed=False, reason=reason)
    return reason


def _recorded(run: Run, stock: Callable[..., None]) -> Callable[..., None]:
    def fanout(topic_arn: str, msg_id: str, message: str, subject: str, *rest: Any, **more: Any) -> None:
        topic = sns._topics.get(topic_arn) or {"subscriptions": ()}
        subscribers = [
            f"{each['protocol']}:{each['endpoint']}" for each in topic["subscriptions"] if each.get("confirmed")
        ]
        run.journal.write(
            "delivery", topic=topic_arn, message=msg_id, subject=subject, subscribers=subscribers, allowed=True
        )
        stock(topic_arn, msg_id, message, subject, *rest, **more)

    return fanout


def install(run: Run) -> None:
    """Record what is published."""
    sns._fanout = _recorded(run, sns._fanout)
