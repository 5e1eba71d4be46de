"""The alarms that caches have by default: which, on which dimensions, at which thresholds, and who is told."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from elasticache_constructs import (
    Access,
    AutoScaling,
    CacheAlarm,
    CacheAlarms,
    ConfigurationError,
    DefaultUser,
    Durability,
    Engine,
    IamUser,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
    Topology,
)
from elasticache_constructs.shared.monitoring.table import ROWS, CacheKind, CacheProfile
from elasticache_rules import facts
from tests.conftest import Bench, new_bench
from tests.unit.builders import memcached_cluster, replication_group

if TYPE_CHECKING:
    from collections.abc import Mapping

A = CacheAlarm
IAM = Access.users(default=DefaultUser.disabled(), users=[IamUser("app", Permissions.read_write("a:*"))])
TOKEN = Access.auth_token()
SMALL, LARGE, TIERED = NodeType("cache.t4g.small"), NodeType("cache.r7g.xlarge"), NodeType("cache.r6gd.xlarge")
LIMITS = ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000)
UNLIMITED = ServerlessLimits(unlimited_reason="Its load cannot be foreseen, and its cost is watched elsewhere")
PAGE = "docs/runbooks/alarms/README.md"
DURABLE = {"engine": Engine.VALKEY_9_1, "node_type": LARGE, "access": TOKEN, "topology": Topology(shards=2)}
REASON = "It is meant to be full: it holds pages that are rendered again"


@dataclass
class Made(Bench):
    """A cache with its alarms, to look at."""

    cache: Any

    @functools.cached_property
    def _template(self) -> dict[str, Any]:
        return super().template()

    def template(self, stack: cdk.Stack | None = None) -> dict[str, Any]:
        """The template, which nothing changes any more."""
        return self._template if stack is None else super().template(stack)

    @property
    def alarms(self) -> dict[str, dict[str, Any]]:
        """The properties of the alarms by logical id."""
        return {name: each["Properties"] for name, each in self.resources("CloudWatch::Alarm").items()}

    def logical_id(self, kind: str) -> str:
        """The logical id of the one resource of a type."""
        (name,) = self.resources(kind)
        return name


@functools.cache
def _group(**changes: Any) -> Made:
    bench = new_bench()
    return Made(bench.stack, bench.vpc, replication_group(bench, **{"alarms": None, "access": IAM, **changes}))


@functools.cache
def _cluster(**changes: Any) -> Made:
    bench = new_bench()
    return Made(bench.stack, bench.vpc, memcached_cluster(bench, **{"alarms": None, **changes}))


@functools.cache
def _serverless(**changes: Any) -> Made:
    bench = new_bench()
    arguments = {"vpc": bench.vpc, "limits": LIMITS, "access": IAM, **changes}
    return Made(bench.stack, bench.vpc, ServerlessCache(bench.stack, "Cache", **arguments))


MEMCACHED = {"engine": ServerlessEngine.MEMCACHED_1_6, "access": None}
CACHES = {
    "redis": _group,
    "redis cluster": functools.partial(_group, topology=Topology(shards=2), node_type=LARGE),
    "valkey": functools.partial(_group, engine=Engine.VALKEY_8_2, node_type=LARGE),
    "memcached": _cluster,
    "serverless": _serverless,
    "serverless memcached": functools.partial(_serverless, **MEMCACHED),
}
every_cache = pytest.mark.parametrize("make", CACHES.values(), ids=CACHES)


def _dimensions(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The dimensions of each metric of an alarm."""
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [alarm]
    return [{each["Name"]: each["Value"] for each in metric["Dimensions"]} for metric in metrics]


def _query(alarm: Mapping[str, Any]) -> str:
    """The query of a PromQL alarm, with ``GROUP`` for the id of the group."""
    pieces = alarm["EvaluationCriteria"]["PromQLCriteria"]["Query"]["Fn::Join"][1]
    return "".join(each if isinstance(each, str) else "GROUP" for each in pieces)


def _names(made: Made) -> set[CacheAlarm]:
    return {*made.cache.alarms}


def _threshold(made: Made, alarm: CacheAlarm) -> float:
    (properties,) = (each for each in made.alarms.values() if alarm.runbook in each["AlarmDescription"])
    return float(properties["Threshold"])


# Which alarms a cache has

ALWAYS = {A.SWAP_USAGE, A.CONNECTIONS, A.NETWORK_BANDWIDTH, A.NETWORK_PACKETS}
OF_GROUPS = {*ALWAYS, A.REJECTED_CONNECTIONS, A.TRAFFIC_MANAGEMENT, A.AUTHENTICATION_FAILURES}
OF_IAM = {A.AUTHORIZATION_FAILURES, A.IAM_THROTTLING}


