"""Metrics of nodes and over nodes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from elasticache_constructs import (
    Access,
    ConfigurationError,
    MemcachedCluster,
    MemcachedClusterBase,
    ReplicationGroup,
    ReplicationGroupBase,
    ServerlessCache,
    ServerlessCacheBase,
    Topology,
)
from elasticache_constructs.shared.monitoring.metrics import MetricOptions
from tests.unit.builders import memcached_cluster, replication_group

if TYPE_CHECKING:
    from tests.conftest import Bench

EVERY_NODE = {
    "metric_cpu_max_percent": ("CPUUtilization", "Maximum"),
    "metric_cpu_credit_balance_min_count": ("CPUCreditBalance", "Minimum"),
    "metric_freeable_memory_min_bytes": ("FreeableMemory", "Minimum"),
    "metric_swap_usage_max_bytes": ("SwapUsage", "Maximum"),
    "metric_current_connections_max_count": ("CurrConnections", "Maximum"),
    "metric_new_connections_sum_count": ("NewConnections", "Sum"),
    "metric_current_items_max_count": ("CurrItems", "Maximum"),
    "metric_evictions_sum_count": ("Evictions", "Sum"),
    "metric_reclaimed_sum_count": ("Reclaimed", "Sum"),
    "metric_network_in_sum_bytes": ("NetworkBytesIn", "Sum"),
    "metric_network_out_sum_bytes": ("NetworkBytesOut", "Sum"),
    "metric_network_baseline_in_max_percent": ("NetworkBaselineUsageInPercentage", "Maximum"),
    "metric_network_baseline_out_max_percent": ("NetworkBaselineUsageOutPercentage", "Maximum"),
    "metric_bandwidth_in_exceeded_sum_count": ("NetworkBandwidthInAllowanceExceeded", "Sum"),
    "metric_bandwidth_out_exceeded_sum_count": ("NetworkBandwidthOutAllowanceExceeded", "Sum"),
    "metric_conntrack_exceeded_sum_count": ("NetworkConntrackAllowanceExceeded", "Sum"),
    "metric_packets_per_second_exceeded_sum_count": ("NetworkPacketsPerSecondAllowanceExceeded", "Sum"),
}
REPLICATION = EVERY_NODE | {
    "metric_engine_cpu_max_percent": ("EngineCPUUtilization", "Maximum"),
    "metric_database_memory_max_percent": ("DatabaseMemoryUsagePercentage", "Maximum"),
    "metric_evictable_memory_max_percent": ("DatabaseMemoryUsageCountedForEvictPercentage", "Maximum"),
    "metric_database_capacity_max_percent": ("DatabaseCapacityUsagePercentage", "Maximum"),
    "metric_bytes_used_for_cache_max_bytes": ("BytesUsedForCache", "Maximum"),
    "metric_memory_fragmentation_max_ratio": ("MemoryFragmentationRatio", "Maximum"),
    "metric_cache_hits_sum_count": ("CacheHits", "Sum"),
    "metric_cache_misses_sum_count": ("CacheMisses", "Sum"),
    "metric_read_latency_p99_microseconds": ("SuccessfulReadRequestLatency", "p99"),
    "metric_write_latency_p99_microseconds": ("SuccessfulWriteRequestLatency", "p99"),
    "metric_read_commands_sum_count": ("GetTypeCmds", "Sum"),
    "metric_write_commands_sum_count": ("SetTypeCmds", "Sum"),
    "metric_errors_sum_count": ("ErrorCount", "Sum"),
    "metric_replication_lag_max_seconds": ("ReplicationLag", "Maximum"),
    "metric_global_replication_lag_max_seconds": ("GlobalDatastoreReplicationLag", "Maximum"),
    "metric_save_in_progress_max_count": ("SaveInProgress", "Maximum"),
    "metric_traffic_management_max_count": ("TrafficManagementActive", "Maximum"),
    "metric_rejected_connections_sum_count": ("RejectedConnections", "Sum"),
    "metric_blocked_connections_max_count": ("BlockedConnections", "Maximum"),
    "metric_authentication_failures_sum_count": ("AuthenticationFailures", "Sum"),
    "metric_command_failures_sum_count": ("CommandAuthorizationFailures", "Sum"),
    "metric_key_failures_sum_count": ("KeyAuthorizationFailures", "Sum"),
    "metric_channel_failures_sum_count": ("ChannelAuthorizationFailures", "Sum"),
    "metric_iam_expirations_sum_count": ("IamAuthenticationExpirations", "Sum"),
    "metric_iam_throttling_sum_count": ("IamAuthenticationThrottling", "Sum"),
    "metric_durability_lag_max_milliseconds": ("DurabilityLag", "Maximum"),
    "metric_durability_refusals_sum_count": ("DurabilityBufferExceededErrorCount", "Sum"),
}
MEMCACHED = EVERY_NODE | {
    "metric_get_hits_sum_count": ("GetHits", "Sum"),
    "metric_get_misses_sum_count": ("GetMisses", "Sum"),
    "metric_get_commands_sum_count": ("CmdGet", "Sum"),
    "metric_set_commands_sum_count": ("CmdSet", "Sum"),
    "metric_bytes_used_for_items_max_bytes": ("BytesUsedForCacheItems", "Maximum"),
    "metric_unused_memory_min_bytes": ("UnusedMemory", "Minimum"),
    "metric_evicted_unfetched_sum_count": ("EvictedUnfetched", "Sum"),
}
SERVERLESS = {
    "metric_data_stored_max_bytes": ("BytesUsedForCache", "Maximum"),
    "metric_processing_units_sum_count": ("ElastiCacheProcessingUnits", "Sum"),
    "metric_throttled_commands_sum_count": ("ThrottledCmds", "Sum"),
    "metric_commands_sum_count": ("TotalCmdsCount", "Sum"),
    "metric_read_latency_p99_microseconds": ("SuccessfulReadRequestLatency", "p99"),
    "metric_write_latency_p99_microseconds": ("SuccessfulWriteRequestLatency", "p99"),
    "metric_current_connections_max_count": ("CurrConnections", "Maximum"),
    "metric_new_connections_sum_count": ("NewConnections", "Sum"),
    "metric_current_items_max_count": ("CurrItems", "Maximum"),
    "metric_evictions_sum_count": ("Evictions", "Sum"),
    "metric_reclaimed_sum_count": ("Reclaimed", "Sum"),
    "metric_network_in_sum_bytes": ("NetworkBytesIn", "Sum"),
    "metric_network_out_sum_bytes": ("NetworkBytesOut", "Sum"),
    "metric_cache_hit_rate_percent": ("CacheHitRate", "Average"),
    "metric_cache_hits_sum_count": ("CacheHits", "Sum"),
    "metric_authentication_failures_sum_count": ("AuthenticationFailures", "Sum"),
    "metric_command_failures_sum_count": ("CommandAuthorizationFailures", "Sum"),
    "metric_key_failures_sum_count": ("KeyAuthorizationFailures", "Sum"),
    "metric_iam_expirations_sum_count": ("IamAuthenticationExpirations", "Sum"),
    "metric_iam_throttling_sum_count": ("IamAuthenticationThrottling", "Sum"),
    "metric_get_hits_sum_count": ("GetHits", "Sum"),
    "metric_get_misses_sum_count": ("GetMisses", "Sum"),
}
HIT_RATES: dict[type, dict[str, tuple[str, str]]] = {
    ReplicationGroupBase: {"metric_cache_hit_rate_percent": ("CacheHits", "CacheMisses")},
    MemcachedClusterBase: {"metric_get_hit_rate_percent": ("GetHits", "GetMisses")},
}
FUNCTIONS = {"Maximum": "MAX", "Minimum": "MIN", "Sum": "SUM", "p99": "MAX"}
WORDS = {"Maximum": "_max_", "Minimum": "_min_", "Sum": "_sum_", "p99": "_p99_", "Average": "_rate_"}


@pytest.fixture(name="stack", scope="module")
def _stack() -> cdk.Stack:
    """A stack of imported caches, which are only asked for their metrics."""
    return cdk.Stack()


@pytest.fixture(name="group", scope="module")
def _group(stack: cdk.Stack) -> ReplicationGroupBase:
    return ReplicationGroup.from_replication_group_attributes(
        stack,
        "Group",
        replication_group_id="orders",
        endpoint_address="orders.example.com",
        security_groups=[],
        topology=Topology(replicas_per_shard=2),
    )


@pytest.fixture(name="cluster", scope="module")
def _cluster(stack: cdk.Stack) -> MemcachedClusterBase:
    return MemcachedCluster.from_memcached_cluster_attributes(
        stack,
        "Cluster",
        cluster_id="items",
        discovery_endpoint_address="items.example.com",
        security_groups=[],
        nodes=2,
    )


def _metric(metric: cloudwatch.IMetric) -> dict[str, Any]:
    """A metric of one node, as far as it tells."""
    config = metric.to_metric_config().metric_stat
    assert config is not None
    return {
        "namespace": config.namespace,
        "name": config.metric_name,
        "statistic": config.statistic,
        "period": config.period.to_seconds(),
        "dimensions": {each.name: each.value for each in config.dimensions or []},
    }


# Node ids


@pytest.mark.parametrize(
    ("topology", "ids"),
    [
        pytest.param(Topology(replicas_per_shard=0), ["-001"], id="one node"),
        pytest.param(Topology(replicas_per_shard=2), ["-001", "-002", "-003"], id="a primary and two replicas"),
        pytest.param(
            Topology(shards=2), ["-0001-001", "-0001-002", "-0002-001", "-0002-002"], id="a cluster of two shards"
        ),
        pytest.param(Topology(cluster_mode=True), ["-0001-001", "-0001-002"], id="a cluster of one shard"),
    ],
)
def test_ids_of_a_groups_nodes(bench: Bench, topology: Topology, ids: list[str]) -> None:
    """The service numbers nodes by shard in cluster mode, and straight on without."""
    group = replication_group(bench, topology=topology, access=Access.auth_token())

    ((logical_id, _),) = bench.resources("ElastiCache::ReplicationGroup").items()
    expected = [{"Fn::Join": ["", [{"Ref": logical_id}, each]]} for each in ids]
    assert expected == bench.stack.resolve(list(group.node_ids))


def test_ids_of_a_large_cluster_are_counted_out(bench: Bench) -> None:
    """Shards have four digits, nodes three, in order."""
    group = ReplicationGroup.from_replication_group_attributes(
        bench.stack,
        "Group",
        replication_group_id="orders",
        endpoint_address="orders.example.com",
        security_groups=[],
        topology=Topology(shards=250, replicas_per_shard=1, node_quota=500),
    )

    ids = group.node_ids
    assert (500, "orders-0001-001", "orders-0250-002") == (len(ids), ids[0], ids[-1])


def test_ids_of_memcached_nodes(bench: Bench) -> None:
    """The service numbers the nodes of a Memcached cluster with four digits."""
    assert ["0001", "0002", "0003"] == memcached_cluster(bench, nodes=3).node_ids


def test_nodes_of_a_group_without_topology_are_not_known(bench: Bench) -> None:
    """A metric over all nodes of an imported group needs its topology; the message says how to give it."""
    group = ReplicationGroup.from_replication_group_attributes(
        bench.stack,
        "Group",
        replication_group_id="orders",
        endpoint_address="orders.example.com",
        security_groups=[],
    )

    with pytest.raises(ConfigurationError) as refusal:
        group.metric_cpu_max_percent()

    expected = (
        "metrics over all nodes of an imported group: its nodes are known when its topology is. "
        "Import it with from_replication_group_attributes(topology=Topology(...)), or name a node_id."
    )
    assert expected == str(refusal.value)
    assert "orders-001" == _metric(group.metric_cpu_max_percent("orders-001"))["dimensions"]["CacheClusterId"]


# One node


@pytest.mark.parametrize("method", REPLICATION)
def test_metric_of_one_node_of_a_group(group: ReplicationGroupBase, method: str) -> None:
    """A named metric of one node has that node's dimension, its statistic and one minute."""
    name, statistic = REPLICATION[method]

    assert {
        "namespace": "AWS/ElastiCache",
        "name": name,
        "statistic": statistic,
        "period": 300 if name == "CPUCreditBalance" else 60,
        "dimensions": {"CacheClusterId": "orders-002"},
    } == _metric(getattr(group, method)("orders-002"))


