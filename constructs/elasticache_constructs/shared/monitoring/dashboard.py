"""A dashboard of caches that answers an operator's questions from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Names
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import asked_once
from elasticache_constructs.shared.monitoring.alarms import MonitoredCache
from elasticache_constructs.shared.monitoring.metrics import NAMESPACE, period_of
from elasticache_constructs.shared.monitoring.node_metrics import MemcachedMetrics, ReplicationMetrics
from elasticache_constructs.shared.monitoring.queries import (
    ENGINE_WARNINGS,
    SLOW_CLIENTS,
    SLOW_COMMANDS,
    SLOWEST,
    logs_of,
)
from elasticache_constructs.shared.monitoring.serverless_metrics import ServerlessMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticache_constructs.shared.monitoring.queries import Query

_WIDTH = 24
_HEIGHT = 6
_LARGEST_STATUS = 100
"""Alarms that a widget shows at most.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""
_ANY = "0001"
_CACHES = Kind(of=MonitoredCache, example="[cache]")
_EVENTS = (
    "Events are sent to the caches' topics, and stay for 14 days: "
    "`aws elasticache describe-events --duration 20160`. What each means: docs/monitoring.md"
)


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph of one kind of cache.

    Args:
        title: What it shows, in words.
        left: The named metrics of its left axis: the methods without ``metric_``. Each node has a line.
        right: Those of its right axis.
        over_nodes: One metric over all nodes in place of both.
        of_group: The metrics that AWS publishes for a whole replication group, where its nodes are not known.
    """

    title: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    over_nodes: str | None = None
    of_group: tuple[str, ...] = ()


_CONNECTIONS = Graph("connections", ("current_connections_max_count",), ("new_connections_sum_count",))
_LATENCY = Graph("latency of commands", ("read_latency_p99_microseconds", "write_latency_p99_microseconds"))
_ALLOWANCES = Graph(
    "traffic above the node type's allowance",
    (
        "bandwidth_in_exceeded_sum_count",
        "bandwidth_out_exceeded_sum_count",
        "packets_per_second_exceeded_sum_count",
        "conntrack_exceeded_sum_count",
    ),
)

FULL: dict[type, tuple[Graph, ...]] = {
    ReplicationMetrics: (
        Graph(
            "memory of the engine",
            ("database_memory_max_percent",),
            ("evictions_sum_count",),
            of_group=("DatabaseMemoryUsageCountedForEvictPercentage",),
        ),
        Graph("memory of the host", ("freeable_memory_min_bytes",), ("swap_usage_max_bytes",)),
        _CONNECTIONS,
    ),
    MemcachedMetrics: (
        Graph("memory of the engine", ("unused_memory_min_bytes",), ("evictions_sum_count",)),
        Graph("memory of the host", ("freeable_memory_min_bytes",), ("swap_usage_max_bytes",)),
        _CONNECTIONS,
    ),
    ServerlessMetrics: (
        Graph("data stored", ("data_stored_max_bytes",), ("evictions_sum_count",)),
        Graph("ECPUs", ("processing_units_sum_count",), ("throttled_commands_sum_count",)),
        _CONNECTIONS,
    ),
}
SLOW: dict[type, tuple[Graph, ...]] = {
    ReplicationMetrics: (
        _LATENCY,
        Graph("CPU", ("engine_cpu_max_percent", "cpu_max_percent"), of_group=("EngineCPUUtilization",)),
        Graph("replicas behind", ("replication_lag_max_seconds",), ("traffic_management_max_count",)),
        Graph("hit rate", over_nodes="cache_hit_rate_percent"),
        _ALLOWANCES,
    ),
    MemcachedMetrics: (
        Graph("CPU", ("cpu_max_percent",)),
        Graph("hit rate", over_nodes="get_hit_rate_percent"),
        _ALLOWANCES,
    ),
    ServerlessMetrics: (
        _LATENCY,
        Graph("throttled commands", ("throttled_commands_sum_count",), ("commands_sum_count",)),
        Graph("hit rate", ("cache_hit_rate_percent",)),
    ),
}
HAPPENED: dict[type, tuple[Graph, ...]] = {
    ReplicationMetrics: (
        Graph(
            "refused",
            ("authentication_failures_sum_count", "command_failures_sum_count", "key_failures_sum_count"),
        ),
    ),
    MemcachedMetrics: (Graph("items", ("current_items_max_count",), ("reclaimed_sum_count",)),),
    ServerlessMetrics: (
        Graph(
            "refused",
            ("authentication_failures_sum_count", "command_failures_sum_count", "key_failures_sum_count"),
        ),
    ),
}


class CacheDashboard(Construct):
    """A CloudWatch dashboard of caches of any kind: is it healthy, is it full, is it slow, who is slow, what happened.

    The health and the alarms of each cache come first, then graphs of each question with a line for each node, then
    the slow log by command and by client, and what the engine warned of. Of an imported cache, and of one whose number
    of nodes is scaled, it shows what is known. Nothing about a cache changes.

    It shows the alarms and nodes that a cache has when it is made. So make it after the `GlobalDatastore` of a group,
    which gives the group an alarm and its shards; made before, it shows that alarm as part of the health only.

    Three dashboards of an account with up to 50 metrics each are free, and any other costs 3 USD a month; a query of a
    log costs what it scans, whenever the dashboard is open (https://aws.amazon.com/cloudwatch/pricing/, as of 2026-06).

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        caches: Replication groups, Memcached clusters and serverless caches, in the order in which they are shown.
        name: Its name in the console, unique in an account and region. Default: the construct's path.

    Raises:
        ConfigurationError: If there is no cache, or one of them is not a cache of this package.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, caches: Sequence[MonitoredCache], name: str | None = None
    ) -> None:
        with reported_together() as check:
            listed = check(checked_list, "CacheDashboard", "caches", caches, _CACHES)
            if not listed:
                check(_refuse_none)
        super().__init__(scope, construct_id)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=name or Names.unique_resource_name(self, max_length=255, separator="-"),
            default_interval=Duration.hours(3),
        )
        for rows in (
            _healthy(listed),
            _graphs("Is it full?", listed, FULL),
            _graphs("Is it slow?", listed, SLOW),
            _queries("Who is slow?", listed, (SLOW_COMMANDS, SLOW_CLIENTS, SLOWEST)),
            _happened(listed),
        ):
            for row in rows:
                self.dashboard.add_widgets(*row)