@pytest.mark.parametrize(
    ("make", "alarms"),
    [
        pytest.param(
            _group,
            {*OF_GROUPS, *OF_IAM, A.HOST_CPU, A.CPU_CREDITS, A.DATABASE_MEMORY, A.EVICTIONS, A.REPLICATION_LAG},
            id="Redis on small burstable nodes",
        ),
        pytest.param(
            functools.partial(_group, node_type=LARGE, access=TOKEN, topology=Topology(replicas_per_shard=0)),
            {*OF_GROUPS, A.ENGINE_CPU, A.DATABASE_MEMORY, A.EVICTIONS},
            id="Redis on large nodes, without users and replicas",
        ),
        pytest.param(
            functools.partial(_group, node_type=TIERED, access=TOKEN),
            {*OF_GROUPS, A.ENGINE_CPU, A.DATABASE_CAPACITY, A.EVICTIONS, A.REPLICATION_LAG},
            id="Redis with data tiering",
        ),
        pytest.param(
            functools.partial(_group, engine=Engine.VALKEY_8_2, node_type=LARGE),
            {
                *(*OF_GROUPS, *OF_IAM, A.ENGINE_CPU, A.DATABASE_MEMORY, A.EVICTIONS),
                *(A.REPLICATION_LAG, A.REPLICATION_LINK),
            },
            id="Valkey",
        ),
        pytest.param(
            functools.partial(_group, **DURABLE, durability=Durability.asynchronous()),
            {
                *(*OF_GROUPS, A.ENGINE_CPU, A.DATABASE_MEMORY, A.EVICTIONS, A.REPLICATION_LAG, A.REPLICATION_LINK),
                *(A.DURABILITY_LAG, A.DURABILITY_REFUSALS),
            },
            id="Valkey that is durable later",
        ),
        pytest.param(
            functools.partial(_group, **DURABLE, durability=Durability.sync()),
            {*OF_GROUPS, A.ENGINE_CPU, A.DATABASE_MEMORY, A.EVICTIONS, A.REPLICATION_LAG, A.REPLICATION_LINK},
            id="Valkey that is durable at once, whose lag is always 0",
        ),
        pytest.param(
            functools.partial(_cluster, node_type=LARGE),
            {*ALWAYS, A.HOST_CPU, A.FREEABLE_MEMORY, A.EVICTIONS},
            id="Memcached",
        ),
        pytest.param(
            _serverless,
            {A.THROTTLED_COMMANDS, A.STORAGE, A.ECPU, A.EVICTIONS, A.AUTHENTICATION_FAILURES, *OF_IAM},
            id="serverless Valkey",
        ),
        pytest.param(
            functools.partial(_serverless, **MEMCACHED, limits=UNLIMITED),
            {A.THROTTLED_COMMANDS, A.EVICTIONS},
            id="serverless Memcached without limits",
        ),
    ],
)
def test_cache_has_the_alarms_of_its_kind(make: Any, alarms: set[CacheAlarm]) -> None:
    """What a metric exists for on this engine and node type is watched, and nothing else."""
    made = make()

    assert alarms == _names(made)
    assert {alarm.runbook for alarm in alarms} == {
        each["AlarmDescription"].rpartition(": ")[2] for each in made.alarms.values()
    }


@pytest.mark.parametrize(
    ("policy", "alarms"),
    [
        ("volatile-ttl", {A.DATABASE_MEMORY, A.EVICTIONS}),
        ("allkeys-lru", set()),
        ("noeviction", {A.DATABASE_MEMORY}),
    ],
)
def test_cache_that_is_meant_to_be_full_is_not_reported(policy: str, alarms: set[CacheAlarm]) -> None:
    """What a full memory means follows from the eviction policy."""
    profile = CacheProfile(kind=CacheKind.REPLICATION_GROUP, engine="redis", nodes=1, eviction_policy=policy)

    assert alarms == {A.DATABASE_MEMORY, A.EVICTIONS} & {row.alarm for row in ROWS if row.is_of(profile)}


def test_eviction_policy_is_that_of_the_parameters() -> None:
    """The parameter's default counts as well as what is set."""
    bench = new_bench()
    cache = replication_group(bench, alarms=None, access=TOKEN, parameters={"maxmemory-policy": "allkeys-lru"})

    assert {A.DATABASE_MEMORY, A.EVICTIONS} <= _names(_group())
    assert set() == {A.DATABASE_MEMORY, A.EVICTIONS} & {*cache.alarms}


