"""Metric math: the functions of the alarms, missing datapoints, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.monitoring.metric_math import Calculation, MathError

SERIES = {"m1": (1.0, 2.0, None), "m2": (10.0, None, None), "other": (3.0, 3.0, 3.0)}


def _calculated(expression: str, **more: str) -> Any:
    read: list[dict[str, Any]] = [{"Id": name, "MetricStat": name, "ReturnData": False} for name in SERIES]
    steps = [{"Id": name, "Expression": text, "ReturnData": False} for name, text in more.items()]
    queries = [*read, *steps, {"Id": "result", "Expression": expression}]
    return Calculation(queries, SERIES.__getitem__, 60).result()


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        pytest.param("MAX(METRICS())", (10, 3, 3), id="the highest metric of each period"),
        pytest.param("MIN(METRICS())", (1, 2, 3), id="the lowest, without those that are missing"),
        pytest.param('SUM(METRICS("m"))', (11, 2, None), id="metrics by a part of their ids"),
        pytest.param("MAX([m1, m2])", (10, 2, None), id="a list"),
        pytest.param("AVG([m1, m2])", (5.5, 1, None), id="an average has 0 for what is missing"),
        pytest.param("m1 + m2", (11, 2, None), id="arithmetic has 0 for what is missing, unless all is"),
        pytest.param("100*(m1)/(m1+m2)", (100 / 11, 100, None), id="the hit rate"),
        pytest.param("m1 / (other - 3)", (None, None, None), id="a division by zero has no datapoint"),
        pytest.param("m1 + 5", (6, 7, None), id="a number is not a datapoint"),
        pytest.param("-m1 ^ 2", (-1, -4, None), id="a power"),
        pytest.param("FILL(m2, 7)", (10, 7, 7), id="missing datapoints are filled"),
        pytest.param("IF(m1 > 1 AND other == 3, other)", (None, 3, None), id="a condition"),
        pytest.param("IF(m1 > 1, 0, m1)", (1, 0, None), id="a condition with both branches"),
        pytest.param("MAX(m1) * other", (6, 6, 6), id="a number of one series"),
        pytest.param("other / PERIOD(m1) * METRIC_COUNT(METRICS())", (0.15, 0.15, 0.15), id="numbers"),
        pytest.param("SUM(100 * METRICS())", (1400, 500, 300), id="a list times a number"),
        pytest.param("ABS(CEIL(m1 / -2))", (0, 1, None), id="functions of each datapoint"),
    ],
)
def test_expressions(expression: str, result: tuple[float | None, ...]) -> None:
    """Each period has its datapoint, or none."""
    assert _calculated(expression) == pytest.approx(result)


def test_an_expression_uses_another() -> None:
    """An id stands for the result of its expression, which METRICS() does not include."""
    assert _calculated("twice + m1", twice="2 * other") == (7, 8, 6)
    assert _calculated("MAX(METRICS())", twice="20 * other") == (10, 3, 3)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("MAX(METRICS(", "it must be metric math"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", r"ANOMALY_DETECTION_BAND with 2 arguments: understood are ABS, AVG"),
        ("max(METRICS())", "max with 1 arguments"),
        ("m3", "'m3': the queries of the alarm are m1, m2, other, result"),
        ("METRICS()", "result is 3 series: an alarm watches one series"),
        ("MAX(m1)", "result is a number"),
        ("m1.real", "'m1.real'"),
        ("m1 < other < m2", "metric math has numbers"),
        ("__import__('os')", "__import__ with 1 arguments"),
    ],
)
def test_what_is_not_understood_is_refused(expression: str, told: str) -> None:
    """The message names it."""
    with pytest.raises(MathError, match=told):
        _calculated(expression)
