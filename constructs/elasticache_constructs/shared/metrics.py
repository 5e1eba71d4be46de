"""CloudWatch metrics of cache nodes.

The service publishes them under node ids and nothing else, so a metric of "the group" is one over its nodes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from elasticache_constructs.checks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAMESPACE = "AWS/ElastiCache"
_MINUTE = 1
_FUNCTIONS = {"Maximum": "MAX", "Minimum": "MIN", "Sum": "SUM"}


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


class NodeMetrics:
    """Metrics of a cache, of one node or over all of them.

    Each named method takes ``node_id``, one of ``node_ids``; without it the metric is a math expression over all nodes
    with the statistic in the method's name. An alarm takes an expression over at most ten nodes.

    Each method takes the CDK's options of a metric, ``period`` or ``label`` for example. Over all nodes, ``label`` and
    ``color`` are those of the expression, and ``statistic`` is that of each node: ``metric_cpu_max_percent(
    statistic="Average")`` is the node with the highest average.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
    """

    @property
    @abstractmethod
    def node_ids(self) -> Sequence[str]:
        """The ids that the metrics are published under."""

    @abstractmethod
    def _dimensions(self, node_id: str) -> dict[str, str]: ...

    def metric(self, metric_name: str, *, node_id: str, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Any metric of one node.

        Args:
            metric_name: The service's name of the metric, for example ``NewConnections``.
            node_id: One of ``node_ids``.
            options: The CDK's options of a metric. ``dimensions_map`` adds to the dimensions of the node. Default: the
                statistic ``Average``, and a period of one minute, which is how often the service publishes.
        """
        given: dict[str, Any] = {"statistic": "Average", "period": Duration.minutes(_MINUTE)} | _given(options)
        dimensions = self._dimensions(node_id) | given.pop("dimensions_map", {})
        return cloudwatch.Metric(namespace=_NAMESPACE, metric_name=metric_name, dimensions_map=dimensions, **given)

    def metric_cpu_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """CPU of the whole host, background work included; the busiest node."""
        return self._over_nodes("CPUUtilization", "Maximum", node_id, options)

    def metric_freeable_memory_min_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory that the host has left; the minimum over the nodes."""
        return self._over_nodes("FreeableMemory", "Minimum", node_id, options)

    def metric_swap_usage_max_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Swap in use; the maximum over the nodes."""
        return self._over_nodes("SwapUsage", "Maximum", node_id, options)

    def metric_current_connections_max_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Client connections; the node with the most, of 65,000."""
        return self._over_nodes("CurrConnections", "Maximum", node_id, options)

    def metric_evictions_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Items evicted for want of memory, over all nodes."""
        return self._over_nodes("Evictions", "Sum", node_id, options)

    def _over_nodes(
        self, metric_name: str, statistic: str, node_id: str | None, options: MetricOptions
    ) -> cloudwatch.IMetric:
        node_ids = self.node_ids if node_id is None else [node_id]
        given: dict[str, Any] = {"statistic": statistic, "period": Duration.minutes(_MINUTE)} | _given(options)
        if len(node_ids) == 1:
            return self.metric(metric_name, node_id=node_ids[0], **given)
        for name in given.keys() & {"id", "visible"}:
            raise ConfigurationError(
                got=f"{name}={given[name]!r} for {metric_name} over {len(node_ids)} nodes",
                allowed="an expression over several nodes has no such option",
                fix="Leave it out, or name a node_id",
            )
        label = given.pop("label", f"{metric_name} ({statistic.lower()} over {len(node_ids)} nodes)")
        color = given.pop("color", None)
        return cloudwatch.MathExpression(
            expression=f"{_FUNCTIONS[statistic]}(METRICS())",
            using_metrics={
                f"node{number}": self.metric(metric_name, node_id=each, **given)
                for number, each in enumerate(node_ids, start=1)
            },
            label=label,
            color=color,
            period=given["period"],
        )


def _given(options: MetricOptions) -> dict[str, Any]:
    """Options without those that are ``None``, as the CDK takes them."""
    return {name: value for name, value in options.items() if value is not None}


class ReplicationMetrics(NodeMetrics):
    """The metrics that only Redis and Valkey nodes have."""

    def metric_engine_cpu_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """CPU of the engine's own thread, the first to saturate on hosts with several cores; the busiest node."""
        return self._over_nodes("EngineCPUUtilization", "Maximum", node_id, options)

    def metric_database_memory_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory in use of what the engine may use; the fullest node."""
        return self._over_nodes("DatabaseMemoryUsagePercentage", "Maximum", node_id, options)

    def metric_replication_lag_max_seconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """How far replicas are behind; the slowest."""
        return self._over_nodes("ReplicationLag", "Maximum", node_id, options)

    def metric_authentication_failures_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Failed logins, over all nodes."""
        return self._over_nodes("AuthenticationFailures", "Sum", node_id, options)
