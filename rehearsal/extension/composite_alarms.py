"""`AWS::CloudWatch::CompositeAlarm`: the emulator has its API, and not the resource type."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    cloudwatch,
    handlers,
    provisioners,
)
from verification.messages import refusal

TOUCHES = (
    HANDLERS,
    Private(
        "services.cloudformation.provisioners", "_physical_name",
        ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
    ),
    Private("services.cloudwatch", "_composite_alarms"),
    Private("services.cloudwatch", "_delete_alarms", ("params", "cbor_data", "is_cbor", "is_json")),
    Private("services.cloudwatch", "_put_composite_alarm", ("params", "cbor_data", "is_cbor", "is_json")),
)  # fmt: skip

TYPE = "AWS::CloudWatch::CompositeAlarm"
SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


def _call(operation: Any, request: dict[str, Any]) -> None:
    status, _, body = operation({}, request, is_cbor=False, is_json=True)
    if status >= REFUSED:
        raise ValueError(f"{TYPE}: {json.loads(body)['message']}")


def _put(name: str, props: Properties) -> Provisioned:
    if found := [key for key in SUPPRESSION if key in props]:
        message = refusal(
            got=f"{name}: {', '.join(found)}",
            allowed="the rehearsal does not suppress the actions of composite alarms by other alarms",
            fix="Use a mute rule",
        )
        raise ValueError(message)
    enabled = str(props.get("ActionsEnabled", True)).lower() == "true"
    _call(cloudwatch._put_composite_alarm, {**props, "AlarmName": name, "ActionsEnabled": enabled})
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _create(logical_id: str, props: Properties, stack: str) -> Provisioned:
    return _put(props.get("AlarmName") or provisioners._physical_name(stack, logical_id, max_len=255), props)


def _update(physical_id: str, old: Properties, new: Properties, _stack: str) -> Provisioned:
    name = new.get("AlarmName") or physical_id
    if name == physical_id:
        return _put(name, new)
    made = _put(name, new)
    _delete(physical_id, old)
    return made


def _delete(physical_id: str, _props: Properties) -> None:
    if physical_id in cloudwatch._composite_alarms:
        _call(cloudwatch._delete_alarms, {"AlarmNames": [physical_id]})


def install() -> None:
    """Add the resource type."""
    handlers()[TYPE] = {"create": _create, "update": _update, "delete": _delete}