@pytest.mark.parametrize("method", MEMCACHED)
def test_metric_of_one_memcached_node(cluster: MemcachedClusterBase, method: str) -> None:
    """A Memcached node is found by its cluster and its number."""
    name, statistic = MEMCACHED[method]

    assert {
        "namespace": "AWS/ElastiCache",
        "name": name,
        "statistic": statistic,
        "period": 300 if name == "CPUCreditBalance" else 60,
        "dimensions": {"CacheClusterId": "items", "CacheNodeId": "0002"},
    } == _metric(getattr(cluster, method)("0002"))


def test_any_metric_of_the_service(group: ReplicationGroupBase) -> None:
    """What has no separate method is an average over a minute, unless told otherwise."""
    metric = _metric(group.metric("NewConnections", node_id="orders-001"))

    assert ("NewConnections", "Average", 60) == (metric["name"], metric["statistic"], metric["period"])


def test_any_metric_with_statistic_and_period(group: ReplicationGroupBase) -> None:
    """Statistic and period can be said."""
    metric = _metric(
        group.metric("NewConnections", node_id="orders-001", statistic="p99", period=cdk.Duration.minutes(5))
    )

    assert ("p99", 300) == (metric["statistic"], metric["period"])


@pytest.mark.parametrize("method", sorted({**REPLICATION, **MEMCACHED, **SERVERLESS}))
def test_statistic_is_in_the_name(method: str) -> None:
    """The method's name tells the statistic."""
    _, statistic = {**REPLICATION, **MEMCACHED, **SERVERLESS}[method]

    assert WORDS[statistic] in method