def test_tokens_leave_out_what_is_not_known() -> None:
    """A node type or window that is known at deployment only gives no threshold and no schedule."""
    bench = new_bench()
    node_type = cdk.CfnParameter(bench.stack, "Type").value_as_string
    window = cdk.CfnParameter(bench.stack, "Window").value_as_string
    cache = replication_group(
        bench, alarms=None, access=TOKEN, node_type=NodeType(node_type), maintenance_window=window
    )

    assert {A.ENGINE_CPU} == {A.ENGINE_CPU, A.HOST_CPU, A.CPU_CREDITS} & {*cache.alarms}
    assert {} == bench.resources("CloudWatch::AlarmMuteRule")


# Thresholds


@pytest.mark.parametrize(
    ("make", "alarm", "threshold"),
    [
        pytest.param(_group, A.HOST_CPU, 45, id="90 % of one of two cores"),
        pytest.param(_cluster, A.HOST_CPU, 90, id="Memcached uses all cores"),
        pytest.param(functools.partial(_group, node_type=LARGE), A.ENGINE_CPU, 90, id="90 % of the engine's core"),
        pytest.param(_group, A.CPU_CREDITS, 10, id="five minutes of two cores"),
        pytest.param(_group, A.DATABASE_MEMORY, 80, id="80 % of maxmemory"),
        pytest.param(_group, A.SWAP_USAGE, 50 * 1024**2, id="50 MiB of a small node"),
        pytest.param(
            functools.partial(_group, node_type=LARGE), A.SWAP_USAGE, 282_608_848, id="1 % of 26.32 GiB of a large node"
        ),
        pytest.param(_cluster, A.FREEABLE_MEMORY, 100 * 1024**2, id="100 MiB of a small node"),
        pytest.param(_group, A.CONNECTIONS, 52_000, id="80 % of maxclients"),
        pytest.param(_serverless, A.STORAGE, 8_000_000_000, id="80 % of 10 GB"),
        pytest.param(_serverless, A.ECPU, 240_000, id="80 % of 5000 a second, in a minute"),
    ],
)
def test_threshold_follows_from_the_cache(make: Any, alarm: CacheAlarm, threshold: float) -> None:
    """Thresholds are facts of node type, parameters and limits."""
    assert threshold == _threshold(make(), alarm)


def test_every_default_threshold_is_within_its_limits() -> None:
    """What is refused of a user is not what the table does, on any node type."""
    wrong = [
        (row.alarm, name, threshold)
        for name in facts.node_types()
        for kind, engine in ((CacheKind.REPLICATION_GROUP, "valkey"), (CacheKind.MEMCACHED, "memcached"))
        for row in ROWS
        if row.is_of(profile := CacheProfile(kind=kind, engine=engine, node_type=facts.node_type(name), nodes=3))
        and (threshold := row.threshold(profile)) is not None
        and not row.limits[0] <= threshold <= row.limits[1]
    ]

    assert [] == wrong


# Dimensions


@pytest.mark.parametrize(
    "topology",
    [Topology(replicas_per_shard=0), Topology(replicas_per_shard=3), Topology(shards=3), Topology(cluster_mode=True)],
    ids=["one node", "four nodes", "three shards", "cluster of one shard"],
)
def test_every_node_of_a_group_is_watched(topology: Topology) -> None:
    """Each alarm has the dimensions that the service publishes under, for each node, in both cluster modes."""
    made = _group(topology=topology, node_type=LARGE)

    group = made.logical_id("ElastiCache::ReplicationGroup")
    middle = ["-0001", "-0002", "-0003"][: topology.shards] if topology.cluster_mode_enabled else [""]
    nodes = [f"{shard}-{node:03}" for shard in middle for node in range(1, topology.nodes_per_shard + 1)]
    wanted = {json.dumps({"CacheClusterId": {"Fn::Join": ["", [{"Ref": group}, node]]}}) for node in nodes}
    watched: dict[str, set[str]] = {}
    for properties in made.alarms.values():
        watched.setdefault(properties["AlarmDescription"], set()).update(map(json.dumps, _dimensions(properties)))
    assert dict.fromkeys(watched, wanted) == watched


