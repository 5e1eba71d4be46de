"""Attributes of SNS topics that the emulator does not take from the template, such as the KMS key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, handlers, sns

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (HANDLERS, Private("services.sns", "_topics"))

KEPT = ("KmsMasterKeyId", "SignatureVersion", "TracingConfig")


def _keep(topic_arn: str, props: Properties) -> None:
    attributes = sns._topics[topic_arn]["attributes"]
    for name in KEPT:
        attributes.pop(name, None)
        if name in props:
            attributes[name] = str(props[name])


def _creating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        topic_arn, attributes = stock(logical_id, props, stack)
        _keep(topic_arn, props)
        return topic_arn, attributes

    return create


def _updating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Provisioned:
        topic_arn, attributes = stock(physical_id, old, new, *rest)
        _keep(topic_arn, new)
        return topic_arn, attributes

    return update


def install() -> None:
    """Set the attributes on create and on update."""
    topic = handlers()["AWS::SNS::Topic"]
    topic["create"], topic["update"] = _creating(topic["create"]), _updating(topic["update"])
