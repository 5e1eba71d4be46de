"""Mute rules of alarms: records, which the live layer obeys. The emulator has neither the type nor the API.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    Private,
    Properties,
    Provisioned,
    cloudwatch,
    handlers,
    provisioners,
    responses,
)
from rehearsal.monitoring.mute_windows import AT, CRON, duration_minutes
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOUCHES = (
    HANDLERS,
    Private(
        "services.cloudformation.provisioners", "_physical_name",
        ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
    ),
    Private("services.cloudwatch", "_alarms"),
    Private("services.cloudwatch", "_composite_alarms"),
    Private("services.cloudwatch", "_error", ("code", "message", "status", "use_json", "use_cbor")),
    Private("services.cloudwatch", "_json_ok", ("data",)),
)  # fmt: skip

TYPE = "AWS::CloudWatch::AlarmMuteRule"
MAX_TARGETS = 100
MIN_MINUTES, MAX_MINUTES = 1, 15 * 24 * 60
NOT_FOUND = 404

RULES: Any = responses.AccountRegionScopedDict()


def _fault(rule: Mapping[str, Any]) -> str | None:
    """Why CloudWatch refuses a mute rule, or None."""
    schedule = rule["Rule"]["Schedule"]
    expression, duration = str(schedule.get("Expression", "")), str(schedule.get("Duration", ""))
    if not CRON.fullmatch(expression) and not AT.fullmatch(expression):
        return refusal(
            got=f"expression {expression!r}",
            allowed="it must be cron(minute hour day-of-month month day-of-week) or at(yyyy-MM-ddThh:mm)",
            fix="Change Rule.Schedule.Expression",
        )
    if not MIN_MINUTES <= duration_minutes(duration) <= MAX_MINUTES:
        return refusal(
            got=f"duration {duration!r}", allowed="it must be PT1M to P15D", fix="Change Rule.Schedule.Duration"
        )
    targets = (rule.get("MuteTargets") or {}).get("AlarmNames", [])
    if len(targets) > MAX_TARGETS:
        return refusal(
            got=f"{len(targets)} targets", allowed=f"at most {MAX_TARGETS}", fix="Use more than one mute rule"
        )
    missing = [name for name in targets if name not in cloudwatch._alarms and name not in cloudwatch._composite_alarms]
    if missing:
        return refusal(
            got=f"target {missing[0]}", allowed="the alarms of a mute rule must exist", fix="Correct MuteTargets"
        )
    return None


def _put(name: str, props: Properties) -> str:
    """Keep a rule, and return its ARN.

    Raises:
        ValueError: If CloudWatch refuses it.
    """
    if reason := _fault(props):
        raise ValueError(reason)
    arn = f"arn:aws:cloudwatch:{responses.get_region()}:{responses.get_account_id()}:alarm-mute-rule:{name}"
    kept = {
        key: props[key] for key in ("Description", "Rule", "MuteTargets", "StartDate", "ExpireDate") if key in props
    }
    RULES[name] = {"Name": name, "AlarmMuteRuleArn": arn, "LastUpdatedTimestamp": int(time.time()), **kept}
    return arn


def _provision(name: str, props: Properties) -> Provisioned:
    try:
        arn = _put(name, props)
    except ValueError as fault:
        raise ValueError(f"{TYPE} {name}: {fault}") from None
    return name, {"Arn": arn, "MuteType": _mute_type(RULES[name])}


def _mute_type(rule: Mapping[str, Any]) -> str:
    return "ONE_TIME" if AT.fullmatch(rule["Rule"]["Schedule"]["Expression"]) else "RECURRING"


def _create(logical_id: str, props: Properties, stack: str) -> Provisioned:
    return _provision(props.get("Name") or provisioners._physical_name(stack, logical_id, max_len=255), props)


def _update(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Provisioned:
    name = new.get("Name") or physical_id
    if name != physical_id:
        RULES.pop(physical_id, None)
    return _provision(name, new)


def _delete(physical_id: str, _props: Properties) -> None:
    RULES.pop(physical_id, None)


def _api_put(request: Mapping[str, Any]) -> Any:
    try:
        _put(request["Name"], request)
    except ValueError as fault:
        return cloudwatch._error("ValidationException", str(fault), 400, use_json=True)
    return cloudwatch._json_ok({})


def _api_get(request: Mapping[str, Any]) -> Any:
    rule = RULES.get(request["AlarmMuteRuleName"])
    if rule is None:
        message = f"mute rule {request['AlarmMuteRuleName']} not found"
        return cloudwatch._error("ResourceNotFoundException", message, NOT_FOUND, use_json=True)
    return cloudwatch._json_ok({**rule, "MuteType": _mute_type(rule)})


def _api_list(request: Mapping[str, Any]) -> Any:
    name = request.get("AlarmName")
    rules = [rule for rule in RULES.values() if name in (None, *(rule.get("MuteTargets") or {}).get("AlarmNames", []))]
    shown = ("AlarmMuteRuleArn", "LastUpdatedTimestamp")
    summaries = [{**{key: rule[key] for key in shown}, "MuteType": _mute_type(rule)} for rule in rules]
    return cloudwatch._json_ok({"AlarmMuteRuleSummaries": summaries})


def _api_delete(request: Mapping[str, Any]) -> Any:
    RULES.pop(request["AlarmMuteRuleName"], None)
    return cloudwatch._json_ok({})


ACTIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "PutAlarmMuteRule": _api_put,
    "GetAlarmMuteRule": _api_get,
    "ListAlarmMuteRules": _api_list,
    "DeleteAlarmMuteRule": _api_delete,
}


def _answering(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        action = ACTIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            return await stock(method, path, headers, body, query_params)
        return action(json.loads(body or b"{}"))

    return handle_request


def install() -> None:
    """Add the resource type and the API."""
    handlers()[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    cloudwatch.handle_request = _answering(cloudwatch.handle_request)
