"""The code of a Lambda function: it publishes events of ElastiCache again, in the form that chat channels show.

It stands in the template, so it is one file without imports beyond what Lambda has. ElastiCache writes an event as one
key with the cache or node that it is about: ``{"ElastiCache:FailoverComplete": "shop-001"}``.

See https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

PREFIX = "ElastiCache:"
MEANINGS = ("FAILURE", "ATTENTION")  # variables with the names of such events
LONGEST = 250  # characters of a title
WORD = re.compile("[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def handler(event: dict[str, Any], _context: object) -> int:
    """Publish each message again; returns how many there were. What fails is tried again by Lambda."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - Lambda has it, and a machine that synthesises may not

    client = boto3.client("sns")
    records = event["Records"]
    for record in records:
        client.publish(TopicArn=os.environ["TOPIC"], Message=json.dumps(notification(record["Sns"])))
    return len(records)


def notification(message: dict[str, Any]) -> dict[str, Any]:
    """The custom notification of Amazon Q Developer in chat applications for a message of SNS.

    Args:
        message: The message, with its id, text and topic.
    """
    name, cache = _event(message["Message"])
    kind = next((kind.capitalize() for kind in MEANINGS if name in os.environ[kind].split()), "")
    title = ": ".join(filter(None, (kind, _words(name), cache)))
    region, account = message["TopicArn"].split(":")[3:5]
    return {
        "version": "1.0",
        "source": "custom",
        "id": message["MessageId"],
        "content": {
            "textType": "client-markdown",
            "title": title[:LONGEST],
            "description": f"ElastiCache in {region}, account {account}: `{name}` at {message['Timestamp']}",
        },
        "metadata": {
            "threadId": cache or name,
            "summary": title[:LONGEST],
            "eventType": name,
            **({"relatedResources": [cache]} if cache else {}),
        },
    }


def _event(text: str) -> tuple[str, str]:
    """The name of an event and what it is about; the text itself if it has another form."""
    try:
        found = json.loads(text)
    except ValueError:
        return text, ""
    if not isinstance(found, dict):
        return text, ""
    name = next((key for key in found if key.startswith(PREFIX)), text)
    return name, str(found.get(name, ""))


def _words(name: str) -> str:
    """The words of a name: ``Failover complete``."""
    if not name.startswith(PREFIX):
        return name
    words = " ".join(WORD.findall(name.removeprefix(PREFIX)))
    return words[:1] + words[1:].lower()