@pytest.mark.parametrize(
    ("kind", "table"),
    [(ReplicationGroupBase, REPLICATION), (MemcachedClusterBase, MEMCACHED), (ServerlessCacheBase, SERVERLESS)],
)
def test_no_metric_is_left_out(kind: type, table: dict[str, tuple[str, str]]) -> None:
    """Every named metric has its row in the tables above, or is a hit rate over nodes."""
    named = {name for name in dir(kind) if name.startswith("metric_")}
    over_nodes = {*HIT_RATES.get(kind, ())}

    assert sorted(table) == sorted(named - over_nodes)
    assert over_nodes <= named


# The CDK's options


def test_options_are_those_of_the_cdk() -> None:
    """An option that the CDK adds to its metrics is missed here."""
    assert {*inspect.signature(cloudwatch.MetricOptions.__init__).parameters} - {
        "self"
    } == MetricOptions.__optional_keys__


@pytest.mark.parametrize("method", REPLICATION)
def test_metric_of_one_node_takes_the_options_of_the_cdk(group: ReplicationGroupBase, method: str) -> None:
    """What is given takes the place of the default; dimensions are added to those of the node."""
    metric = getattr(group, method)(
        "orders-002",
        statistic="p99",
        period=cdk.Duration.minutes(5),
        label="Orders",
        color="#aa0000",
        unit=cloudwatch.Unit.PERCENT,
        dimensions_map={"CacheNodeId": "0001"},
    )

    told = _metric(metric)
    assert ("p99", 300) == (told["statistic"], told["period"])
    assert {"CacheClusterId": "orders-002", "CacheNodeId": "0001"} == told["dimensions"]
    assert ("Orders", "#aa0000", cloudwatch.Unit.PERCENT) == (metric.label, metric.color, metric.unit)


