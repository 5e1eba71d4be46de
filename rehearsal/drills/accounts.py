"""Roles and queues that a drill makes for itself, and deletes."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from elasticache_client import IamCredentials
from rehearsal.drills.clients import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import LoginEndpoint

POLICY = "drill"


@contextmanager
def role(scene: Scene, statements: Sequence[Mapping[str, Any]] = ()) -> Iterator[str]:
    """A role of the account that the drill may assume, for as long as the block lasts; yields its name.

    Args:
        scene: What the drill acts with.
        statements: What the role is allowed. Default: nothing.
    """
    iam = scene.client("iam")
    account = scene.client("sts").get_caller_identity()["Account"]
    name = f"rehearsal-{scene.name}-{secrets.token_hex(4)}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trust]))
    try:
        if statements:
            allow(scene, name, statements)
        yield name
    finally:
        with suppress(iam.exceptions.NoSuchEntityException):
            iam.delete_role_policy(RoleName=name, PolicyName=POLICY)
        iam.delete_role(RoleName=name)


def allow(scene: Scene, name: str, statements: Sequence[Mapping[str, Any]]) -> None:
    """Give a role of `role` these statements, in place of those it has."""
    scene.client("iam").put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=document(statements))


def session(scene: Scene, name: str) -> dict[str, str]:
    """Assume a role; its credentials as `AssumeRole` returns them."""
    account = scene.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:iam::{account}:role/{name}"
    answer: dict[str, str] = scene.client("sts").assume_role(RoleArn=arn, RoleSessionName="rehearsal")["Credentials"]
    return answer


def connect_grant(endpoint: LoginEndpoint, user: str) -> list[dict[str, Any]]:
    """The statements that allow a role to log in to a cache as a user: a grant on both."""
    resources = [endpoint.arn, endpoint.iam_users[user]]
    return [{"Effect": "Allow", "Action": "elasticache:Connect", "Resource": resources}]


def iam_token(scene: Scene, name: str, endpoint: LoginEndpoint, user: str) -> str:
    """A new token for a user of a cache, signed with the credentials of a role of `role`."""
    login = IamCredentials(
        user=user,
        cache_name=endpoint.cache,
        region=scene.stage.account.region,
        serverless=endpoint.settings.serverless,
        credentials=Caller.of(scene.stage.account.region, session(scene, name)).credentials,
    ).login()
    return login.password


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@contextmanager
def inbox(scene: Scene, topic: str) -> Iterator[Inbox]:
    """A queue that is subscribed to a topic for as long as the block lasts."""
    sqs, sns = scene.client("sqs"), scene.client("sns")
    url = sqs.create_queue(QueueName=f"rehearsal-{scene.name}-{secrets.token_hex(4)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    send = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document([send])})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    try:
        yield Inbox(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


class Inbox:
    """The messages of a queue.

    Args:
        client: The boto3 client of SQS.
        url: URL of the queue.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url
        self._received: list[str] = []

    def texts(self) -> list[str]:
        """The text of each message that has arrived so far."""
        answer = self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self._received.append(str(json.loads(message["Body"]).get("Message", message["Body"])))
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._received
