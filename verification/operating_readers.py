"""Read back what operates caches: automatic scaling, mute rules of alarms, dashboards and saved queries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from verification.account import ABSENT, Account
from verification.equality import canonical
from verification.reader import Properties, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Automatic scaling ----------------------------------------------------------------------------------------------------

_SERVICE = "application-autoscaling"
_CAPACITIES = ("MinCapacity", "MaxCapacity")
_SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_SCHEDULED = ("ScheduledActionName", "Schedule", "Timezone", "ScalableTargetAction")


def _scheduled(actions: Iterable[Properties]) -> list[Properties]:
    return [{name: action[name] for name in _SCHEDULED if name in action} for action in actions]


def _asked_target(properties: Properties) -> Properties:
    suspended = {**dict.fromkeys(_SUSPENDED, False), **properties.get("SuspendedState", {})}
    return {
        **properties,
        "ScheduledActions": _scheduled(properties.get("ScheduledActions", [])),
        "SuspendedState": suspended,
    }


def _read_target(account: Account, _name: str, asked: Properties) -> Properties:
    place = {name: asked[name] for name in ("ServiceNamespace", "ScalableDimension")}
    resource = asked["ResourceId"]
    [target] = account.read(_SERVICE, "describe_scalable_targets", ResourceIds=[resource], **place)["ScalableTargets"]
    actions = account.read(_SERVICE, "describe_scheduled_actions", ResourceId=resource, **place)["ScheduledActions"]
    suspended = target.get("SuspendedState", {})
    return {
        **place,
        "ResourceId": target["ResourceId"],
        **{name: _capacity(name, asked, target) for name in _CAPACITIES},
        "ScheduledActions": _scheduled(actions),
        "SuspendedState": {name: suspended.get(name, False) for name in _SUSPENDED},
    }


def _capacity(name: str, asked: Properties, target: Properties) -> Any:
    """A capacity of a target: that of the template as well if a schedule of the template has set another one."""
    actions = (action.get("ScalableTargetAction", {}) for action in asked.get("ScheduledActions", []))
    by_schedule = {str(action[name]) for action in actions if name in action}
    return asked[name] if str(target[name]) in by_schedule else target[name]


def _asked_policy(properties: Properties) -> Properties:
    place, tracking = _place(properties), properties.get(_TRACKING, {})
    rest = {name: value for name, value in properties.items() if name not in {*place, "ScalingTargetId"}}
    return {**rest, **place, _TRACKING: {"DisableScaleIn": False, **tracking}}


_TRACKING = "TargetTrackingScalingPolicyConfiguration"


def _place(properties: Properties) -> dict[str, str]:
    """Where a policy belongs: it names its target, or says the same."""
    names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    if target := properties.get("ScalingTargetId"):
        return dict(zip(names, str(target).split("|"), strict=True))
    return {name: properties[name] for name in names}


def _read_policy(account: Account, _name: str, asked: Properties) -> Properties:
    wanted = asked["PolicyName"]
    answer = account.read(_SERVICE, "describe_scaling_policies", PolicyNames=[wanted], **_place(asked))
    [policy] = answer["ScalingPolicies"]
    tracking = policy.get(_TRACKING, {})
    return {**policy, _TRACKING: {"DisableScaleIn": False, **tracking}}


# Mute rules -----------------------------------------------------------------------------------------------------------


def _read_mute_rule(account: Account, name: str, asked: Properties) -> Properties:
    rule = account.read("cloudwatch", "get_alarm_mute_rule", AlarmMuteRuleName=name)
    wanted = asked.get("Rule", {}).get("Schedule", {})
    schedule = rule["Rule"]["Schedule"]
    # A schedule without a time zone is in UTC.
    found = {key: value for key, value in schedule.items() if key in wanted or (key, value) != ("Timezone", "UTC")}
    return {
        "Name": rule["Name"],
        "Description": rule.get("Description", ABSENT),
        "Rule": {"Schedule": found},
        "MuteTargets": rule.get("MuteTargets", ABSENT),
    }


# Dashboards and queries -----------------------------------------------------------------------------------------------


def _widgets(body: Any) -> Sequence[Any]:
    widgets: Sequence[Any] = json.loads(str(body)).get("widgets", [])
    return widgets


def _asked_dashboard(properties: Properties) -> Properties:
    if "DashboardBody" not in properties:
        return properties
    return {**properties, "DashboardBody": f"{len(_widgets(properties['DashboardBody']))} widgets"}


def _read_dashboard(account: Account, name: str, asked: Properties) -> Properties:
    found = account.read("cloudwatch", "get_dashboard", DashboardName=name)
    view = {"DashboardName": found["DashboardName"]}
    if "DashboardBody" in asked:
        view["DashboardBody"] = _told(str(asked["DashboardBody"]), found["DashboardBody"])
    return view


def _told(asked: str, read: str) -> str:
    """A dashboard in a line: how many widgets it has, and which ones the template has otherwise."""
    wanted, found = _widgets(asked), _widgets(read)
    number = f"{len(found)} widgets"
    known = [canonical(widget) for widget in wanted]
    others = [_title(widget) for widget in found if canonical(widget) not in known]
    if others:
        return f"{number}, otherwise: {', '.join(others)}"
    return number if canonical(json.loads(asked)) == canonical(json.loads(read)) else f"{number}, in another period"


def _title(widget: Mapping[str, Any]) -> str:
    return str(widget.get("properties", {}).get("title") or widget.get("type"))


def _read_query(account: Account, name: str, asked: Properties) -> Properties:
    listed = account.read("logs", "describe_query_definitions", queryDefinitionNamePrefix=asked["Name"])
    found = next((query for query in listed["queryDefinitions"] if query["queryDefinitionId"] == name), None)
    if found is None:
        raise LookupError(f"no query {asked['Name']} with the id {name}")
    return {
        "Name": found["name"],
        "QueryString": found["queryString"],
        "LogGroupNames": found.get("logGroupNames", []),
        "QueryLanguage": found.get("queryLanguage", "CWLI"),
    }


OPERATING_READERS: Mapping[str, Reader] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Reader(
        _read_target, _asked_target, silent={"RoleARN": "Application Auto Scaling uses its service-linked role"}
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Reader(_read_policy, _asked_policy),
    "AWS::CloudWatch::AlarmMuteRule": Reader(_read_mute_rule),
    "AWS::CloudWatch::Dashboard": Reader(_read_dashboard, _asked_dashboard),
    "AWS::Logs::QueryDefinition": Reader(_read_query),
}
