"""The options of metrics, and what metrics of all kinds of cache share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from aws_cdk import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "AWS/ElastiCache"
MINUTE = 1
"""How often the service publishes, in minutes."""


class MetricOptions(TypedDict, total=False):
    """The CDK's options of a metric, as the ``metric`` methods of its own constructs take them.

    See https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_cloudwatch/MetricOptions.html
    """

    account: str | None
    color: str | None
    dimensions_map: Mapping[str, str] | None
    id: str | None
    label: str | None
    period: Duration | None
    region: str | None
    stack_account: str | None
    stack_region: str | None
    statistic: str | None
    unit: cloudwatch.Unit | None
    visible: bool | None


def given(options: MetricOptions) -> dict[str, Any]:
    """Options without those that are ``None``, as the CDK takes them."""
    return {name: value for name, value in options.items() if value is not None}


@cache
def period_of(minutes: int) -> Duration:
    """A period. One object serves all metrics, since the CDK makes each in another process."""
    return Duration.minutes(minutes)
