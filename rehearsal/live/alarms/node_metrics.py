"""The metrics that ElastiCache publishes of caches: under its names and dimensions, for caches and nodes that exist.

The command `measure` publishes what the engines say of themselves. `publish` publishes values of a drill, and refuses
those that ElastiCache would not publish.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis

from rehearsal.live.alarms import judgement
from rehearsal.live.caches import events, registry
from rehearsal.monitoring import documented
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rehearsal.live.caches.registry import Cache, Caches
    from rehearsal.live.engines.memcached import MemcachedNode
    from rehearsal.live.engines.valkey import Node
    from rehearsal.live.run import Run

Dimensions = dict[str, str]
VALKEY = "valkey"
FIRST_NODE = "0001"
STATS_SECONDS = 5.0
SCALED_BY = frozenset(  # what ElastiCache publishes of whole groups, for automatic scaling
    {
        "EngineCPUUtilization",
        "DatabaseMemoryUsageCountedForEvictPercentage",
        "DatabaseCapacityUsageCountedForEvictPercentage",
    }
)

# Metrics by field of INFO: as they are, or their increase since they were last measured.
GAUGES = {
    "CurrConnections": "connected_clients",
    "BlockedConnections": "blocked_clients",
    "BytesUsedForCache": "used_memory",
    "SaveInProgress": "rdb_bgsave_in_progress",
    "MemoryFragmentationRatio": "mem_fragmentation_ratio",
}
INCREASES = {
    "Evictions": "evicted_keys",
    "Reclaimed": "expired_keys",
    "RejectedConnections": "rejected_connections",
    "NewConnections": "total_connections_received",
    "CacheHits": "keyspace_hits",
    "CacheMisses": "keyspace_misses",
    "AuthenticationFailures": "acl_access_denied_auth",
    "CommandAuthorizationFailures": "acl_access_denied_cmd",
    "KeyAuthorizationFailures": "acl_access_denied_key",
    "ChannelAuthorizationFailures": "acl_access_denied_channel",
}
SERIES = {
    "valkey.clients.connected": "connected_clients",
    "valkey.clients.max": "maxclients",
    "valkey.clients.blocked": "blocked_clients",
    "valkey.connections.received": "total_connections_received",
    "valkey.connections.rejected": "rejected_connections",
    "valkey.commands.processed": "total_commands_processed",
    "valkey.keyspace.hits": "keyspace_hits",
    "valkey.keyspace.misses": "keyspace_misses",
    "valkey.keys.expired": "expired_keys",
    "valkey.keys.evicted": "evicted_keys",
    "valkey.memory.used": "used_memory",
    "valkey.memory.max": "maxmemory",
    "valkey.replication.offset": "master_repl_offset",
    "valkey.persistence.rdb.save_in_progress": "rdb_bgsave_in_progress",
}
DENIALS = ("auth", "cmd", "channel", "key", "tls_cert")
MEMCACHED_GAUGES = {"CurrConnections": "curr_connections", "CurrItems": "curr_items"}
MEMCACHED_INCREASES = {
    "Evictions": "evictions",
    "GetHits": "get_hits",
    "GetMisses": "get_misses",
    "CmdGet": "cmd_get",
    "CmdSet": "cmd_set",
    "NewConnections": "total_connections",
    "NewItems": "total_items",
}


class NotPublishedError(Exception):
    """ElastiCache does not publish such a metric; the message says what it publishes."""


def _not_published(got: str, allowed: str) -> NotPublishedError:
    return NotPublishedError(refusal(got=got, allowed=allowed, fix="Correct the alarm, or its drill"))


@dataclass
class Publisher:
    """Publishes metrics of the caches of a run.

    Attributes:
        caches: The caches.
    """

    caches: Caches
    _before: dict[tuple[str, str], float] = field(default_factory=dict)

    # Where metrics go

    def dimensions(self, cache: str, node: str, metric: str) -> list[Dimensions]:
        """The dimensions under which ElastiCache publishes a metric.

        Args:
            cache: Id of the cache.
            node: Id of the node; empty for metrics of a whole cache.
            metric: Name of the metric.

        Raises:
            NotPublishedError: If it publishes no such metric.
        """
        if cache in self.caches.memcached:
            known = documented.MEMCACHED
            nodes = sorted(self.caches.memcached[cache].nodes)
            found = [{"CacheClusterId": cache, "CacheNodeId": node}, {"CacheClusterId": cache}]
        elif cache not in self.caches.groups:
            raise _not_published(f"the cache {cache}", f"the caches are {', '.join(self._names())}")
        elif self.caches.groups[cache].source_type == events.SERVERLESS:
            known, nodes, found = documented.SERVERLESS, [""], [{"clusterId": cache}]
        elif node:
            known = documented.NODES
            nodes = sorted(each.name for each in self.caches.groups[cache].group.nodes)
            found = [{"CacheClusterId": node}, {"CacheClusterId": node, "CacheNodeId": FIRST_NODE}]
        else:
            known, nodes, found = SCALED_BY, [""], [{"ReplicationGroupId": cache}]
        if metric not in known:
            raise _not_published(f"the metric {metric} of {node or cache}", "ElastiCache publishes no such metric")
        if node not in nodes:
            raise _not_published(f"the node {node!r} of {cache}", f"its nodes are {', '.join(nodes) or 'none'}")
        return found

    def labels(self, cache: str, node: str, metric: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """The labels of a series of a Valkey node.

        Args:
            cache: Id of the replication group.
            node: Id of the node.
            metric: Name of the metric.
            attributes: Its additional attributes.

        Raises:
            NotPublishedError: If ElastiCache publishes no such series.
        """
        known = self.caches.groups.get(cache)
        if known is None or known.source_type != events.GROUP or known.record.get("Engine") != VALKEY:
            raise _not_published(
                f"series of {cache}", "only replication groups of Valkey publish OpenTelemetry metrics"
            )
        if metric not in documented.OTEL:
            raise _not_published(f"the series {metric} of {cache}", "ElastiCache vends no such metric")
        allowed = documented.OTEL[metric]
        if set(attributes) != set(allowed) or any(value not in allowed[name] for name, value in attributes.items()):
            raise _not_published(f"the attributes {dict(attributes)} of {metric}", f"it has {dict(allowed)}")
        for shard in known.group.shards:
            for member in shard.nodes:
                if member.name == node:
                    is_primary = member is shard.primary
                    if is_primary and metric in documented.REPLICAS_ONLY:
                        raise _not_published(f"{metric} of the primary {node}", "only replicas publish it")
                    role = {documented.ROLE: "primary" if is_primary else "replica"}
                    return {**self._resource(known, shard.id, member), **role, **attributes}
        raise _not_published(f"the node {node} of {cache}", f"its nodes are {', '.join(self._nodes(known))}")

    def _resource(self, cache: Cache, shard: str, node: Node) -> dict[str, str]:
        found = {
            "cloud.provider": "aws",
            "cloud.region": self.caches.run.region,
            "cloud.account.id": self.caches.run.account,
            "cloud.resource_id": str(cache.record["ARN"]),
            "aws.elasticache.replication_group.id": cache.id,
            "aws.elasticache.shard.id": f"{cache.id}-{shard}",
            "aws.elasticache.node.id": node.name,
            "aws.elasticache.engine.name": VALKEY,
        }
        return {f"@resource.{name}": value for name, value in found.items()}

    def _names(self) -> list[str]:
        return sorted({*self.caches.groups, *self.caches.memcached})

    def _nodes(self, cache: Cache) -> list[str]:
        return sorted(node.name for node in cache.group.nodes)

    # Publishing

    def publish(self, cache: str, metric: str, values: Iterable[tuple[float, float]], node: str = "") -> None:
        """Publish values of a metric; alarms are not judged.

        Args:
            cache: See `dimensions`.
            metric: See `dimensions`.
            values: How many seconds ago each was measured, and the value.
            node: See `dimensions`.
        """
        now = time.time()
        where = self.dimensions(cache, node, metric)
        for ago, value in values:
            for dimensions in where:
                judgement.store(documented.NAMESPACE, metric, (value,), dimensions=dimensions, at=now - ago)

    def publish_series(
        self, cache: str, node: str, metric: str, attributes: Mapping[str, str], values: Iterable[tuple[float, float]]
    ) -> None:
        """Publish samples of a series; alarms are not judged.

        Args:
            cache: See `labels`.
            node: See `labels`.
            metric: See `labels`.
            attributes: See `labels`.
            values: How many seconds ago each was measured, and the value.
        """
        now = time.time()
        labels = self.labels(cache, node, metric, attributes)
        judgement.STORE.add(metric, labels, [(now - ago, value) for ago, value in values])

    # Measuring

    def measure(self) -> list[str]:
        """Publish what the engines of all caches say of themselves; returns the ids of the nodes."""
        measured = []
        for cache in tuple(self.caches.groups.values()):
            if cache.source_type == events.GROUP:
                for shard in cache.group.shards:
                    for node in shard.nodes:
                        with contextlib.suppress(redis.RedisError):  # a node that is being replaced publishes nothing
                            self._measure_node(cache, node, is_primary=node is shard.primary)
                            measured.append(node.name)
        for name, cluster in tuple(self.caches.memcached.items()):
            for memcached in tuple(cluster.nodes.values()):
                with contextlib.suppress(OSError):
                    self._measure_memcached(name, memcached)
                    measured.append(memcached.name)
        return measured

    def _measure_node(self, cache: Cache, node: Node, *, is_primary: bool) -> None:
        facts: Mapping[str, Any] = node.client.info()
        found = {metric: float(facts[name]) for metric, name in GAUGES.items() if name in facts}
        found |= {
            metric: self._increase(node.name, name, float(facts.get(name, 0))) for metric, name in INCREASES.items()
        }
        found["IsMaster"] = float(is_primary)
        if maximum := float(facts.get("maxmemory", 0)):
            found["DatabaseMemoryUsagePercentage"] = 100 * float(facts["used_memory"]) / maximum
        if not is_primary:
            found["ReplicationLag"] = float(max(facts.get("master_last_io_seconds_ago", 0), 0))
        for metric, value in found.items():
            self.publish(cache.id, metric, [(0, value)], node.name)
        if cache.record.get("Engine") == VALKEY:
            for metric, attributes, value in _series(facts, is_primary=is_primary):
                self.publish_series(cache.id, node.name, metric, attributes, [(0, value)])

    def _measure_memcached(self, cluster: str, node: MemcachedNode) -> None:
        facts = _stats(node)
        found = {metric: facts[name] for metric, name in MEMCACHED_GAUGES.items()}
        found |= {metric: self._increase(node.name, name, facts[name]) for metric, name in MEMCACHED_INCREASES.items()}
        found["UnusedMemory"] = facts["limit_maxbytes"] - facts["bytes"]
        for metric, value in found.items():
            self.publish(cluster, metric, [(0, value)], node.node_id)

    def _increase(self, node: str, name: str, value: float) -> float:
        """The increase of a counter since it was last measured; it begins at 0 again when a node is replaced."""
        before = self._before.get((node, name), 0.0)
        self._before[node, name] = value
        return value - before if value >= before else value


def _series(facts: Mapping[str, Any], *, is_primary: bool) -> Iterator[tuple[str, dict[str, str], float]]:
    """The OpenTelemetry metrics in INFO."""
    for metric, name in SERIES.items():
        if name in facts:
            yield metric, {}, float(facts[name])
    for reason in DENIALS:
        yield (
            "valkey.acl.denied",
            {"valkey.acl.denied.reason": reason},
            float(facts.get(f"acl_access_denied_{reason}", 0)),
        )
    for mode, name in (("user", "used_cpu_user_main_thread"), ("system", "used_cpu_sys_main_thread")):
        if name in facts:
            yield "process.cpu.time", {"cpu.mode": mode, "thread.type": "main"}, float(facts[name])
    yield "valkey.replication.is_primary", {}, float(is_primary)
    if not is_primary:
        yield "valkey.replication.link_healthy", {}, float(facts.get("master_link_status") == "up")


def _stats(node: MemcachedNode) -> dict[str, float]:
    """The numbers that Memcached answers to `stats`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(STATS_SECONDS)
        connection.connect(str(node.socket))
        connection.sendall(b"stats\r\n")
        answer = b""
        while not answer.endswith(b"END\r\n"):
            part = connection.recv(65536)
            if not part:
                raise ConnectionError(node.name)
            answer += part
    found = {}
    for line in answer.decode(errors="replace").splitlines():
        _, name, value = [*line.split(" ", 2), "", ""][:3]
        with contextlib.suppress(ValueError):
            found[name] = float(value)
    return found


def _commands(run: Run, publisher: Publisher) -> Mapping[str, Callable[..., Mapping[str, Any]]]:
    def measure() -> Mapping[str, Any]:
        with run.in_account():
            measured = publisher.measure()
            judgement.judge_all()
        return {"nodes": measured}

    def publish(metrics: Sequence[Mapping[str, Any]], later: float = 0) -> Mapping[str, Any]:
        with run.in_account():
            judgement.let_pass(later)
            for one in metrics:
                arguments = {key: value for key, value in one.items() if key != "attributes"}
                if one.get("attributes") is None:
                    publisher.publish(**arguments)
                else:
                    publisher.publish_series(**one)
            judgement.judge_all()
        return {}

    return {"measure": measure, "publish": publish}


def install(run: Run) -> None:
    """Add the commands."""
    for name, command in _commands(run, Publisher(registry.of(run))).items():
        run.control.register(name, command)
