"""The alarms of caches as data: what each watches, at which threshold, and on which caches.

Thresholds follow from facts of the cache: vCPUs and memory of its node type, limits, engine, eviction policy. AWS's own
advice is https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from elasticache_constructs.shared.monitoring.cache_alarm import CacheAlarm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elasticache_rules.facts import NodeTypeFacts

_MEBIBYTE = 1024**2
_GIBIBYTE = 1024**3
_SMALL_HOST = 2
"""vCPUs up to which the engine's thread shares the host with background work, so that the host's CPU is watched."""
_MOST_NODES = 90
"""Nodes up to which each node is watched: the quota of every account. A stack has at most 500 resources."""


class CacheKind(Enum):
    """A kind of cache, by its construct."""

    REPLICATION_GROUP = "ReplicationGroup"
    MEMCACHED = "MemcachedCluster"
    SERVERLESS = "ServerlessCache"


class Severity(Enum):
    """How soon to act."""

    CRITICAL = "Act now"
    """Clients notice, or will within the hour."""
    WARNING = "Act this week"
    """Capacity runs out, or something is wrong that clients do not notice yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheProfile:
    """What the alarms of a cache follow from.

    Attributes:
        kind: The kind of cache.
        engine: ``redis``, ``valkey`` or ``memcached``.
        node_type: The facts about its node type; None if there is no node type, or it is not known.
        nodes: How many nodes it has; None if it has no nodes, or their number is scaled automatically.
        has_replicas: Whether it has nodes that follow another.
        is_secondary: Whether it follows a group in another Region, as a member of a global datastore.
        eviction_policy: Its ``maxmemory-policy``; None if it is not known.
        connections: How many connections a node accepts; None if it is not known.
        has_users: Whether its users have permissions.
        has_iam_users: Whether some log in with IAM.
        is_durable_later: Whether writes are answered before they are durable.
        maximum_storage_gb: Where a serverless cache stops to store; None if it has no such limit.
        maximum_ecpu_per_second: Where a serverless cache begins to throttle; None if it has no such limit.
    """

    kind: CacheKind
    engine: str
    node_type: NodeTypeFacts | None = None
    nodes: int | None = None
    has_replicas: bool = False
    is_secondary: bool = False
    eviction_policy: str | None = None
    connections: int | None = None
    has_users: bool = False
    has_iam_users: bool = False
    is_durable_later: bool = False
    maximum_storage_gb: int | None = None
    maximum_ecpu_per_second: int | None = None

    @property
    def publishes_series(self) -> bool:
        """Whether the service publishes OpenTelemetry metrics, which PromQL alarms query.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/otel-metrics.html
        """
        return self.kind is CacheKind.REPLICATION_GROUP and self.engine == "valkey"

    @property
    def watches_nodes(self) -> bool:
        """Whether its nodes are known, and few enough for alarms on each."""
        return self.nodes is not None and self.nodes <= _MOST_NODES

    @property
    def vcpus(self) -> int | None:
        """VCPUs of each node; None if they are not known."""
        return self.node_type.vcpus if self.node_type is not None else None

    @property
    def memory_bytes(self) -> float:
        """Memory of each node that is for data; 0 if it is not known."""
        return (self.node_type.memory_gib or 0) * _GIBIBYTE if self.node_type is not None else 0

    @property
    def is_small_host(self) -> bool:
        """Whether its nodes have at most two vCPUs, so that AWS advises to watch the host's CPU."""
        return self.vcpus is not None and self.vcpus <= _SMALL_HOST

    @property
    def is_burstable(self) -> bool:
        """Whether its nodes run on CPU credits."""
        return self.node_type is not None and self.node_type.burstable

    @property
    def has_data_tiering(self) -> bool:
        """Whether its nodes keep part of the data on SSD."""
        return self.node_type is not None and self.node_type.data_tiering


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How an alarm measures.

    Attributes:
        metrics: The service's names of the metrics, each of every node, or of a serverless cache.
        statistic: The statistic of each metric. The alarm uses the highest of all metrics and nodes, or the
            lowest if it is raised below its threshold.
        hit_rate: Whether the two metrics are hits and misses, and the measure is the share of hits.
        series: A PromQL query over all nodes of a Valkey group, with ``GROUP`` for the matcher of the group; None if
            AWS publishes no such OpenTelemetry metric without charge.
        of_group: The name of the metric that AWS publishes for a whole replication group; None if there is none.
    """

    metrics: tuple[str, ...] = ()
    statistic: str = "Maximum"
    hit_rate: bool = False
    series: str | None = None
    of_group: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """What missing datapoints count as.

    Attributes:
        treatment: ``missing``, ``ignore`` or ``notBreaching``, as CloudWatch has them.
        why: Why.
    """

    treatment: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alarm.

    Attributes:
        alarm: Its name.
        meaning: What it says when it is raised, as the sentence that its description begins with.
        severity: How soon to act.
        measures: How it measures, by kind of cache.
        when: Which caches of these kinds have it, in words.
        applies: Whether a cache has it.
        threshold: The default threshold of a cache; None if the alarm is made for a given threshold only.
        why: What the default threshold is, in words, and why.
        unit: The unit of the threshold.
        limits: The lowest and the highest threshold.
        below: Whether it is raised below its threshold, not above.
        minutes: The period of a datapoint.
        periods: How many datapoints in a row are over the threshold when it is raised.
        missing: What missing datapoints count as.
        comes_later: Whether a cache may get it after it is made, so that it is removed even from one without it.
    """

    alarm: CacheAlarm
    meaning: str
    severity: Severity
    measures: Mapping[CacheKind, Measure] = field(hash=False)
    when: str = "all"
    applies: Callable[[CacheProfile], bool] = lambda _: True
    threshold: Callable[[CacheProfile], float | None]
    why: str
    unit: str
    limits: tuple[float, float]
    below: bool = False
    minutes: int = 1
    periods: int = 5
    missing: Missing
    comes_later: bool = False

    def is_of(self, cache: CacheProfile) -> bool:
        """Whether a cache can have the alarm."""
        return cache.kind in self.measures and self.applies(cache) and self._is_measured(cache)

    def _is_measured(self, cache: CacheProfile) -> bool:
        measure = self.measures[cache.kind]
        if cache.kind is CacheKind.SERVERLESS or cache.watches_nodes:
            return bool(measure.metrics) or (cache.publishes_series and measure.series is not None)
        if cache.kind is CacheKind.MEMCACHED:
            return True
        return (measure.series if cache.publishes_series else measure.of_group) is not None


