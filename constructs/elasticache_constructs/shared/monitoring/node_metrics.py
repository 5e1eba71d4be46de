"""CloudWatch metrics of cache nodes.

The service publishes them under node ids and nothing else, so a metric of "the group" is one over its nodes.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Unpack, cast

from aws_cdk import aws_cloudwatch as cloudwatch

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.shared.monitoring.metrics import MINUTE, NAMESPACE, MetricOptions, given, period_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constructs import IConstruct

_CREDIT_MINUTES = 5
_ADDRESS_CHARACTERS = 8
_FUNCTIONS = {"Maximum": "MAX", "Minimum": "MIN", "Sum": "SUM"}
_WORDS = {"MAX": "maximum", "MIN": "minimum", "SUM": "sum"}


class NodeMetrics:
    """Metrics of a cache, of one node or over all of them.

    Each named method takes ``node_id``, one of ``node_ids``; without it the metric is a math expression over all nodes
    with the statistic in the method's name. An alarm takes an expression over at most ten metrics.

    Each method takes the CDK's options of a metric, ``period`` or ``label`` for example. Over all nodes, ``label`` and
    ``color`` are those of the expression, and ``statistic`` is that of each node: ``metric_cpu_max_percent(
    statistic="Average")`` is the node with the highest average.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
    """

    _address: str | None = None

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
        chosen: dict[str, Any] = {"statistic": "Average", "period": period_of(MINUTE)} | given(options)
        dimensions = self._dimensions(node_id) | chosen.pop("dimensions_map", {})
        return cloudwatch.Metric(namespace=NAMESPACE, metric_name=metric_name, dimensions_map=dimensions, **chosen)

    def metric_cpu_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """CPU of the whole host, background work included; the busiest node."""
        return self._over_nodes("CPUUtilization", "Maximum", node_id, options)

    def metric_cpu_credit_balance_min_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """CPU credits that burstable node types have left, every five minutes; the node with the fewest."""
        return self._over_nodes("CPUCreditBalance", "Minimum", node_id, options, minutes=_CREDIT_MINUTES)

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

    def metric_new_connections_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Connections accepted, over all nodes."""
        return self._over_nodes("NewConnections", "Sum", node_id, options)

    def metric_current_items_max_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Items; the node with the most."""
        return self._over_nodes("CurrItems", "Maximum", node_id, options)

    def metric_evictions_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Items evicted for want of memory, over all nodes."""
        return self._over_nodes("Evictions", "Sum", node_id, options)

    def metric_reclaimed_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Items that expired, over all nodes."""
        return self._over_nodes("Reclaimed", "Sum", node_id, options)

    def metric_network_in_sum_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Bytes that the hosts read from the network, over all nodes."""
        return self._over_nodes("NetworkBytesIn", "Sum", node_id, options)

    def metric_network_out_sum_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Bytes that the hosts sent to the network, over all nodes."""
        return self._over_nodes("NetworkBytesOut", "Sum", node_id, options)

    def metric_network_baseline_in_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Inbound bandwidth in use of the node type's baseline, above 100 on credit; the busiest node."""
        return self._over_nodes("NetworkBaselineUsageInPercentage", "Maximum", node_id, options)

    def metric_network_baseline_out_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Outbound bandwidth in use of the node type's baseline, above 100 on credit; the busiest node."""
        return self._over_nodes("NetworkBaselineUsageOutPercentage", "Maximum", node_id, options)

    def metric_bandwidth_in_exceeded_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Packets queued or dropped because inbound bandwidth exceeded the allowance, over all nodes."""
        return self._over_nodes("NetworkBandwidthInAllowanceExceeded", "Sum", node_id, options)

    def metric_bandwidth_out_exceeded_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Packets queued or dropped because outbound bandwidth exceeded the allowance, over all nodes."""
        return self._over_nodes("NetworkBandwidthOutAllowanceExceeded", "Sum", node_id, options)

    def metric_conntrack_exceeded_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Packets dropped because the host tracks no more connections, over all nodes."""
        return self._over_nodes("NetworkConntrackAllowanceExceeded", "Sum", node_id, options)

    def metric_packets_per_second_exceeded_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Packets queued or dropped because their number exceeded the allowance, over all nodes."""
        return self._over_nodes("NetworkPacketsPerSecondAllowanceExceeded", "Sum", node_id, options)

    def _over_nodes(
        self, metric_name: str, statistic: str, node_id: str | None, options: MetricOptions, *, minutes: int = MINUTE
    ) -> cloudwatch.IMetric:
        node_ids = self.node_ids if node_id is None else [node_id]
        chosen: dict[str, Any] = {"statistic": statistic, "period": period_of(minutes)} | given(options)
        if len(node_ids) == 1:
            return self.metric(metric_name, node_id=node_ids[0], **chosen)
        _refuse_options_of_one(chosen, metric_name, len(node_ids))
        function = _FUNCTIONS.get(statistic, "MAX")
        label = chosen.pop("label", f"{metric_name} ({_WORDS[function]} over {len(node_ids)} nodes)")
        color = chosen.pop("color", None)
        using = {
            self._id_in_graphs(f"{metric_name}_{chosen['statistic']}", number): self.metric(
                metric_name, node_id=each, **chosen
            )
            for number, each in enumerate(node_ids, start=1)
        }
        return cloudwatch.MathExpression(
            # Not METRICS(), which in a graph is all of its metrics.
            expression=f"{function}([{','.join(using)}])",
            using_metrics=using,
            label=label,
            color=color,
            period=chosen["period"],
        )

    def _id_in_graphs(self, name: str, number: int) -> str:
        """The id of a node's metric in an expression: a graph may have expressions of several metrics and caches."""
        if self._address is None:
            # It is mixed into the constructs of caches.
            self._address = cast("IConstruct", self).node.addr[-_ADDRESS_CHARACTERS:]
        return f"{re.sub(r'[^a-z0-9_]', '', name.lower())}_{self._address}_{number}"

    def _hit_rate(
        self, hits: str, misses: str, node_id: str | None, options: MetricOptions
    ) -> cloudwatch.MathExpression:
        """Hits of a hundred reads: the sums over the nodes, since a replica without reads has no rate."""
        node_ids = self.node_ids if node_id is None else [node_id]
        chosen: dict[str, Any] = {"statistic": "Sum", "period": period_of(MINUTE)} | given(options)
        _refuse_options_of_one(chosen, "the hit rate", len(node_ids))
        label, color = chosen.pop("label", "Hit rate (percent)"), chosen.pop("color", None)
        hit, missed = (
            {
                self._id_in_graphs(metric_name, number): self.metric(metric_name, node_id=each, **chosen)
                for number, each in enumerate(node_ids, start=1)
            }
            for metric_name in (hits, misses)
        )
        return cloudwatch.MathExpression(
            expression=hit_rate_expression(hit, missed),
            using_metrics=hit | missed,
            label=label,
            color=color,
            period=chosen["period"],
        )