Row = list[cloudwatch.IWidget]


def _healthy(caches: Sequence[Any]) -> Iterator[Row]:
    watched = [cache for cache in caches if cache.health is not None]
    if not watched:
        return
    yield _heading("Is it healthy?", "Each cache, and its alarms. Their descriptions name the runbooks.")
    yield [_status("Caches", [cache.health for cache in watched])]
    for cache in watched:
        alarms = list(cache.alarms.values())
        for first in range(0, len(alarms), _LARGEST_STATUS):
            yield [_status(f"Alarms of {_name(cache)}", alarms[first : first + _LARGEST_STATUS])]


def _status(title: str, alarms: Sequence[Any]) -> cloudwatch.IWidget:
    return cloudwatch.AlarmStatusWidget(
        title=title,
        alarms=alarms,
        width=_WIDTH,
        height=2 + -(-len(alarms) // 6),
        sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
    )


def _graphs(question: str, caches: Sequence[Any], of_kinds: dict[type, tuple[Graph, ...]]) -> Iterator[Row]:
    yield _heading(question)
    for cache in caches:
        yield from _in_rows([widget for graph in _of(cache, of_kinds) for widget in _graph(cache, graph)])


def _of(cache: Any, of_kinds: dict[type, tuple[Graph, ...]]) -> tuple[Graph, ...]:
    return next((graphs for kind, graphs in of_kinds.items() if isinstance(cache, kind)), ())


def _graph(cache: Any, graph: Graph) -> Iterator[cloudwatch.IWidget]:
    nodes = _nodes(cache)
    if nodes is None:
        left, right = _of_whole(cache, graph)
    else:
        left, right = (_metrics(cache, names, nodes) for names in (graph.left, graph.right))
        if graph.over_nodes is not None:
            left = [getattr(cache, f"metric_{graph.over_nodes}")(label=_label(graph.over_nodes))]
    if left:
        yield cloudwatch.GraphWidget(
            title=f"{_name(cache)}: {graph.title}", left=left, right=right, width=_WIDTH // 3, height=_HEIGHT
        )


def _nodes(cache: Any) -> Sequence[str] | None:
    """The ids of the nodes; none of a serverless cache, and None if they are not known."""
    if isinstance(cache, ServerlessMetrics):
        return []
    try:
        node_ids: Sequence[str] = cache.node_ids
    except ConfigurationError:
        return None
    return node_ids


def _metrics(cache: Any, names: Sequence[str], nodes: Sequence[str]) -> list[cloudwatch.IMetric]:
    """The metrics of each node, so that each has a line, or of a cache without nodes."""
    if isinstance(cache, ServerlessMetrics):
        return [getattr(cache, f"metric_{name}")(label=_label(name)) for name in names]
    return [
        getattr(cache, f"metric_{name}")(node_id=node_id, label=f"{_short(cache, node_id)} {_label(name)}")
        for name in names
        for node_id in nodes
    ]


def _of_whole(cache: Any, graph: Graph) -> tuple[list[cloudwatch.IMetric], list[cloudwatch.IMetric]]:
    """What is published for a whole cache: nodes that are added and removed have ids that are not known here."""
    is_cluster = isinstance(cache, MemcachedMetrics)
    if not is_cluster:
        group = {"ReplicationGroupId": cache.replication_group_id}
        return [_metric(name, "Average", group) for name in graph.of_group], []
    # Without CacheNodeId a metric is over the nodes that there are.
    cluster = {"CacheClusterId": cache.cluster_id}
    of_any: tuple[list[Any], list[Any]] = (_metrics(cache, graph.left, [_ANY]), _metrics(cache, graph.right, [_ANY]))
    left, right = ([_metric(each.metric_name, each.statistic, cluster) for each in axis] for axis in of_any)
    return left, right


def _metric(name: str, statistic: str, dimensions: dict[str, str]) -> cloudwatch.IMetric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period_of(1),
    )


