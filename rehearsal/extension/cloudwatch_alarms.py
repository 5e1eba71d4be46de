"""Alarms on metric math and on PromQL: the emulator has those on one metric only.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html for what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import REFUSED, Private, Properties, cloudwatch, provisioners
from rehearsal.monitoring.metric_math import is_returned
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOUCHES = (
    Private("services.cloudformation.provisioners", "_cw_metric_alarm_record", ("name", "props")),
    Private("services.cloudwatch", "_alarms"),
    Private("services.cloudwatch", "_error", ("code", "message", "status", "use_json", "use_cbor")),
    Private("services.cloudwatch", "_put_metric_alarm", ("params", "cbor_data", "is_cbor", "is_json")),
)

MAX_METRICS = 10
MAX_QUERY_CHARACTERS, MAX_DURATION_SECONDS, MAX_INTERVAL_SECONDS = 10_000, 86_400, 3_600
SHORT_INTERVALS_SECONDS = (10, 20, 30)
SINGLE = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
STATIC = ("Threshold", "ComparisonOperator", "ThresholdMetricId", "EvaluationPeriods", "DatapointsToAlarm")
ADDED = ("Metrics", "EvaluationCriteria", "EvaluationInterval")
PLACEHOLDER = {"MetricName": "x", "Namespace": "x", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0}


def fault(properties: Properties) -> str | None:
    """Why CloudWatch refuses an alarm, or None.

    Args:
        properties: Its properties, as `PutMetricAlarm` and templates have them.
    """
    kinds = [name for name in ("MetricName", "Metrics", "EvaluationCriteria") if properties.get(name)]
    if len(kinds) != 1:
        return refusal(
            got=f"{', '.join(kinds) or 'none of them'}",
            allowed="an alarm has exactly one of MetricName, Metrics and EvaluationCriteria",
            fix="Set one of them",
        )
    [kind] = kinds
    excluded = {"MetricName": (), "Metrics": SINGLE, "EvaluationCriteria": (*SINGLE, *STATIC)}[kind]
    if found := [name for name in excluded if properties.get(name) not in (None, [], "")]:
        return refusal(got=f"{kind} with {', '.join(found)}", allowed=f"{kind} excludes them", fix="Leave them out")
    if kind == "Metrics":
        return _math_fault(properties["Metrics"])
    return _query_fault(properties) if kind == "EvaluationCriteria" else None


def _math_fault(metrics: Sequence[Mapping[str, Any]]) -> str | None:
    """Why CloudWatch refuses the queries of an alarm, or None."""
    ids = [query["Id"] for query in metrics]
    returned = [query["Id"] for query in metrics if is_returned(query)]
    read = [query for query in metrics if "MetricStat" in query]
    if len(returned) != 1:
        return refusal(
            got=f"{len(returned)} queries with ReturnData",
            allowed="an alarm watches exactly one",
            fix="Set ReturnData to true for one query, and to false for the others",
        )
    if len(set(ids)) != len(ids):
        return refusal(got=f"ids {', '.join(ids)}", allowed="an id names one query", fix="Give each query its own id")
    if len(read) > MAX_METRICS:
        return refusal(
            got=f"{len(read)} metrics",
            allowed=f"an alarm takes at most {MAX_METRICS}",
            fix="Split the alarm",
        )
    if faulty := [query["Id"] for query in metrics if ("MetricStat" in query) == ("Expression" in query)]:
        return refusal(
            got=f"query {faulty[0]} with both or none of MetricStat and Expression",
            allowed="a query has one of them",
            fix="Set one of them",
        )
    periods = sorted({int(query["MetricStat"]["Period"]) for query in read})
    if len(periods) > 1:
        return refusal(
            got=f"periods of {periods} seconds", allowed="all metrics of an alarm have one", fix="Use one period"
        )
    return None


def _query_fault(properties: Properties) -> str | None:
    criteria = properties["EvaluationCriteria"].get("PromQLCriteria") or {}
    query, interval = str(criteria.get("Query") or ""), int(properties.get("EvaluationInterval") or 0)
    if not 0 < len(query) <= MAX_QUERY_CHARACTERS:
        return refusal(
            got=f"a query of {len(query)} characters",
            allowed=f"it must have 1 to {MAX_QUERY_CHARACTERS}",
            fix="Change EvaluationCriteria.PromQLCriteria.Query",
        )
    if interval not in SHORT_INTERVALS_SECONDS and (interval % 60 or not 0 < interval <= MAX_INTERVAL_SECONDS):
        return refusal(
            got=f"EvaluationInterval={interval}",
            allowed=f"it must be 10, 20, 30 or a multiple of 60 up to {MAX_INTERVAL_SECONDS}",
            fix="Change EvaluationInterval",
        )
    for name in ("PendingPeriod", "RecoveryPeriod"):
        if not 0 <= int(criteria.get(name) or 0) <= MAX_DURATION_SECONDS:
            return refusal(
                got=f"{name}={criteria[name]}",
                allowed=f"it must be 0 to {MAX_DURATION_SECONDS} seconds",
                fix=f"Change {name}",
            )
    return None


def _complete(alarm: dict[str, Any], properties: Properties) -> dict[str, Any]:
    """The emulator's record of an alarm with what it leaves out of it, and without its defaults for one metric."""
    given = {name: properties[name] for name in ADDED if properties.get(name)}
    if not given:
        return alarm
    excluded = SINGLE if "Metrics" in given else (*SINGLE, *STATIC, "TreatMissingData")
    for name in excluded:
        alarm.pop(name, None)
    return {**alarm, **_numbers(given)}


def _numbers(value: Any, name: str = "") -> Any:
    """The value with numbers and booleans that a template may have as text."""
    if isinstance(value, dict):
        return {key: _numbers(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item, name) for item in value]
    if name in {"Period", "EvaluationInterval", "PendingPeriod", "RecoveryPeriod"}:
        return int(value)
    return str(value).lower() == "true" if name == "ReturnData" else value


def _recording(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def record(name: str, props: Properties) -> dict[str, Any]:
        if reason := fault(props):
            raise ValueError(f"alarm {name}: {reason}")
        if props.get("MetricName"):
            return stock(name, props)
        known = {key: value for key, value in props.items() if key not in ADDED}
        return _complete(stock(name, {**PLACEHOLDER, **known}), props)

    return record


def _putting(stock: Callable[..., Any]) -> Callable[..., Any]:
    def put_metric_alarm(params: Any, data: Any, is_cbor: Any, is_json: Any = False) -> Any:  # noqa: FBT002 - stock's
        if not is_json:
            return stock(params, data, is_cbor, is_json)
        if reason := fault(data):
            return cloudwatch._error("ValidationError", reason, REFUSED, use_json=True)
        response = stock(params, data, is_cbor, is_json)
        if response[0] < REFUSED:
            name = data["AlarmName"]
            cloudwatch._alarms[name] = _complete(cloudwatch._alarms[name], data)
        return response

    return put_metric_alarm


def install() -> None:
    """Take all kinds of alarms from templates and from the API, and refuse what CloudWatch refuses."""
    provisioners._cw_metric_alarm_record = _recording(provisioners._cw_metric_alarm_record)
    cloudwatch._put_metric_alarm = _putting(cloudwatch._put_metric_alarm)