def hit_rate_expression(hits: Iterable[str], misses: Iterable[str]) -> str:
    """The hit rate of nodes whose hits and misses have these ids."""
    hit, missed = "+".join(hits), "+".join(misses)
    return f"100*({hit})/({hit}+{missed})"


def _refuse_options_of_one(chosen: dict[str, Any], metric_name: str, nodes: int) -> None:
    for name in chosen.keys() & {"id", "visible"}:
        raise ConfigurationError(
            got=f"{name}={chosen[name]!r} for {metric_name} over {nodes} nodes",
            allowed="an expression over several nodes has no such option",
            fix="Leave it out, or name a node_id",
        )


class ReplicationMetrics(NodeMetrics):
    """The metrics that only Redis and Valkey nodes have."""

    def metric_cache_hit_rate_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found their key, of a hundred, over all nodes."""
        return self._hit_rate("CacheHits", "CacheMisses", node_id, options)

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

    def metric_evictable_memory_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory in use without overhead and clients' buffers, which decides about evictions; the fullest node."""
        return self._over_nodes("DatabaseMemoryUsageCountedForEvictPercentage", "Maximum", node_id, options)

    def metric_database_capacity_max_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory and SSD in use of what the engine may use; the fullest node. SSD counts with data tiering only."""
        return self._over_nodes("DatabaseCapacityUsagePercentage", "Maximum", node_id, options)

    def metric_bytes_used_for_cache_max_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory that the engine has allocated, for data and buffers; the fullest node."""
        return self._over_nodes("BytesUsedForCache", "Maximum", node_id, options)

    def metric_memory_fragmentation_max_ratio(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory that the process holds for each byte in use; the most fragmented node."""
        return self._over_nodes("MemoryFragmentationRatio", "Maximum", node_id, options)

    def metric_cache_hits_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found their key, over all nodes."""
        return self._over_nodes("CacheHits", "Sum", node_id, options)

    def metric_cache_misses_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found nothing, over all nodes."""
        return self._over_nodes("CacheMisses", "Sum", node_id, options)

    def metric_read_latency_p99_microseconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Time that the engine takes to answer reads, 99 % of them; the slowest node."""
        return self._over_nodes("SuccessfulReadRequestLatency", "p99", node_id, options)

    def metric_write_latency_p99_microseconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Time that the engine takes to answer writes, 99 % of them; the slowest node."""
        return self._over_nodes("SuccessfulWriteRequestLatency", "p99", node_id, options)

    def metric_read_commands_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands that only read, over all nodes."""
        return self._over_nodes("GetTypeCmds", "Sum", node_id, options)

    def metric_write_commands_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands that write, over all nodes."""
        return self._over_nodes("SetTypeCmds", "Sum", node_id, options)

    def metric_errors_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands that failed, over all nodes."""
        return self._over_nodes("ErrorCount", "Sum", node_id, options)

    def metric_replication_lag_max_seconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """How far replicas are behind; the slowest."""
        return self._over_nodes("ReplicationLag", "Maximum", node_id, options)

    def metric_global_replication_lag_max_seconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """How far a secondary Region of a global datastore is behind; the slowest shard."""
        return self._over_nodes("GlobalDatastoreReplicationLag", "Maximum", node_id, options)

    def metric_save_in_progress_max_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """1 while a node saves its data for a snapshot or a new replica."""
        return self._over_nodes("SaveInProgress", "Maximum", node_id, options)

    def metric_traffic_management_max_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """1 while a node holds back commands that it cannot process."""
        return self._over_nodes("TrafficManagementActive", "Maximum", node_id, options)

    def metric_rejected_connections_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Connections refused because a node has no more, over all nodes."""
        return self._over_nodes("RejectedConnections", "Sum", node_id, options)

    def metric_blocked_connections_max_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Clients that wait in a blocking command; the node with the most."""
        return self._over_nodes("BlockedConnections", "Maximum", node_id, options)

    def metric_authentication_failures_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Failed logins, over all nodes."""
        return self._over_nodes("AuthenticationFailures", "Sum", node_id, options)

    def metric_command_failures_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands refused because their user may not run them, over all nodes."""
        return self._over_nodes("CommandAuthorizationFailures", "Sum", node_id, options)

    def metric_key_failures_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands refused because their user may not use a key, over all nodes."""
        return self._over_nodes("KeyAuthorizationFailures", "Sum", node_id, options)

    def metric_channel_failures_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Commands refused because their user may not use a channel, over all nodes."""
        return self._over_nodes("ChannelAuthorizationFailures", "Sum", node_id, options)

    def metric_iam_expirations_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Connections closed 12 hours after an IAM login that was not renewed, over all nodes."""
        return self._over_nodes("IamAuthenticationExpirations", "Sum", node_id, options)

    def metric_iam_throttling_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """IAM logins that the service throttled, over all nodes."""
        return self._over_nodes("IamAuthenticationThrottling", "Sum", node_id, options)

    def metric_durability_lag_max_milliseconds(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Age of the oldest write that is not durable yet, on groups with durability; at 10,000 writes are refused."""
        return self._over_nodes("DurabilityLag", "Maximum", node_id, options)

    def metric_durability_refusals_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Writes refused because the durability lag reached its limit, over all nodes."""
        return self._over_nodes("DurabilityBufferExceededErrorCount", "Sum", node_id, options)


class MemcachedMetrics(NodeMetrics):
    """The metrics that only Memcached nodes have."""

    def metric_get_hit_rate_percent(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found something, of a hundred, over all nodes."""
        return self._hit_rate("GetHits", "GetMisses", node_id, options)

    def metric_get_hits_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found something, over all nodes."""
        return self._over_nodes("GetHits", "Sum", node_id, options)

    def metric_get_misses_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Reads that found nothing, over all nodes."""
        return self._over_nodes("GetMisses", "Sum", node_id, options)

    def metric_get_commands_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Get commands, over all nodes."""
        return self._over_nodes("CmdGet", "Sum", node_id, options)

    def metric_set_commands_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Set commands, over all nodes."""
        return self._over_nodes("CmdSet", "Sum", node_id, options)

    def metric_bytes_used_for_items_max_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory that items take; the fullest node."""
        return self._over_nodes("BytesUsedForCacheItems", "Maximum", node_id, options)

    def metric_unused_memory_min_bytes(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Memory that is free for items; the fullest node."""
        return self._over_nodes("UnusedMemory", "Minimum", node_id, options)

    def metric_evicted_unfetched_sum_count(
        self, node_id: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.IMetric:
        """Items evicted that were never read, over all nodes."""
        return self._over_nodes("EvictedUnfetched", "Sum", node_id, options)
