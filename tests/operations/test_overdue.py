"""The function that counts overdue updates runs in the rehearsal, and raises its alarm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from elasticache_constructs.shared.service_updates.find_overdue import METRIC, NAMESPACE
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from tests.operations.conftest import Operator


def test_an_overdue_update_raises_the_alarm(operator: Operator) -> None:
    """As it is deployed: its code in the template, its metric in its log."""
    functions, cloudwatch = operator.account.client("lambda"), operator.account.client("cloudwatch")

    def count() -> int:
        answer = functions.invoke(FunctionName="small-counts", Payload="{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        number: int = json.loads(answer["Payload"].read())
        return number

    def state() -> str:
        found: str = cloudwatch.describe_alarms(AlarmNames=["overdue"])["MetricAlarms"][0]["StateValue"]
        return found

    cloudwatch.put_metric_alarm(
        AlarmName="overdue",
        Namespace=NAMESPACE,
        MetricName=METRIC,
        Dimensions=[{"Name": "FunctionName", "Value": "small-counts"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
    )
    try:
        operator.control("release-service-update", name="soon", apply_by="2099-01-31T00:00:00+00:00")
        assert count() == 0
        operator.control("release-service-update", name="overdue", apply_by="2026-01-31T00:00:00+00:00")
        assert count() == 1
        wait_until(lambda: state() == "ALARM", "the alarm is raised")
    finally:
        for name in ("soon", "overdue"):
            operator.control("hold-service-update", name=name, status="complete")
        cloudwatch.delete_alarms(AlarmNames=["overdue"])
    assert count() == 0