_GROUP, _MEMCACHED, _SERVERLESS = CacheKind.REPLICATION_GROUP, CacheKind.MEMCACHED, CacheKind.SERVERLESS
LAG_SECONDS = 10
"""From where on a member of a global datastore is behind."""
_PERCENT = (1, 100)
_COUNT = (0, 1_000_000_000)
_BYTES = (0, 1024**4)
_ALIVE = Missing("missing", "Nodes publish it every minute: without it nothing is known, and the state says so.")
_NOTHING = Missing("notBreaching", "It counts what happens: without datapoints nothing happened.")
_IDLE = Missing("notBreaching", "It is published only while there are requests.")
_WRITTEN = Missing("notBreaching", "A node that is given no writes may publish nothing: then none waits.")
_STORED = Missing("ignore", "A cache that is not used may publish nothing, and then what it stores has not changed.")


def _by_kind(measure: Measure, *kinds: CacheKind) -> Mapping[CacheKind, Measure]:
    return MappingProxyType(dict.fromkeys(kinds, measure))


def _series(metric: str, **attributes: str) -> str:
    """A PromQL selector; `_` in the name of an attribute stands for a dot."""
    matchers = [f'"{name.replace("_", ".")}"="{value}"' for name, value in attributes.items()]
    return "{" + ", ".join([f'"{metric}"', *matchers, "GROUP"]) + "}"


def _increase(selector: str) -> str:
    return f"increase({selector}[5m])"


def _evicts_some(cache: CacheProfile) -> bool:
    """Whether eviction is a sign that memory is full: items without a time to live are not evicted."""
    if cache.kind is not CacheKind.REPLICATION_GROUP:
        return True
    return cache.eviction_policy is None or cache.eviction_policy.startswith("volatile-")


