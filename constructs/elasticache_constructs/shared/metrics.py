"""CloudWatch metrics of cache nodes.

The service publishes them under node ids and nothing else, so a metric of "the group" is one over its nodes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMESPACE = "AWS/ElastiCache"
_MINUTE = 1


class NodeMetrics:
    """Metrics of a cache, of one node or over all of them.

    Each named method takes ``node_id``, one of ``node_ids``; without it the metric is a math expression over all nodes
    with the statistic in the method's name. An alarm takes an expression over ten nodes at most.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
    """

    @property
    @abstractmethod
    def node_ids(self) -> Sequence[str]:
        """The ids that the metrics are published under."""

    @abstractmethod
    def _dimensions(self, node_id: str) -> dict[str, str]: ...

    def metric(
        self, metric_name: str, *, node_id: str, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Any metric of one node.

        Args:
            metric_name: As the service names it, ``NewConnections`` say.
            node_id: One of ``node_ids``.
            statistic: A CloudWatch statistic. Default: ``Average``.
            period: Default: one minute, which is how often the service publishes.
        """
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=metric_name,
            dimensions_map=self._dimensions(node_id),
            statistic=statistic,
            period=period or Duration.minutes(_MINUTE),
        )

    def metric_cpu_max_percent(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """CPU of the whole host, background work included; the busiest node."""
        return self._over_nodes("CPUUtilization", "Maximum", node_id)

    def metric_freeable_memory_min_bytes(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Memory that the host has left; the node with the least."""
        return self._over_nodes("FreeableMemory", "Minimum", node_id)

    def metric_swap_usage_max_bytes(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Swap in use; the node with the most."""
        return self._over_nodes("SwapUsage", "Maximum", node_id)

    def metric_current_connections_max_count(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Client connections; the node with the most, of 65,000."""
        return self._over_nodes("CurrConnections", "Maximum", node_id)

    def metric_evictions_sum_count(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Items evicted for want of memory, over all nodes."""
        return self._over_nodes("Evictions", "Sum", node_id)

    def _over_nodes(self, metric_name: str, statistic: str, node_id: str | None) -> cloudwatch.IMetric:
        node_ids = self.node_ids if node_id is None else [node_id]
        metrics = [self.metric(metric_name, node_id=each, statistic=statistic) for each in node_ids]
        if len(metrics) == 1:
            return metrics[0]
        function = {"Maximum": "MAX", "Minimum": "MIN", "Sum": "SUM"}[statistic]
        return cloudwatch.MathExpression(
            expression=f"{function}(METRICS())",
            using_metrics={f"node{number}": metric for number, metric in enumerate(metrics, start=1)},
            label=f"{metric_name} ({statistic.lower()} over {len(metrics)} nodes)",
            period=Duration.minutes(_MINUTE),
        )


class ReplicationMetrics(NodeMetrics):
    """The metrics that Redis and Valkey nodes have beside those of every node."""

    def metric_engine_cpu_max_percent(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """CPU of the engine's own thread, the first to saturate on hosts with several cores; the busiest node."""
        return self._over_nodes("EngineCPUUtilization", "Maximum", node_id)

    def metric_database_memory_max_percent(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Memory in use of what the engine may use; the fullest node."""
        return self._over_nodes("DatabaseMemoryUsagePercentage", "Maximum", node_id)

    def metric_replication_lag_max_seconds(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """How far replicas are behind; the slowest."""
        return self._over_nodes("ReplicationLag", "Maximum", node_id)

    def metric_authentication_failures_sum_count(self, node_id: str | None = None) -> cloudwatch.IMetric:
        """Failed logins, over all nodes."""
        return self._over_nodes("AuthenticationFailures", "Sum", node_id)
