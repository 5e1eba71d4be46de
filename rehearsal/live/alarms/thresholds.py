"""The state of an alarm with a threshold: on one metric, or on metric math.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, cloudwatch
from rehearsal.monitoring.metric_math import Calculation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.monitoring.metric_math import Series

TOUCHES = (
    Private("services.cloudwatch", "_metrics"),
    Private("services.cloudwatch", "_calc_stats", ("points",)),
    Private("services.cloudwatch", "_dims_from_list", ("dimensions",)),
    Private("services.cloudwatch", "_dims_key", ("dims",)),
    Private("services.cloudwatch", "_stat_value", ("stats", "stat_name", "points")),
)

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
DEFAULT_PERIOD = 60


def state_of(alarm: Mapping[str, Any], now: float) -> tuple[str, str]:
    """The state of an alarm, and why.

    Args:
        alarm: The alarm, as the emulator has it.
        now: The moment.

    Raises:
        MathError: If its metric math is not understood.
    """
    periods = int(alarm.get("EvaluationPeriods", 1))
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    threshold, compare = float(alarm.get("Threshold", 0)), COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    values = _values(alarm, now, periods)
    if compare is None:
        return str(alarm["StateValue"]), ""
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


def _values(alarm: Mapping[str, Any], now: float, periods: int) -> Series:
    """The datapoints that an alarm evaluates, the last one first."""
    if alarm.get("MetricName"):
        stat = {
            "Metric": {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")},
            "Period": alarm.get("Period", DEFAULT_PERIOD),
            "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average"),
            "Unit": alarm.get("Unit"),
        }
        return _read(stat, now, periods)
    queries = alarm["Metrics"]
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    period = float(stats[0]["Period"]) if stats else DEFAULT_PERIOD
    return Calculation(queries, lambda stat: _read(stat, now, periods), period).result()


def _read(stat: Mapping[str, Any], now: float, periods: int) -> Series:
    """The statistic of a metric for each period, counted from now back; None for one without datapoints."""
    metric = stat["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    unit = stat.get("Unit")
    stored = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or ()
    points = [point for point in stored if not unit or point["Unit"] == unit]
    period = float(stat.get("Period") or DEFAULT_PERIOD)
    return tuple(
        _of_period(points, str(stat["Stat"]), now - number * period, period, number) for number in range(periods)
    )


def _of_period(points: list[Any], statistic: str, end: float, period: float, number: int) -> float | None:
    # The first period reaches into the future: the clock of who measured may be ahead.
    within = [p for p in points if end - period < p["Timestamp"] and (number == 0 or p["Timestamp"] <= end)]
    if not within:
        return None
    value = cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within)
    return None if value is None else float(value)