def test_every_memcached_node_is_watched() -> None:
    """A Memcached node is found by its cluster and its number."""
    made = _cluster(nodes=3)

    cluster = {"Ref": made.logical_id("ElastiCache::CacheCluster")}
    wanted = [{"CacheClusterId": cluster, "CacheNodeId": f"{node:04}"} for node in range(1, 4)]
    for properties in made.alarms.values():
        assert (
            wanted == [each for each in _dimensions(properties) if each in wanted][:: len(_dimensions(properties)) // 3]
        )
        assert len(_dimensions(properties)) % 3 == 0


@pytest.mark.parametrize("make", [_serverless, functools.partial(_serverless, **MEMCACHED)])
def test_serverless_cache_is_watched_by_its_name(make: Any) -> None:
    """Under ServerlessCacheName no data ever arrive."""
    made = make()

    for properties in made.alarms.values():
        dimensions = _dimensions(properties)
        assert [{"clusterId": made.cache.serverless_cache_name}] * len(dimensions) == dimensions


@pytest.mark.parametrize("nodes", [10, 11, 25])
def test_alarm_takes_ten_metrics_at_most(nodes: int) -> None:
    """More nodes take several alarms, under one name; none is left out, and CloudWatch takes each."""
    made = _cluster(nodes=nodes)

    cpu = [each for each in made.alarms.values() if A.HOST_CPU.runbook in each["AlarmDescription"]]
    assert -(-nodes // 10) == len(cpu)
    assert [f"{node:04}" for node in range(1, nodes + 1)] == [
        each["CacheNodeId"] for properties in cpu for each in _dimensions(properties)
    ]
    assert all(len(_dimensions(properties)) <= 10 for properties in made.alarms.values())
    composites = made.resources("CloudWatch::CompositeAlarm").values()
    texts = [json.dumps(each) for each in composites if A.HOST_CPU.runbook in each["Properties"]["AlarmDescription"]]
    if nodes == 10:
        assert [] == texts
    else:
        (text,) = texts
        ids = [name for name in made.alarms if name.startswith("MemcachedHostCpuAlarm")]
        assert all(f'"{name}", "Arn"' in text for name in ids)
        assert isinstance(made.cache.alarms[A.HOST_CPU], cloudwatch.CompositeAlarm)


def test_first_alarm_keeps_its_id_when_nodes_are_added() -> None:
    """CloudFormation changes no type in place: an alarm must not become a composite under its id."""
    few, many = _cluster(nodes=10), _cluster(nodes=11)

    assert {*few.alarms} <= {*many.alarms}
    assert set() == {*many.resources("CloudWatch::CompositeAlarm")} & {*few.alarms}


# PromQL

GROUP = '"@resource.aws.elasticache.replication_group.id"="GROUP"'
VENDED: dict[str, set[str]] = {
    "process.cpu.time": {"thread.type"},
    "system.network.allowance_exceeded": {"network.allowance_exceeded.reason"},
    "system.paging.usage": {"system.paging.state"},
    "valkey.acl.denied": {"valkey.acl.denied.reason"},
    "valkey.clients.connected": set(),
    "valkey.connections.rejected": set(),
    "valkey.keys.evicted": set(),
    "valkey.keyspace.hits": set(),
    "valkey.keyspace.misses": set(),
    "valkey.memory.max": set(),
    "valkey.memory.used": set(),
    "valkey.replication.link_healthy": set(),
    "valkey.throttling.active": set(),
}
"""The metrics that AWS publishes without charge, with their attributes, as otel-metrics-reference lists them."""


def test_queries_of_valkey() -> None:
    """Each query is one of AWS's examples with the threshold of its row, and matches this group only."""
    queries = {
        properties["AlarmDescription"].rpartition("/")[2]: _query(properties)
        for properties in _group(engine=Engine.VALKEY_8_2, node_type=LARGE).alarms.values()
        if "EvaluationCriteria" in properties
    }

    denied = f'increase({{"valkey.acl.denied", "valkey.acl.denied.reason"{{}}, {GROUP}}}[5m]) > 10'
    exceeded = 'increase({"system.network.allowance_exceeded", "network.allowance_exceeded.reason"=~"{}", '
    exceeded += f"{GROUP}}}[5m]) > 0"
    assert {
        "engine-cpu.md": '100 * sum without ("cpu.mode") (rate({"process.cpu.time", "thread.type"="main", '
        f"{GROUP}}}[5m])) > 90",
        "database-memory.md": f'100 * {{"valkey.memory.used", {GROUP}}} / {{"valkey.memory.max", {GROUP}}} > 80',
        "swap-usage.md": f'{{"system.paging.usage", "system.paging.state"="used", {GROUP}}} > 282608848',
        "evictions.md": f'increase({{"valkey.keys.evicted", {GROUP}}}[5m]) > 0',
        "connections.md": f'{{"valkey.clients.connected", {GROUP}}} > 52000',
        "rejected-connections.md": f'increase({{"valkey.connections.rejected", {GROUP}}}[5m]) > 0',
        "replication-link.md": f'{{"valkey.replication.link_healthy", "valkey.role"="replica", {GROUP}}} < 1',
        "traffic-management.md": f'{{"valkey.throttling.active", {GROUP}}} > 0',
        "network-bandwidth.md": exceeded.replace("{}", "bandwidth_in|bandwidth_out"),
        "network-packets.md": exceeded.replace("{}", "pps|conntrack"),
        "authentication-failures.md": denied.replace("{}", '="auth"'),
        "authorization-failures.md": denied.replace("{}", '=~"cmd|key|channel"'),
    } == queries


def test_queries_use_what_is_published_without_charge() -> None:
    """A metric that has to be selected first, or an attribute that it does not have, gives no data."""
    for row in ROWS:
        for measure in row.measures.values():
            for selector in re.findall(r"\{(.*?)\}", measure.series or ""):
                metric, *matchers = selector.split(", ")
                labels = {each.partition('"')[2].partition('"')[0] for each in matchers} - {"", "valkey.role"}
                assert labels <= VENDED[metric.strip('"')], row.alarm


@pytest.mark.parametrize(("alarm", "pending"), [(A.DATABASE_MEMORY, 300), (A.EVICTIONS, 600)])
def test_promql_alarm_waits_as_long_as_one_on_metrics(alarm: CacheAlarm, pending: int) -> None:
    """An increase over five minutes has waited for five already."""
    made = _group(engine=Engine.VALKEY_8_2, node_type=LARGE)
    (properties,) = (each for each in made.alarms.values() if alarm.runbook in each["AlarmDescription"])

    assert (60, pending, 300) == (
        properties["EvaluationInterval"],
        properties["EvaluationCriteria"]["PromQLCriteria"]["PendingPeriod"],
        properties["EvaluationCriteria"]["PromQLCriteria"]["RecoveryPeriod"],
    )


def test_alarms_of_redis_and_valkey_have_different_ids() -> None:
    """An upgrade from Redis to Valkey makes new alarms: those on metrics do not become PromQL alarms in place."""
    redis, valkey = _group(node_type=LARGE), _group(node_type=LARGE, engine=Engine.VALKEY_8_2)

    same = {*redis.alarms} & {*valkey.alarms}
    assert all("Metrics" in valkey.alarms[name] for name in same)
    assert 12 == len([name for name in valkey.alarms if "EvaluationCriteria" in valkey.alarms[name]])


# Nodes that are not known


def _scaled(engine: Engine) -> Made:
    scaling = AutoScaling(minimum=2, maximum=8, target_percent=60)
    return _group(
        engine=engine,
        node_type=NodeType("cache.r7g.large"),
        topology=Topology(shards=2, shard_scaling=scaling),
    )


def test_scaled_valkey_keeps_its_alarms() -> None:
    """PromQL alarms name no node, so that nodes which come later are watched."""
    made = _scaled(Engine.VALKEY_8_2)

    assert A.ENGINE_CPU in _names(made)
    assert {"EvaluationCriteria"} == {
        "Metrics" if "Metrics" in each else "EvaluationCriteria" for each in made.alarms.values()
    }
    assert 12 == len(made.alarms)


def test_scaled_redis_is_watched_as_a_whole() -> None:
    """AWS publishes few metrics for a whole group; no alarm names a node that may be gone."""
    made = _scaled(Engine.REDIS_7_1)

    assert {A.ENGINE_CPU, A.DATABASE_MEMORY} == _names(made)
    group = {"Ref": made.logical_id("ElastiCache::ReplicationGroup")}
    assert {
        "EngineCPUUtilization": [{"ReplicationGroupId": group}],
        "DatabaseMemoryUsageCountedForEvictPercentage": [{"ReplicationGroupId": group}],
    } == {each["MetricName"]: _dimensions(each) for each in made.alarms.values()}


def test_scaled_memcached_is_watched_as_a_whole() -> None:
    """Without the number of a node, a metric is over all nodes that there are."""
    made = _cluster(
        node_type=NodeType("cache.r7g.large"), node_scaling=AutoScaling(minimum=2, maximum=6, target_percent=60)
    )

    cluster = {"CacheClusterId": {"Ref": made.logical_id("ElastiCache::CacheCluster")}}
    assert A.HOST_CPU in _names(made)
    assert all(each == cluster for properties in made.alarms.values() for each in _dimensions(properties))


def test_group_of_very_many_nodes_fits_a_stack() -> None:
    """An alarm for ten nodes each would fill the stack of a group of 500."""
    profile = CacheProfile(kind=CacheKind.REPLICATION_GROUP, engine="redis", nodes=91)

    assert {A.ENGINE_CPU, A.DATABASE_MEMORY} == {
        row.alarm for row in ROWS if row.is_of(profile) and row.threshold(profile) is not None
    }


# Who is told


@every_cache
def test_every_alarm_tells_its_topic(make: Any) -> None:
    """When it is raised, and when it is over."""
    made = make()

    assert made.alarms
    topic = made.stack.resolve(made.cache.alarm_topic.topic_arn)
    for properties in made.alarms.values():
        assert ([topic], [topic]) == (properties["AlarmActions"], properties["OKActions"])
        assert properties.get("ActionsEnabled", True)


@every_cache
def test_topic_is_encrypted_with_a_key_of_the_stack(make: Any) -> None:
    """CloudWatch may use it; Memcached, which has no other, gets one."""
    made = make()

    topic = made.stack.resolve(made.cache.alarm_topic.topic_arn)["Ref"]
    properties = made.resources("SNS::Topic")[topic]["Properties"]
    assert [properties["KmsMasterKeyId"]] == [{"Fn::GetAtt": [made.logical_id("KMS::Key"), "Arn"]}]


@every_cache
def test_health_is_that_of_all_alarms(make: Any) -> None:
    """The composite has every alarm, and no action: the members have."""
    made = make()

    (health,) = (
        each["Properties"]
        for each in made.resources("CloudWatch::CompositeAlarm").values()
        if PAGE in each["Properties"]["AlarmDescription"]
    )
    rule = json.dumps(health["AlarmRule"])
    arns = [made.stack.resolve(alarm.alarm_arn) for alarm in made.cache.alarms.values()]
    assert [] == [arn for arn in arns if json.dumps(arn) not in rule]
    assert len(arns) - 1 == rule.count(" OR ")
    assert set() == {"AlarmActions", "OKActions"} & {*health}
    assert made.stack.resolve(made.cache.health.alarm_arn)["Fn::GetAtt"][0] in made.resources(
        "CloudWatch::CompositeAlarm"
    )


@pytest.mark.parametrize("kind", [ReplicationGroup, MemcachedCluster, ServerlessCache])
def test_topic_can_be_given(kind: Any) -> None:
    """Caches share a topic: it is let be used by CloudWatch, and no other topic or key is made for alarms."""
    bench = new_bench()
    key = kms.Key(bench.stack, "Shared")
    topic = sns.Topic(bench.stack, "Mine", master_key=key)
    arguments: dict[Any, dict[str, Any]] = {
        ReplicationGroup: {"engine": Engine.REDIS_7_1, "node_type": SMALL, "access": IAM},
        MemcachedCluster: {"node_type": SMALL},
        ServerlessCache: {"limits": LIMITS, "access": IAM},
    }
    cache = kind(bench.stack, "Cache", vpc=bench.vpc, alarm_topic=topic, **arguments[kind])

    mine = {"Ref": bench.stack.get_logical_id(topic.node.default_child)}  # type: ignore[arg-type]
    assert topic is cache.alarm_topic
    assert {json.dumps([mine])} == {
        json.dumps(each["Properties"]["AlarmActions"]) for each in bench.resources("CloudWatch::Alarm").values()
    }
    assert not [name for name in bench.resources("SNS::Topic") if "AlarmTopic" in name]
    assert not [name for name in bench.resources("KMS::Key") if "AlarmKey" in name]
    policies = json.dumps([*bench.resources("SNS::TopicPolicy").values(), *bench.resources("KMS::Key").values()])
    assert policies.count('"cloudwatch.amazonaws.com"') >= 2


# In the maintenance window


@pytest.mark.parametrize(
    ("window", "expression", "duration"),
    [
        ("sun:04:00-sun:05:00", "cron(0 4 * * SUN)", "PT1H"),
        ("fri:23:30-sat:01:00", "cron(30 23 * * FRI)", "PT1H30M"),
    ],
)
def test_alarms_are_muted_in_the_maintenance_window(window: str, expression: str, duration: str) -> None:
    """Every alarm and the composite, from the start of the window for as long as it lasts."""
    made = _cluster(maintenance_window=window)

    rule = made.only("CloudWatch::AlarmMuteRule")["Properties"]
    schedule = rule["Rule"]["Schedule"]
    assert (expression, duration, None) == (schedule["Expression"], schedule["Duration"], schedule.get("Timezone"))
    names = {each["Ref"] for each in rule["MuteTargets"]["AlarmNames"]}
    assert {*made.alarms, *made.resources("CloudWatch::CompositeAlarm")} == names


def test_serverless_cache_has_no_maintenance_window() -> None:
    """So there is nothing to mute."""
    assert {} == _serverless().resources("CloudWatch::AlarmMuteRule")


# Changes


def test_threshold_and_removal_take_one_line_each() -> None:
    """One changes a threshold, the other removes an alarm; all others stay."""
    alarms = CacheAlarms(thresholds={A.DATABASE_MEMORY: 85}, removed={A.EVICTIONS: REASON})
    made = _group(alarms=alarms)

    assert 85 == _threshold(made, A.DATABASE_MEMORY)
    assert _names(_group()) - {A.EVICTIONS} == _names(made)


@pytest.mark.parametrize("engine", [Engine.REDIS_7_1, Engine.VALKEY_8_2])
def test_some_alarms_are_made_for_a_given_threshold_only(engine: Engine) -> None:
    """What hit rate and latency are usual, the application knows."""
    optional = {A.CACHE_HIT_RATE: 80, A.READ_LATENCY: 2000, A.WRITE_LATENCY: 3000}
    made = _group(engine=engine, alarms=CacheAlarms(thresholds=optional))

    assert {*optional} == _names(made) - _names(_group(engine=engine))
    assert 2000 == _threshold(made, A.READ_LATENCY)
    (rate,) = (each for each in made.alarms.values() if A.CACHE_HIT_RATE.runbook in each["AlarmDescription"])
    if engine.name == "redis":
        (expression,) = (each["Expression"] for each in rate["Metrics"] if "Expression" in each)
        assert ("100*(hits1+hits2)/(hits1+hits2+misses1+misses2)", "LessThanThreshold") == (
            expression,
            rate["ComparisonOperator"],
        )
    else:
        hits, misses = (f'sum(rate({{"valkey.keyspace.{each}", {GROUP}}}[5m]))' for each in ("hits", "misses"))
        assert f"100 * {hits} / ({hits} + {misses}) < 80" == _query(rate)


def test_cache_can_do_without_alarms() -> None:
    """With a reason there is none, and no topic to pay a key for."""
    made = _cluster(alarms=CacheAlarms(no_alarms_reason="Another system watches it, from its own agents"))

    assert ({}, None, None) == (dict(made.cache.alarms), made.cache.alarm_topic, made.cache.health)
    assert {} == {**made.resources("CloudWatch::Alarm"), **made.resources("KMS::Key")}


def test_imported_caches_have_metrics_and_no_alarms(bench: Bench) -> None:
    """Nothing is made for what is not the app's."""
    group = ReplicationGroup.from_replication_group_attributes(
        bench.stack, "G", replication_group_id="g", endpoint_address="g.example.com", security_groups=[]
    )

    assert ({}, None, None) == (dict(group.alarms), group.alarm_topic, group.health)
    assert "Resources" not in bench.template()


# Refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"thresholds": {"DATABASE_MEMRY": 85}},
            "CacheAlarms(thresholds={'DATABASE_MEMRY': ...}): an alarm is named by a CacheAlarm. "
            f"Use CacheAlarm.DATABASE_MEMORY. See {PAGE}",
            id="unknown alarm",
        ),
        pytest.param(
            {"thresholds": {A.DATABASE_MEMORY: 101}},
            "CacheAlarms(thresholds={CacheAlarm.DATABASE_MEMORY: 101}): the threshold of this alarm is a number from "
            f"1 to 100, in percent. Use a number in that range, or leave it out. See {PAGE}",
            id="threshold above its limits",
        ),
        pytest.param(
            {"thresholds": {A.DATABASE_MEMORY: True}},
            "CacheAlarms(thresholds={CacheAlarm.DATABASE_MEMORY: True}): the threshold of this alarm is a number from "
            f"1 to 100, in percent. Use a number in that range, or leave it out. See {PAGE}",
            id="threshold of another type",
        ),
        pytest.param(
            {"thresholds": {A.SWAP_USAGE: float("nan")}},
            "CacheAlarms(thresholds={CacheAlarm.SWAP_USAGE: nan}): the threshold of this alarm is a number from 0 to "
            f"1099511627776, in bytes. Use a number in that range, or leave it out. See {PAGE}",
            id="not a number",
        ),
        pytest.param(
            {"thresholds": {A.TRAFFIC_MANAGEMENT: 1}},
            "CacheAlarms(thresholds={CacheAlarm.TRAFFIC_MANAGEMENT: 1}): the threshold of this alarm is 0: its metric "
            f"is 1 or 0. Leave it out. See {PAGE}",
            id="threshold that cannot be chosen",
        ),
        pytest.param(
            {"removed": {A.EVICTIONS: "too short"}},
            "CacheAlarms(removed={CacheAlarm.EVICTIONS: ...}) with the reason 'too short': a reason has 20 characters "
            "at least. Write why this is right here, so that it can be reviewed.",
            id="short reason",
        ),
        pytest.param(
            {"removed": {A.EVICTIONS: None}},
            "CacheAlarms(removed={CacheAlarm.EVICTIONS: ...}) with None of type NoneType: an alarm is removed for a "
            "written reason. Write why this cache does without it, so that it can be reviewed.",
            id="no reason",
        ),
        pytest.param(
            {"thresholds": {A.EVICTIONS: 5}, "removed": {A.EVICTIONS: REASON}},
            "CacheAlarms with a threshold for CacheAlarm.EVICTIONS, which is removed: an alarm has a threshold, or is "
            "removed. Leave CacheAlarm.EVICTIONS out of thresholds or of removed.",
            id="removed and threshold",
        ),
        pytest.param(
            {"thresholds": {A.EVICTIONS: 5}, "no_alarms_reason": REASON},
            "CacheAlarms(no_alarms_reason=...) with thresholds: without alarms there is nothing to change about them. "
            "Leave no_alarms_reason out, or everything else.",
            id="no alarms and a threshold",
        ),
        pytest.param(
            {"thresholds": 5},
            "CacheAlarms(thresholds=5) of type int: thresholds is of type Mapping. "
            "Use thresholds={CacheAlarm.DATABASE_MEMORY: 85}.",
            id="no mapping",
        ),
    ],
)
def test_change_that_says_nothing_is_refused(arguments: dict[str, Any], message: str) -> None:
    """An alarm that does not exist, a threshold that is never reached, a reason that says nothing."""
    with pytest.raises(ConfigurationError) as refusal:
        CacheAlarms(**arguments)

    assert message == str(refusal.value)