@pytest.mark.parametrize("method", MEMCACHED)
def test_metric_over_all_nodes_takes_the_options_of_the_cdk(cluster: MemcachedClusterBase, method: str) -> None:
    """Label and color are of the expression, statistic and unit of each node, the period of both."""
    metric = getattr(cluster, method)(
        statistic="Average",
        period=cdk.Duration.minutes(5),
        label="Items",
        color="#aa0000",
        unit=cloudwatch.Unit.COUNT,
    )

    assert isinstance(metric, cloudwatch.MathExpression)
    using = metric.using_metrics
    nodes = [each for each in using.values() if isinstance(each, cloudwatch.Metric)]
    assert 2 == len(nodes)
    assert ("Items", "#aa0000", 300) == (metric.label, metric.color, metric.period.to_seconds())
    assert f"{FUNCTIONS[MEMCACHED[method][1]]}([{','.join(using)}])" == metric.expression
    assert {("Average", 300)} == {(each["statistic"], each["period"]) for each in map(_metric, nodes)}
    assert {(None, cloudwatch.Unit.COUNT)} == {(each.label, each.unit) for each in nodes}


def test_option_that_an_expression_has_not_is_refused(cluster: MemcachedClusterBase) -> None:
    """It would be dropped without a word."""
    with pytest.raises(ConfigurationError) as refusal:
        cluster.metric_evictions_sum_count(visible=False)

    expected = (
        "visible=False for Evictions over 2 nodes: an expression over several nodes has no such option. "
        "Leave it out, or name a node_id."
    )
    assert expected == str(refusal.value)
    assert isinstance(cluster.metric_evictions_sum_count("0001", visible=False), cloudwatch.Metric)


