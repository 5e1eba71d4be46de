"""Channels of Slack and Teams: records, to which nothing is sent. The emulator does not have the types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, handlers, responses, sns
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (HANDLERS, Private("services.sns", "_topics"))

# The name of the kind in ARNs, by type.
KINDS = {
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": "microsoft-teams-channel",
    "AWS::Chatbot::SlackChannelConfiguration": "slack-channel",
}


def _putting(kind: str) -> Callable[..., Provisioned]:
    def put(props: Properties) -> Provisioned:
        name = props["ConfigurationName"]
        missing = [topic for topic in props.get("SnsTopicArns") or [] if topic not in sns._topics]
        if missing:
            message = refusal(
                got=f"{name}: topic {missing[0]}", allowed="its topics must exist", fix="Correct SnsTopicArns"
            )
            raise ValueError(message)
        account = responses.get_account_id()
        arn = f"arn:aws:chatbot::{account}:chat-configuration/{kind}/{name}"
        return arn, {"Arn": arn}

    return put


def _install(resource_type: str, kind: str) -> None:
    put = _putting(kind)

    def create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
        return put(props)

    def update(_physical_id: str, _old: Properties, new: Properties, _stack: str) -> Provisioned:
        return put(new)

    handlers()[resource_type] = {"create": create, "update": update, "delete": _delete}


def _delete(_physical_id: str, _props: Properties) -> None:
    """Do nothing: nothing was created."""


def install() -> None:
    """Add the types."""
    for resource_type, kind in KINDS.items():
        _install(resource_type, kind)