@pytest.mark.parametrize(
    ("alarms", "message"),
    [
        pytest.param(
            CacheAlarms(thresholds={A.STORAGE: 5_000_000}),
            "CacheAlarms(thresholds={CacheAlarm.STORAGE: ...}) of this ReplicationGroup: this cache does not have the "
            f"alarm, which ServerlessCache can have: with maximum_storage_gb. Leave it out. See {PAGE}",
            id="of another kind of cache",
        ),
        pytest.param(
            CacheAlarms(removed={A.CPU_CREDITS: "Its nodes do not run on credits, so there is no such alarm"}),
            "CacheAlarms(removed={CacheAlarm.CPU_CREDITS: ...}) of this ReplicationGroup: this cache does not have the "
            "alarm, which ReplicationGroup and MemcachedCluster can have: burstable node types (cache.t3, cache.t4g). "
            f"Leave it out. See {PAGE}",
            id="of another node type",
        ),
        pytest.param(
            CacheAlarms(removed={A.CACHE_HIT_RATE: "Reads are few, and misses are what they are for"}),
            "CacheAlarms(removed={CacheAlarm.CACHE_HIT_RATE: ...}) of this ReplicationGroup: this cache does not have "
            "the alarm, which ReplicationGroup and MemcachedCluster and ServerlessCache can have: if a threshold is "
            f"given; not on serverless Memcached. Leave it out. See {PAGE}",
            id="that is not made anyway",
        ),
        pytest.param(
            {"EVICTIONS": 5},
            "alarms={'EVICTIONS': 5} of type dict: alarms is of type CacheAlarms or None. "
            "Use alarms=CacheAlarms(thresholds={CacheAlarm.DATABASE_MEMORY: 85}).",
            id="no CacheAlarms",
        ),
    ],
)
def test_change_to_an_alarm_that_the_cache_does_not_have_is_refused(alarms: Any, message: str) -> None:
    """It would have no effect, and its author would not learn so."""
    bench = new_bench()

    with pytest.raises(ConfigurationError) as refusal:
        replication_group(bench, alarms=alarms, access=TOKEN, node_type=LARGE)

    assert message == str(refusal.value)


def test_topic_of_another_account_is_refused(bench: Bench) -> None:
    """Alarms publish to topics of their own account and region."""
    topic = sns.Topic.from_topic_arn(bench.stack, "Mine", "arn:aws:sns:eu-west-1:123456789012:mine")
    stack = cdk.Stack(None, "Here", env=cdk.Environment(account="210987654321", region="eu-west-1"))

    with pytest.raises(ConfigurationError, match="alarm_topic of the account 123456789012 in 210987654321"):
        MemcachedCluster(stack, "Cache", vpc=bench.vpc, node_type=SMALL, alarm_topic=topic)