# Serverless caches


@pytest.fixture(name="serverless", scope="module")
def _serverless(stack: cdk.Stack) -> ServerlessCacheBase:
    return ServerlessCache.from_serverless_cache_attributes(
        stack, "Cache", serverless_cache_name="Sessions", endpoint_address="s.example.com", security_groups=[]
    )


@pytest.mark.parametrize("method", SERVERLESS)
def test_metric_of_a_serverless_cache(serverless: ServerlessCacheBase, method: str) -> None:
    """A serverless cache is found by its name, as the dimension that CloudWatch's own lists show."""
    name, statistic = SERVERLESS[method]

    assert {
        "namespace": "AWS/ElastiCache",
        "name": name,
        "statistic": statistic,
        "period": 60,
        "dimensions": {"clusterId": "sessions"},
    } == _metric(getattr(serverless, method)())


def test_metric_of_a_serverless_cache_takes_the_options_of_the_cdk(serverless: ServerlessCacheBase) -> None:
    """What is given takes the place of the default; dimensions are added to that of the cache."""
    metric = serverless.metric_evictions_sum_count(
        statistic="Average", period=cdk.Duration.minutes(5), label="Evicted", dimensions_map={"Tier": "Memory"}
    )

    told = _metric(metric)
    assert ("Average", 300, "Evicted") == (told["statistic"], told["period"], metric.label)
    assert {"clusterId": "sessions", "Tier": "Memory"} == told["dimensions"]
    assert "CurrVolatileItems" == _metric(serverless.metric("CurrVolatileItems"))["name"]


# Hit rates


@pytest.mark.parametrize(
    ("which", "method", "names"),
    [
        ("group", "metric_cache_hit_rate_percent", ["CacheHits", "CacheMisses"]),
        ("cluster", "metric_get_hit_rate_percent", ["GetHits", "GetMisses"]),
    ],
)
def test_hit_rate_is_that_of_the_sums(
    request: pytest.FixtureRequest, which: str, method: str, names: list[str]
) -> None:
    """A replica without reads has no rate: it must not pull the rate of all down."""
    cache = request.getfixturevalue(which)
    metric = getattr(cache, method)(period=cdk.Duration.minutes(5))

    using = {key: _metric(each) for key, each in metric.using_metrics.items()}
    of_name = [[key for key, each in using.items() if each["name"] == name] for name in names]
    hits, misses = map("+".join, of_name)
    assert f"100*({hits})/({hits}+{misses})" == metric.expression
    for keys, name in zip(of_name, names, strict=True):
        told = [using[key] for key in keys]
        assert len(cache.node_ids) == len(told)
        assert [(name, "Sum", 300)] * len(told) == [(each["name"], each["statistic"], each["period"]) for each in told]
        assert len(told) == len({str(each["dimensions"]) for each in told})


