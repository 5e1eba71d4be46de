"""Alarms, judged by the datapoints of their own metrics whenever one arrives, and what they notify.

The emulator compares an alarm with the metrics of all dimensions, and only when PutMetricData is called. Here the
metrics of functions and those in their logs count too, metric math and PromQL are evaluated, and mute rules are obeyed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rehearsal.extension import mute_rules
from rehearsal.extension.seam import Private, cloudwatch, responses
from rehearsal.live import deliveries
from rehearsal.live.alarms import thresholds
from rehearsal.live.alarms.thresholds import state_of
from rehearsal.live.service_principals import Source
from rehearsal.monitoring.contributors import Criteria, alarming
from rehearsal.monitoring.metric_math import MathError
from rehearsal.monitoring.mute_windows import is_active
from rehearsal.monitoring.promql import QueryError
from rehearsal.monitoring.series import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.run import Run

TOUCHES = (
    *thresholds.TOUCHES,
    Private("services.cloudwatch", "_alarms"),
    Private("services.cloudwatch", "_composite_alarms"),
    Private("services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")),
    Private("services.cloudwatch", "_evaluate_alarm", ("alarm",)),
    Private("services.cloudwatch", "_evaluate_parent_alarms", ("child", "seen")),
    Private(
        "services.cloudwatch", "_record_history",
        ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    ),
    Private(
        "services.cloudwatch", "_store_datum",
        ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
    ),
)  # fmt: skip

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
    """Judge all alarms of the account, and do what is no longer muted."""
    for alarm in list(cloudwatch._alarms.values()):
        try:
            judge(alarm)
        except (MathError, QueryError) as fault:  # CloudWatch keeps such an alarm, and says so
            alarm.update(EvaluationState="EVALUATION_ERROR", StateReason=str(fault))
    MUTED.release()


def judge(alarm: dict[str, Any]) -> None:
    """Judge one alarm, and notify its topics if its state changes.

    Args:
        alarm: The alarm, as the emulator has it.

    Raises:
        MathError: If its metric math is not understood.
        QueryError: If its query is not understood.
    """
    now = time.time()
    state, reason = _of_query(alarm, now) if alarm.get("EvaluationCriteria") else state_of(alarm, now)
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _of_query(alarm: Mapping[str, Any], now: float) -> tuple[str, str]:
    """The state of a PromQL alarm, and why: the contributors that breach, with their attributes."""
    found = alarming(Criteria.of(alarm), STORE.by_name, now)
    if not found:
        return "OK", "no contributor is in ALARM"
    return "ALARM", f"{len(found)} contributors are in ALARM: {json.dumps(found)}"


def is_muted(alarm: str, at: float) -> bool:
    """Whether a rule mutes an alarm at a moment.

    Args:
        alarm: Name of the alarm.
        at: The moment, in seconds since 1970.
    """
    targeting = [
        rule for rule in mute_rules.RULES.values() if alarm in (rule.get("MuteTargets") or {}).get("AlarmNames", ())
    ]
    return any(is_active(rule, datetime.fromtimestamp(at, UTC)) for rule in targeting)


@dataclass
class Muted:
    """The actions that mute rules hold back.

    Attributes:
        clock: The time at which mute rules are judged.
    """

    clock: Callable[[], float] = time.time
    _held: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget what is held back, and follow the real time."""
        self.clock = time.time
        self._held.clear()

    def holds(self, name: str, before: str, state: str, reason: str) -> bool:
        """Whether the actions of an alarm are muted; then they are held back.

        Args:
            name: Name of the alarm.
            before: Its state before.
            state: Its state now.
            reason: Why.
        """
        self._held.pop(name, None)
        if not is_muted(name, self.clock()):
            return False
        self._held[name] = (before, state, reason)
        return True

    def release(self) -> None:
        """Do what was held back, where the alarm is no longer muted and still in the state."""
        for name, (before, state, reason) in tuple(self._held.items()):
            alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
            if alarm is None or alarm["StateValue"] != state:
                del self._held[name]
            elif not is_muted(name, self.clock()):
                cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)


MUTED = Muted()
STORE = Store()


def _notifying(run: Run) -> Callable[[Mapping[str, Any], str, str, str], None]:
    def dispatch(alarm: Mapping[str, Any], before: str, state: str, reason: str) -> None:
        if not alarm.get("ActionsEnabled", True) or MUTED.holds(alarm["AlarmName"], before, state, reason):
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
                **({"AlarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else {"Trigger": _trigger(alarm)}),
            }
        )
        subject = f'{state}: "{alarm["AlarmName"]}" in {responses.get_region()}'[:MAX_SUBJECT]
        for action in alarm.get(ACTIONS[state]) or ():
            if action.split(":")[2:3] == ["sns"]:
                deliveries.publish(run, action, message, subject, source)

    return dispatch


def _trigger(alarm: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        *("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Unit", "Dimensions", "Period", "Metrics"),
        *("EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold", "TreatMissingData"),
        *("EvaluationCriteria", "EvaluationInterval"),
    )
    return {name: alarm[name] for name in names if name in alarm}


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


def let_pass(seconds: float) -> None:
    """Let all metrics be older, as if that time had passed; alarms are not judged.

    Args:
        seconds: How much time.
    """
    for points in cloudwatch._metrics.values():
        for point in points:
            point["Timestamp"] -= seconds
    STORE.age(seconds)


def _pass_time(run: Run) -> Callable[..., Mapping[str, Any]]:
    def pass_time(seconds: float) -> Mapping[str, Any]:
        with run.in_account():
            let_pass(seconds)
            judge_all()
        return {}

    return pass_time


def _set_clock(run: Run) -> Callable[..., Mapping[str, Any]]:
    def mute_rules_at(at: float | None = None) -> Mapping[str, Any]:
        MUTED.clock = time.time if at is None else lambda: at
        with run.in_account():
            judge_all()
        return {}

    return mute_rules_at


def install(run: Run) -> None:
    """Judge alarms when metrics arrive, and add commands that let metrics arrive and time pass."""
    STORE.clear()
    MUTED.reset()
    cloudwatch._evaluate_alarm = judge
    cloudwatch._dispatch_alarm_actions = _notifying(run)
    cloudwatch.record_metric = _recording(cloudwatch.record_metric)
    run.control.register("put-metric", _put(run))
    run.control.register("pass-time", _pass_time(run))
    run.control.register("mute-rules-at", _set_clock(run))