def _short(cache: Any, node_id: str) -> str:
    """A node's id without that of its group: ``001``, ``0001-001`` or ``0001``."""
    group: str = getattr(cache, "replication_group_id", "")
    return node_id.removeprefix(f"{group}-")


def _label(name: str) -> str:
    """``read_latency_p99_microseconds`` in words."""
    *words, unit = name.split("_")
    return f"{' '.join(word for word in words if word not in {'max', 'min', 'sum'})}, {unit}"


def _queries(question: str, caches: Sequence[Any], queries: Sequence[Query]) -> Iterator[Row]:
    widgets = [widget for cache in caches for query in queries for widget in _query(cache, query)]
    if widgets:
        yield _heading(question, "From the slow log; the times are milliseconds.")
        yield from _in_rows(widgets)


def _query(cache: Any, query: Query) -> Iterator[cloudwatch.IWidget]:
    log = logs_of(cache).get(query.of)
    if log is not None:
        yield cloudwatch.LogQueryWidget(
            title=f"{_name(cache)}: {query.name.lower()}",
            log_group_names=[log.group.log_group_name],
            query_lines=list(query.written(log.log_format)),
            view=cloudwatch.LogQueryVisualizationType.TABLE,
            width=_WIDTH // 3,
            height=_HEIGHT,
        )


def _happened(caches: Sequence[Any]) -> Iterator[Row]:
    yield _heading("What happened?", _EVENTS)
    for cache in caches:
        graphs = [widget for graph in _of(cache, HAPPENED) for widget in _graph(cache, graph)]
        yield from _in_rows([*_query(cache, ENGINE_WARNINGS), *graphs])


def _in_rows(widgets: Sequence[cloudwatch.IWidget]) -> Iterator[Row]:
    for first in range(0, len(widgets), 3):
        yield list(widgets[first : first + 3])


def _heading(question: str, text: str = "") -> Row:
    markdown = f"## {question}" + (f"\n{text}" if text else "")
    return [cloudwatch.TextWidget(markdown=markdown, width=_WIDTH, height=2 if text else 1)]


@asked_once
def _name(cache: Any) -> str:
    return str(cache.node.id)


def _refuse_none() -> None:
    raise ConfigurationError(
        got="CacheDashboard(caches=[])",
        allowed="a dashboard shows one cache or several",
        fix="Name the caches: caches=[cache]",
    )