def test_hit_rate_of_one_node(group: ReplicationGroupBase) -> None:
    """A node has its own."""
    metric: Any = group.metric_cache_hit_rate_percent("orders-002")

    hits, misses = metric.using_metrics
    assert f"100*({hits})/({hits}+{misses})" == metric.expression
    assert {"orders-002"} == {_metric(each)["dimensions"]["CacheClusterId"] for each in metric.using_metrics.values()}


# All nodes


@pytest.mark.parametrize("method", REPLICATION)
def test_metric_over_all_nodes_of_a_group(group: ReplicationGroupBase, method: str) -> None:
    """Without a node the metric is an expression over the nodes, each with the same statistic."""
    name, statistic = REPLICATION[method]
    metric = getattr(group, method)()

    assert isinstance(metric, cloudwatch.MathExpression)
    using = metric.using_metrics
    assert f"{FUNCTIONS[statistic]}([{','.join(using)}])" == metric.expression
    nodes = [_metric(each) for each in using.values()]
    assert ["orders-001", "orders-002", "orders-003"] == [each["dimensions"]["CacheClusterId"] for each in nodes]
    assert {(name, statistic)} == {(each["name"], each["statistic"]) for each in nodes}


def test_expression_is_labelled(group: ReplicationGroupBase) -> None:
    """In a graph the expression is called what it is."""
    metric = group.metric_freeable_memory_min_bytes()

    assert isinstance(metric, cloudwatch.MathExpression)
    assert ("FreeableMemory (minimum over 3 nodes)", 60) == (metric.label, metric.period.to_seconds())


def test_expression_over_memcached_nodes(cluster: MemcachedClusterBase) -> None:
    """A Memcached cluster's nodes are summed up likewise."""
    metric = cluster.metric_get_misses_sum_count()

    assert isinstance(metric, cloudwatch.MathExpression)
    assert ["0001", "0002"] == [_metric(each)["dimensions"]["CacheNodeId"] for each in metric.using_metrics.values()]


def test_metric_of_a_single_node_is_no_expression(bench: Bench) -> None:
    """Where there is one node only, its own metric is the one."""
    metric = memcached_cluster(bench, nodes=1).metric_evictions_sum_count()

    assert "0001" == _metric(metric)["dimensions"]["CacheNodeId"]


def test_expression_makes_an_alarm(bench: Bench, group: ReplicationGroupBase) -> None:
    """An alarm takes the expression, and with it every node."""
    cloudwatch.Alarm(
        bench.stack, "Alarm", metric=group.metric_engine_cpu_max_percent(), threshold=80, evaluation_periods=5
    )

    metrics = bench.only("CloudWatch::Alarm")["Properties"]["Metrics"]
    (expression,) = (each for each in metrics if "Expression" in each)
    assert ("MAX(", 3) == (expression["Expression"][:4], len(metrics) - 1)


def test_one_graph_takes_expressions_of_several_metrics_and_caches(
    bench: Bench, group: ReplicationGroupBase, cluster: MemcachedClusterBase
) -> None:
    """Each expression has its own nodes' metrics, and the CDK refuses an id that two of them have."""
    drawn = [
        group.metric_cpu_max_percent(),
        group.metric_cpu_max_percent(statistic="Average"),
        group.metric_engine_cpu_max_percent(),
        group.metric_cache_hit_rate_percent(),
        cluster.metric_cpu_max_percent(),
    ]
    cloudwatch.Dashboard(bench.stack, "Dashboard", widgets=[[cloudwatch.GraphWidget(left=drawn)]])

    assert bench.only("CloudWatch::Dashboard")
