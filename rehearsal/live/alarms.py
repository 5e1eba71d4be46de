"""Alarms, judged by the datapoints of their own metric whenever one arrives, and what they notify.

The emulator compares an alarm with the metrics of all dimensions, and only when PutMetricData is called. Here the
metrics of functions and those in their logs count too. An alarm on metric math is not judged.
See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.
"""

from __future__ import annotations

import importlib
import json
import operator
import time
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, responses
from rehearsal.live import deliveries
from rehearsal.live.service_principals import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.run import Run

cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")

TOUCHES = (
    Private("services.cloudwatch", "_alarms"),
    Private("services.cloudwatch", "_metrics"),
    Private("services.cloudwatch", "_calc_stats", ("points",)),
    Private("services.cloudwatch", "_dims_from_list", ("dimensions",)),
    Private("services.cloudwatch", "_dims_key", ("dims",)),
    Private("services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")),
    Private("services.cloudwatch", "_evaluate_alarm", ("alarm",)),
    Private("services.cloudwatch", "_evaluate_parent_alarms", ("child", "seen")),
    Private(
        "services.cloudwatch", "_record_history",
        ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    ),
    Private("services.cloudwatch", "_stat_value", ("stats", "stat_name", "points")),
    Private(
        "services.cloudwatch", "_store_datum",
        ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
    ),
)  # fmt: skip

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
MAX_SUBJECT = 100  # characters


def store(
    namespace: str,
    name: str,
    values: tuple[float, ...],
    *,
    unit: str = "None",
    dimensions: Mapping[str, str] | None = None,
    at: float | None = None,
) -> None:
    """Store a metric's values.

    Args:
        namespace: Namespace of the metric.
        name: Name of the metric.
        values: Its values.
        unit: Its unit.
        dimensions: Its dimensions. Default: none.
        at: When it was measured, in seconds since 1970. Default: now.
    """
    moment = time.time() if at is None else at
    cloudwatch._store_datum(namespace, name, dict(dimensions or {}), moment, unit, None, values, None, None)


def record(namespace: str, name: str, values: tuple[float, ...], **more: Any) -> None:
    """Store a metric's values and judge all alarms.

    Args:
        namespace: Namespace of the metric.
        name: Name of the metric.
        values: Its values.
        more: See `store`.
    """
    store(namespace, name, values, **more)
    judge_all()


def judge_all() -> None:
    """Judge all alarms of the account."""
    for alarm in list(cloudwatch._alarms.values()):
        judge(alarm)


def judge(alarm: dict[str, Any]) -> None:
    """Judge one alarm, and notify its topics if its state changes.

    Args:
        alarm: The alarm, as the emulator has it.
    """
    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        return
    state, reason = _state(alarm, time.time())
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _state(alarm: Mapping[str, Any], now: float) -> tuple[str, str]:
    """The state of an alarm, and why."""
    periods = int(alarm.get("EvaluationPeriods", 1))
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    threshold, compare = float(alarm.get("Threshold", 0)), COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if compare is None:
        return str(alarm["StateValue"]), ""
    values = [_value(alarm, now, number) for number in range(periods)]
    known = [value for value in values if value is not None]
    treatment = alarm.get("TreatMissingData") or "missing"
    if not known and treatment == "ignore":
        return str(alarm["StateValue"]), ""
    if not known and treatment == "missing":
        return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received"
    missing = periods - len(known) if treatment == "breaching" else 0
    breaching = sum(compare(value, threshold) for value in known) + missing
    rule = f"{alarm['ComparisonOperator']} {threshold}"
    if breaching >= needed:
        return "ALARM", f"Threshold Crossed: {breaching} of {periods} datapoints {known} were {rule}"
    return "OK", f"Threshold Crossed: {breaching} of {periods} datapoints {known} were {rule}; {needed} are needed"


def _value(alarm: Mapping[str, Any], now: float, number: int) -> float | None:
    """The statistic of one period, counted from now back; None without datapoints."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or ()
    period = float(alarm.get("Period", 60))
    end = now - number * period
    # The first period reaches into the future: the clock of who measured may be ahead.
    within = [p for p in points if end - period < p["Timestamp"] and (number == 0 or p["Timestamp"] <= end)]
    unit = alarm.get("Unit")
    within = [p for p in within if not unit or p["Unit"] == unit]
    if not within:
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value = cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within)
    return None if value is None else float(value)


def _notifying(run: Run) -> Callable[[Mapping[str, Any], str, str, str], None]:
    def dispatch(alarm: Mapping[str, Any], before: str, state: str, reason: str) -> None:
        if not alarm.get("ActionsEnabled", True):
            return
        source = Source("cloudwatch.amazonaws.com", alarm["AlarmArn"], responses.get_account_id())
        message = json.dumps(
            {
                "AlarmName": alarm["AlarmName"],
                "AlarmDescription": alarm.get("AlarmDescription", ""),
                "AWSAccountId": responses.get_account_id(),
                "NewStateValue": state,
                "NewStateReason": reason,
                "StateChangeTime": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime()),
                "Region": responses.get_region(),
                "AlarmArn": alarm["AlarmArn"],
                "OldStateValue": before,
                "Trigger": {
                    name: alarm.get(name)
                    for name in (
                        "MetricName", "Namespace", "Statistic", "Unit", "Dimensions", "Period", "EvaluationPeriods",
                        "ComparisonOperator", "Threshold", "TreatMissingData",
                    )
                },
            }
        )  # fmt: skip
        subject = f'{state}: "{alarm["AlarmName"]}" in {responses.get_region()}'[:MAX_SUBJECT]
        for action in alarm.get(ACTIONS[state]) or ():
            if action.split(":")[2:3] == ["sns"]:
                deliveries.publish(run, action, message, subject, source)

    return dispatch


def _recording(stock: Callable[..., None]) -> Callable[..., None]:
    def record_metric(*arguments: Any, **more: Any) -> None:
        stock(*arguments, **more)
        judge_all()

    return record_metric


def _put(run: Run) -> Callable[..., Mapping[str, Any]]:
    def put_metric(
        namespace: str, name: str, value: float, unit: str = "None", dimensions: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        with run.in_account():
            record(namespace, name, (float(value),), unit=unit, dimensions=dimensions)
        return {}

    return put_metric


def install(run: Run) -> None:
    """Judge alarms when metrics arrive, and add the command `put-metric`, also for AWS's own namespaces."""
    cloudwatch._evaluate_alarm = judge
    cloudwatch._dispatch_alarm_actions = _notifying(run)
    cloudwatch.record_metric = _recording(cloudwatch.record_metric)
    run.control.register("put-metric", _put(run))