def _is_meant_to_be_full(cache: CacheProfile) -> bool:
    return cache.eviction_policy is not None and cache.eviction_policy.startswith("allkeys-")


def _host_cpu(cache: CacheProfile) -> float:
    return 90 if cache.kind is CacheKind.MEMCACHED or cache.vcpus is None else 90 / cache.vcpus


def _hit_rate(hits: str, misses: str) -> Measure:
    found, missed = (f"sum(rate({_series(f'valkey.keyspace.{each}')}[5m]))" for each in ("hits", "misses"))
    series = f"100 * {found} / ({found} + {missed})" if hits == "CacheHits" else None
    return Measure(metrics=(hits, misses), statistic="Sum", hit_rate=True, series=series)


ROWS: tuple[Row, ...] = (
    Row(
        alarm=CacheAlarm.ENGINE_CPU,
        meaning="The engine's thread is saturated: commands wait",
        severity=Severity.CRITICAL,
        measures=_by_kind(
            Measure(
                metrics=("EngineCPUUtilization",),
                series=f'100 * sum without ("cpu.mode") (rate({_series("process.cpu.time", thread_type="main")}[5m]))',
                of_group="EngineCPUUtilization",
            ),
            _GROUP,
        ),
        when="node types of four vCPUs or more, and groups whose number of nodes is not fixed",
        applies=lambda cache: not (cache.is_small_host and cache.watches_nodes),
        threshold=lambda _: 90,
        why="90 % of its one core, as AWS advises",
        unit="percent",
        limits=_PERCENT,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.HOST_CPU,
        meaning="The CPU of a node is saturated: commands wait",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("CPUUtilization",)), _GROUP, _MEMCACHED),
        when="Memcached; Redis and Valkey on node types of one or two vCPUs",
        applies=lambda cache: cache.kind is CacheKind.MEMCACHED or cache.is_small_host,
        threshold=_host_cpu,
        why="90 % of the one core that Redis and Valkey use, so 45 % of two; 90 % for Memcached, as AWS advises",
        unit="percent",
        limits=_PERCENT,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.CPU_CREDITS,
        meaning="A burstable node is out of CPU credits: it is throttled to its baseline",
        severity=Severity.WARNING,
        measures=_by_kind(Measure(metrics=("CPUCreditBalance",), statistic="Minimum"), _GROUP, _MEMCACHED),
        when="burstable node types (cache.t3, cache.t4g)",
        applies=lambda cache: cache.is_burstable,
        threshold=lambda cache: 5 * (cache.vcpus or _SMALL_HOST),
        why="credits for five minutes of all vCPUs, for an hour: a new node begins with none and earns them",
        unit="credits",
        limits=(0, 10_000),
        below=True,
        minutes=5,
        periods=12,
        missing=Missing(
            "missing", "Nodes publish it every five minutes: without it nothing is known, and the state says so."
        ),
    ),
    Row(
        alarm=CacheAlarm.DATABASE_MEMORY,
        meaning="Memory is nearly full: then writes are refused, or keys evicted",
        severity=Severity.CRITICAL,
        measures=_by_kind(
            Measure(
                metrics=("DatabaseMemoryUsagePercentage",),
                series=f"100 * {_series('valkey.memory.used')} / {_series('valkey.memory.max')}",
                of_group="DatabaseMemoryUsageCountedForEvictPercentage",
            ),
            _GROUP,
        ),
        when="without data tiering, and unless maxmemory-policy is allkeys-*: such a cache is meant to be full",
        applies=lambda cache: not cache.has_data_tiering and not _is_meant_to_be_full(cache),
        threshold=lambda _: 80,
        why="80 % of maxmemory: there is time to scale, which itself needs memory",
        unit="percent",
        limits=_PERCENT,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.DATABASE_CAPACITY,
        meaning="Memory and SSD are nearly full: then writes are refused, or keys evicted",
        severity=Severity.CRITICAL,
        measures=_by_kind(
            Measure(
                metrics=("DatabaseCapacityUsagePercentage",), of_group="DatabaseCapacityUsageCountedForEvictPercentage"
            ),
            _GROUP,
        ),
        when="node types with data tiering (cache.r6gd), whose memory is always full",
        applies=lambda cache: cache.has_data_tiering,
        threshold=lambda _: 80,
        why="80 % of memory and SSD together: there is time to scale",
        unit="percent",
        limits=_PERCENT,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.FREEABLE_MEMORY,
        meaning="A host is short of memory: it will swap, and the node slows down",
        severity=Severity.WARNING,
        measures=_by_kind(Measure(metrics=("FreeableMemory",), statistic="Minimum"), _MEMCACHED),
        threshold=lambda cache: max(100 * _MEBIBYTE, round(cache.memory_bytes / 100)),
        why="100 MiB, where AWS sees memory pressure, or 1 % of the node's memory if that is more",
        unit="bytes",
        limits=_BYTES,
        below=True,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.SWAP_USAGE,
        meaning="A host swaps: the node slows down",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(metrics=("SwapUsage",), series=_series("system.paging.usage", system_paging_state="used")),
            _GROUP,
            _MEMCACHED,
        ),
        threshold=lambda cache: max(50 * _MEBIBYTE, round(cache.memory_bytes / 100)),
        why="50 MiB, which a healthy host may use, or 1 % of the node's memory if that is more",
        unit="bytes",
        limits=_BYTES,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.EVICTIONS,
        meaning="Items are evicted before they expire, because memory is full",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(metrics=("Evictions",), statistic="Sum", series=_increase(_series("valkey.keys.evicted"))),
            _GROUP,
            _MEMCACHED,
            _SERVERLESS,
        ),
        when="Redis and Valkey unless maxmemory-policy is allkeys-* or noeviction; all others",
        applies=_evicts_some,
        threshold=lambda _: 0,
        why="any, for 15 minutes",
        unit="items in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=3,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.CONNECTIONS,
        meaning="A node is about to refuse connections",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(metrics=("CurrConnections",), series=_series("valkey.clients.connected")), _GROUP, _MEMCACHED
        ),
        when="Memcached, Redis and Valkey whose family's parameters are known",
        applies=lambda cache: cache.connections is not None,
        threshold=lambda cache: round((cache.connections or 0) * 0.8),
        why="80 % of what the engine accepts, maxclients or max_simultaneous_connections",
        unit="connections",
        limits=_COUNT,
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.REJECTED_CONNECTIONS,
        meaning="A node refused connections",
        severity=Severity.CRITICAL,
        measures=_by_kind(
            Measure(
                metrics=("RejectedConnections",),
                statistic="Sum",
                series=_increase(_series("valkey.connections.rejected")),
            ),
            _GROUP,
        ),
        threshold=lambda _: 0,
        why="any: each was a client's error",
        unit="connections in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=1,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.REPLICATION_LAG,
        meaning="A replica is behind: it serves old values, and a failover to it loses writes",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("ReplicationLag",)), _GROUP),
        when="with replicas",
        applies=lambda cache: cache.has_replicas,
        threshold=lambda _: 5,
        why="healthy replicas are less than a second behind",
        unit="seconds",
        limits=(0, 86_400),
        missing=_ALIVE,
    ),
    Row(
        alarm=CacheAlarm.REPLICATION_LINK,
        meaning="A replica has lost its primary: a failover to it loses writes",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(series=_series("valkey.replication.link_healthy", valkey_role="replica")), _GROUP),
        when="Valkey with replicas",
        applies=lambda cache: cache.has_replicas and cache.publishes_series,
        threshold=lambda _: 1,
        why="1 is up, 0 is down",
        unit="1 or 0",
        limits=(1, 1),
        below=True,
        missing=Missing("notBreaching", "PromQL alarms know no missing data; a replica that is gone has no link."),
    ),
    Row(
        alarm=CacheAlarm.DURABILITY_LAG,
        meaning="Writes wait to be durable: a failure loses them, and at 10 seconds new ones are refused",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("DurabilityLag",)), _GROUP),
        when="with Durability.asynchronous()",
        applies=lambda cache: cache.is_durable_later,
        threshold=lambda _: 5_000,
        why="half of the 10,000 at which the primary refuses writes",
        unit="milliseconds",
        limits=(1, 10_000),
        missing=_WRITTEN,
    ),
    Row(
        alarm=CacheAlarm.DURABILITY_REFUSALS,
        meaning="Writes are refused, because the oldest one is not durable after 10 seconds",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("DurabilityBufferExceededErrorCount",), statistic="Sum"), _GROUP),
        when="with Durability.asynchronous()",
        applies=lambda cache: cache.is_durable_later,
        threshold=lambda _: 0,
        why="one is an error that a client has seen",
        unit="writes a minute",
        limits=_COUNT,
        periods=1,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.GLOBAL_REPLICATION_LAG,
        meaning="A secondary Region is behind: it serves old values, and a promotion of it loses writes",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("GlobalDatastoreReplicationLag",)), _GROUP),
        when="members of global datastores; their primary has it for the time after a promotion, when it follows",
        threshold=lambda cache: LAG_SECONDS if cache.is_secondary else None,
        why="AWS replicates to another Region within a second; how much may be lost is the application's to say",
        unit="seconds",
        limits=(0, 86_400),
        missing=Missing(
            "missing", "A member publishes it while it follows: without it, it is the primary or has left."
        ),
        comes_later=True,
    ),
    Row(
        alarm=CacheAlarm.TRAFFIC_MANAGEMENT,
        meaning="ElastiCache holds back commands, because a node gets more than it can process",
        severity=Severity.CRITICAL,
        measures=_by_kind(
            Measure(metrics=("TrafficManagementActive",), series=_series("valkey.throttling.active")), _GROUP
        ),
        threshold=lambda _: 0,
        why="1 is active, 0 is not",
        unit="1 or 0",
        limits=(0, 0),
        missing=Missing("notBreaching", "It is published as 1 while it is active."),
    ),
    Row(
        alarm=CacheAlarm.NETWORK_BANDWIDTH,
        meaning="A node exceeds its network bandwidth: packets are queued or dropped",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(
                metrics=("NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"),
                statistic="Sum",
                series='increase({"system.network.allowance_exceeded", '
                '"network.allowance_exceeded.reason"=~"bandwidth_in|bandwidth_out", GROUP}[5m])',
            ),
            _GROUP,
            _MEMCACHED,
        ),
        threshold=lambda _: 0,
        why="any, for 15 minutes: short bursts are what credit is for",
        unit="packets in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=3,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.NETWORK_PACKETS,
        meaning="A node exceeds its packets a second or its tracked connections: packets are dropped",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(
                metrics=("NetworkPacketsPerSecondAllowanceExceeded", "NetworkConntrackAllowanceExceeded"),
                statistic="Sum",
                series='increase({"system.network.allowance_exceeded", '
                '"network.allowance_exceeded.reason"=~"pps|conntrack", GROUP}[5m])',
            ),
            _GROUP,
            _MEMCACHED,
        ),
        threshold=lambda _: 0,
        why="any, for 15 minutes",
        unit="packets in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=3,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.AUTHENTICATION_FAILURES,
        meaning="Logins fail: a client has a wrong password or token, or an intruder tries",
        severity=Severity.WARNING,
        measures=_by_kind(
            Measure(
                metrics=("AuthenticationFailures",),
                statistic="Sum",
                series=_increase(_series("valkey.acl.denied", valkey_acl_denied_reason="auth")),
            ),
            _GROUP,
            _SERVERLESS,
        ),
        when="Redis and Valkey",
        applies=lambda cache: cache.engine != "memcached",
        threshold=lambda _: 10,
        why="more than a person's typing errors",
        unit="logins in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=1,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.AUTHORIZATION_FAILURES,
        meaning="Users run commands, or use keys or channels, that their permissions do not allow",
        severity=Severity.WARNING,
        measures=MappingProxyType(
            {
                _GROUP: Measure(
                    metrics=(
                        "CommandAuthorizationFailures",
                        "KeyAuthorizationFailures",
                        "ChannelAuthorizationFailures",
                    ),
                    statistic="Sum",
                    series='increase({"valkey.acl.denied", "valkey.acl.denied.reason"=~"cmd|key|channel", GROUP}[5m])',
                ),
                _SERVERLESS: Measure(
                    metrics=("CommandAuthorizationFailures", "KeyAuthorizationFailures"), statistic="Sum"
                ),
            }
        ),
        when="Redis and Valkey with users",
        applies=lambda cache: cache.has_users,
        threshold=lambda _: 10,
        why="more than a person's typing errors",
        unit="commands in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=1,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.IAM_THROTTLING,
        meaning="IAM logins are throttled: clients connect too often",
        severity=Severity.WARNING,
        measures=_by_kind(Measure(metrics=("IamAuthenticationThrottling",), statistic="Sum"), _GROUP, _SERVERLESS),
        when="with IAM users",
        applies=lambda cache: cache.has_iam_users,
        threshold=lambda _: 0,
        why="any: each was a failed login",
        unit="logins in five minutes",
        limits=_COUNT,
        minutes=5,
        periods=1,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.THROTTLED_COMMANDS,
        meaning="Commands are throttled: the limit is reached, or the load grows faster than the cache scales",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("ThrottledCmds",), statistic="Sum"), _SERVERLESS),
        threshold=lambda _: 0,
        why="any, for five minutes: it takes minutes to scale",
        unit="commands in a minute",
        limits=_COUNT,
        missing=_NOTHING,
    ),
    Row(
        alarm=CacheAlarm.STORAGE,
        meaning="Data storage is near its maximum: then items are evicted, or writes refused",
        severity=Severity.CRITICAL,
        measures=_by_kind(Measure(metrics=("BytesUsedForCache",)), _SERVERLESS),
        when="with maximum_storage_gb",
        applies=lambda cache: cache.maximum_storage_gb is not None,
        threshold=lambda cache: round((cache.maximum_storage_gb or 0) * 1000**3 * 0.8),
        why="80 % of maximum_storage_gb",
        unit="bytes",
        limits=(0, 5000 * 1000**3),
        missing=_STORED,
    ),
    Row(
        alarm=CacheAlarm.ECPU,
        meaning="The load is near its maximum: above it, commands are throttled",
        severity=Severity.WARNING,
        measures=_by_kind(Measure(metrics=("ElastiCacheProcessingUnits",), statistic="Sum"), _SERVERLESS),
        when="with maximum_ecpu_per_second",
        applies=lambda cache: cache.maximum_ecpu_per_second is not None,
        threshold=lambda cache: round((cache.maximum_ecpu_per_second or 0) * 60 * 0.8),
        why="80 % of maximum_ecpu_per_second",
        unit="ECPUs in a minute",
        limits=(0, 15_000_000 * 60),
        missing=_IDLE,
    ),
    Row(
        alarm=CacheAlarm.CACHE_HIT_RATE,
        meaning="Reads miss more often than usual: the database answers in the cache's place",
        severity=Severity.WARNING,
        measures=MappingProxyType(
            {
                _GROUP: _hit_rate("CacheHits", "CacheMisses"),
                _MEMCACHED: _hit_rate("GetHits", "GetMisses"),
                _SERVERLESS: Measure(metrics=("CacheHitRate",), statistic="Average"),
            }
        ),
        when="if a threshold is given; not on serverless Memcached",
        applies=lambda cache: cache.kind is not CacheKind.SERVERLESS or cache.engine != "memcached",
        threshold=lambda _: None,
        why="none: what is usual depends on the application",
        unit="percent",
        limits=_PERCENT,
        below=True,
        minutes=5,
        periods=3,
        missing=_IDLE,
    ),
    *(
        Row(
            alarm=alarm,
            meaning=f"The engine takes longer than usual to answer {kind}s",
            severity=Severity.WARNING,
            measures=_by_kind(
                Measure(metrics=(f"Successful{kind.title()}RequestLatency",), statistic="p99"), _GROUP, _SERVERLESS
            ),
            when="if a threshold is given",
            threshold=lambda _: None,
            why="none: what is usual depends on the commands",
            unit="microseconds, of 99 %",
            limits=(1, 60_000_000),
            missing=_IDLE,
        )
        for alarm, kind in ((CacheAlarm.READ_LATENCY, "read"), (CacheAlarm.WRITE_LATENCY, "write"))
    ),
)
