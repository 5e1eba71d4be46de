"""CloudWatch metrics of serverless caches."""

from __future__ import annotations

from typing import Any, Unpack

from aws_cdk import aws_cloudwatch as cloudwatch

from elasticache_constructs.shared.monitoring.metrics import MINUTE, NAMESPACE, MetricOptions, given, period_of

# Not ServerlessCacheName, which is a parameter of the ElastiCache API: under it CloudWatch has no data. No page of AWS
# names the dimension; three outputs of list-metrics show it: open-constructs/aws-cdk-library PR 68,
# cdklabs/cdk-monitoring-constructs issue 750, grafana/grafana-aws-sdk issue 305.
_DIMENSION = "clusterId"


def serverless_dimensions(serverless_cache_name: str) -> dict[str, str]:
    """The dimensions under which the metrics of a serverless cache are published."""
    return {_DIMENSION: serverless_cache_name}


class ServerlessMetrics:
    """Metrics of a serverless cache, which has no nodes: each is of the whole cache.

    Each method takes the CDK's options of a metric, ``period``, ``statistic`` or ``label`` for example. Default: the
    statistic in the method's name, and a period of one minute.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/serverless-metrics-events-redis.html and
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/serverless-metrics-events.memcached.html
    """

    serverless_cache_name: str

    def metric(self, metric_name: str, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Any metric of the cache.

        Args:
            metric_name: The service's name of the metric, for example ``CurrVolatileItems``.
            options: The CDK's options of a metric. ``dimensions_map`` adds to the dimension of the cache. Default: the
                statistic ``Average``, and a period of one minute, which is how often the service publishes.
        """
        chosen: dict[str, Any] = {"statistic": "Average", "period": period_of(MINUTE)} | given(options)
        dimensions = {**serverless_dimensions(self.serverless_cache_name), **chosen.pop("dimensions_map", {})}
        return cloudwatch.Metric(namespace=NAMESPACE, metric_name=metric_name, dimensions_map=dimensions, **chosen)

    def metric_data_stored_max_bytes(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Data stored."""
        return self._of_cache("BytesUsedForCache", "Maximum", options)

    def metric_processing_units_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """ECPUs consumed, in all of a period."""
        return self._of_cache("ElastiCacheProcessingUnits", "Sum", options)

    def metric_throttled_commands_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Commands throttled, because the limit is reached or the load grew faster than the cache."""
        return self._of_cache("ThrottledCmds", "Sum", options)

    def metric_commands_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Commands executed."""
        return self._of_cache("TotalCmdsCount", "Sum", options)

    def metric_read_latency_p99_microseconds(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Time that 99 % of the reads took at most."""
        return self._of_cache("SuccessfulReadRequestLatency", "p99", options)

    def metric_write_latency_p99_microseconds(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Time that 99 % of the writes took at most."""
        return self._of_cache("SuccessfulWriteRequestLatency", "p99", options)

    def metric_current_connections_max_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Client connections."""
        return self._of_cache("CurrConnections", "Maximum", options)

    def metric_new_connections_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Connections accepted."""
        return self._of_cache("NewConnections", "Sum", options)

    def metric_current_items_max_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Items."""
        return self._of_cache("CurrItems", "Maximum", options)

    def metric_evictions_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Items evicted because the data storage is at its maximum."""
        return self._of_cache("Evictions", "Sum", options)

    def metric_reclaimed_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Items that expired. Memcached only."""
        return self._of_cache("Reclaimed", "Sum", options)

    def metric_network_in_sum_bytes(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Bytes sent to the cache."""
        return self._of_cache("NetworkBytesIn", "Sum", options)

    def metric_network_out_sum_bytes(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Bytes sent by the cache."""
        return self._of_cache("NetworkBytesOut", "Sum", options)

    def metric_cache_hit_rate_percent(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Reads that found their key, of a hundred. Valkey and Redis only."""
        return self._of_cache("CacheHitRate", "Average", options)

    def metric_cache_hits_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Reads that found their key. Valkey and Redis only."""
        return self._of_cache("CacheHits", "Sum", options)

    def metric_authentication_failures_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Failed logins. Valkey and Redis only."""
        return self._of_cache("AuthenticationFailures", "Sum", options)

    def metric_command_failures_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Commands refused because their user may not run them. Valkey and Redis only."""
        return self._of_cache("CommandAuthorizationFailures", "Sum", options)

    def metric_key_failures_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Commands refused because their user may not use a key. Valkey and Redis only."""
        return self._of_cache("KeyAuthorizationFailures", "Sum", options)

    def metric_iam_expirations_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Connections closed 12 hours after an IAM login that was not renewed. Valkey and Redis only."""
        return self._of_cache("IamAuthenticationExpirations", "Sum", options)

    def metric_iam_throttling_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """IAM logins that the service throttled. Valkey and Redis only."""
        return self._of_cache("IamAuthenticationThrottling", "Sum", options)

    def metric_get_hits_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Reads that found something. Memcached only."""
        return self._of_cache("GetHits", "Sum", options)

    def metric_get_misses_sum_count(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Reads that found nothing. Memcached only."""
        return self._of_cache("GetMisses", "Sum", options)

    def _of_cache(self, metric_name: str, statistic: str, options: MetricOptions) -> cloudwatch.Metric:
        chosen: dict[str, Any] = {"statistic": statistic} | given(options)
        return self.metric(metric_name, **chosen)
