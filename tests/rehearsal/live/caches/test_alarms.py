"""Alarms on caches with engines: what ElastiCache publishes raises them, and what it does not publish is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import redis

from local_servers.memcached import memcached
from rehearsal.extension import seam
from rehearsal.live import alarms, deliveries
from rehearsal.live.control import ControlError

if TYPE_CHECKING:
    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.run import Run
    from tests.rehearsal.live.caches.conftest import Service

GROUP_ID = "@resource.aws.elasticache.replication_group.id"
MEMORY = f'100 * {{"valkey.memory.used", "{GROUP_ID}"="orders"}} / {{"valkey.memory.max", "{GROUP_ID}"="orders"}} > 80'
MINUTES = [(60 * minute, 90.0) for minute in range(8)]
SUNDAY_5_AM = datetime(2026, 11, 29, 5, 0, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module", autouse=True)
def _alarms(hooked: tuple[Run, Caches]) -> None:
    """Alarms in the emulator of this module."""
    deliveries.install(hooked[0])
    alarms.install(hooked[0])


@pytest.fixture(autouse=True)
def _no_alarms_left(service: Service) -> Any:
    yield
    seam.cloudwatch._alarms.clear()
    seam.cloudwatch._composite_alarms.clear()
    seam.cloudwatch._metrics.clear()
    service.control("mute-rules-at")


def _provision(resource_type: str, **properties: Any) -> str:
    name: str = seam.handlers()[resource_type]["create"]("Logical", properties, "stack")[0]
    return name


def _topic(service: Service) -> str:
    topic = _provision("AWS::SNS::Topic", TopicName="alarms")
    statement = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]}
    seam.sns._topics[topic]["attributes"]["Policy"] = json.dumps(policy)
    assert service.run
    return topic


def _query_alarm(name: str, query: str, *, pending: int = 300, **more: Any) -> None:
    criteria = {"PromQLCriteria": {"Query": query, "PendingPeriod": pending, "RecoveryPeriod": 300}}
    _provision("AWS::CloudWatch::Alarm", AlarmName=name, EvaluationCriteria=criteria, EvaluationInterval=60, **more)


def _alarm(name: str, metrics: dict[str, dict[str, str]], expression: str, metric: str, **more: Any) -> None:
    """An alarm of three minutes on metric math over dimensions by id."""
    queries: list[dict[str, Any]] = [
        {
            "Id": key,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ElastiCache",
                    "MetricName": metric,
                    "Dimensions": [{"Name": label, "Value": value} for label, value in dimensions.items()],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for key, dimensions in metrics.items()
    ]
    queries.append({"Id": "all", "Expression": expression, "ReturnData": True})
    settings = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 80, "EvaluationPeriods": 3}
    _provision("AWS::CloudWatch::Alarm", AlarmName=name, Metrics=queries, **{**settings, **more})


def _publish(service: Service, **metric: Any) -> None:
    service.control("publish", metrics=[metric])


def _state(name: str) -> str:
    alarm = seam.cloudwatch._alarms.get(name) or seam.cloudwatch._composite_alarms[name]
    return str(alarm["StateValue"])


def _messages(service: Service, name: str) -> list[str]:
    """The subjects of an alarm's messages."""
    delivered = service.journal("delivery")
    return [entry["subject"].partition(":")[0] for entry in delivered if f'"{name}"' in str(entry.get("subject"))]


def test_one_full_node_raises_the_alarm_of_its_group(service: Service) -> None:
    """The contributor is named; the alarm and its composite recover after the recovery period, and both are told."""
    service.sharded("orders", 2, 1)
    topic = _topic(service)
    _query_alarm("full", MEMORY, AlarmActions=[topic], OKActions=[topic])
    _provision("AWS::CloudWatch::CompositeAlarm", AlarmName="health", AlarmRule='ALARM("full")')
    service.control("measure")
    assert _state("full") == "OK"
    for metric, factor in (("valkey.memory.used", 1.0), ("valkey.memory.max", 100 / 90)):
        values = [(ago, value * factor) for ago, value in MINUTES]
        _publish(service, cache="orders", node="orders-0002-002", metric=metric, attributes={}, values=values)
    assert (_state("full"), _state("health")) == ("ALARM", "ALARM")
    assert "orders-0002-002" in seam.cloudwatch._alarms["full"]["StateReason"]
    assert "orders-0001-001" not in seam.cloudwatch._alarms["full"]["StateReason"]
    service.control("pass-time", seconds=540)
    assert _state("full") == "ALARM", "it was current for five minutes, and has been absent for four"
    service.control("pass-time", seconds=120)
    assert (_state("full"), _state("health")) == ("OK", "OK")
    assert _messages(service, "full")[-2:] == ["ALARM", "OK"]


def test_real_failures_of_logins_raise_their_alarm(service: Service) -> None:
    """What the engine counts is published: three wrong passwords are three failures of one node."""
    users = service.user("app")
    service("CreateUserGroup", UserGroupId="some", Engine="valkey", UserIds=[users])
    cache = service.group("orders", UserGroupIds=["some"])
    denied = '{"valkey.acl.denied", "valkey.acl.denied.reason"="auth"}'
    _query_alarm("logins", f"increase({denied}[5m]) > 2", pending=0)
    service.control("measure")
    service.control("pass-time", seconds=120)
    for _ in range(3):
        with pytest.raises(redis.AuthenticationError):
            service.connect(cache.names.primary, username="app", password="x" * 16).ping()
    service.control("measure")
    assert _state("logins") == "ALARM"
    failures = seam.cloudwatch._metrics.get(("AWS/ElastiCache", "AuthenticationFailures", "CacheClusterId=orders-001"))
    assert [point["Value"] for point in failures] == [0, 3]


def test_metric_math_finds_the_one_node(service: Service) -> None:
    """One of two nodes raises the alarm; a dimension that does not exist never gets data."""
    service.group("orders")
    nodes = {f"m{number}": {"CacheClusterId": f"orders-{number:03}"} for number in (1, 2)}
    _alarm("full", nodes, "MAX(METRICS())", "DatabaseMemoryUsagePercentage")
    _alarm("never", {"m1": {"CacheClusterId": "orders"}}, "MAX(METRICS())", "DatabaseMemoryUsagePercentage")
    arguments = {"cache": "orders", "node": "orders-002", "metric": "DatabaseMemoryUsagePercentage"}
    _publish(service, **arguments, values=MINUTES[:2])
    assert _state("full") == "OK", "two of three datapoints"
    _publish(service, **arguments, values=MINUTES[:3])
    assert (_state("full"), _state("never")) == ("ALARM", "INSUFFICIENT_DATA")
    service.control("pass-time", seconds=300)
    assert _state("full") == "INSUFFICIENT_DATA"


def test_a_muted_alarm_is_told_when_the_window_ends(service: Service) -> None:
    """In the window its state changes and no message is sent; afterwards it is, if the alarm is still raised."""
    service.group("orders")
    topic = _topic(service)
    node = {"m1": {"CacheClusterId": "orders-001"}}
    _alarm("muted", node, "m1", "EngineCPUUtilization", AlarmActions=[topic])
    window = {"Schedule": {"Expression": "cron(0 5 * * SUN)", "Duration": "PT1H"}}
    _provision("AWS::CloudWatch::AlarmMuteRule", Rule=window, MuteTargets={"AlarmNames": ["muted"]})
    service.control("mute-rules-at", at=SUNDAY_5_AM + 60)
    arguments = {"cache": "orders", "node": "orders-001", "metric": "EngineCPUUtilization"}
    _publish(service, **arguments, values=MINUTES[:3])
    assert _state("muted") == "ALARM"
    assert _messages(service, "muted") == []
    service.control("mute-rules-at", at=SUNDAY_5_AM + 3600)
    assert _messages(service, "muted") == ["ALARM"]
    service.control("mute-rules-at", at=SUNDAY_5_AM + 3660)
    assert _messages(service, "muted") == ["ALARM"], "it is told once"


def test_replicas_that_are_added_publish_metrics(service: Service) -> None:
    """A node that did not exist when the alarm was made is watched by its query."""
    service.group("orders")
    _query_alarm("full", MEMORY)
    service("IncreaseReplicaCount", ReplicationGroupId="orders", NewReplicaCount="2", ApplyImmediately="true")
    service.available("orders")
    for metric, value in (("valkey.memory.used", 90.0), ("valkey.memory.max", 100.0)):
        values = [(ago, value) for ago, _ in MINUTES]
        _publish(service, cache="orders", node="orders-003", metric=metric, attributes={}, values=values)
    assert "orders-003" in seam.cloudwatch._alarms["full"]["StateReason"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"cache": "orders", "node": "orders-003", "metric": "Evictions"},
            "the node 'orders-003' of orders: its nodes",
        ),
        ({"cache": "orders", "node": "orders-001", "metric": "GetHits"}, "the metric GetHits of orders-001"),
        ({"cache": "orders", "metric": "CPUUtilization"}, "the metric CPUUtilization of orders"),
        ({"cache": "baskets", "node": "baskets-001", "metric": "Evictions"}, "the cache baskets"),
        ({"cache": "pages", "node": "0001", "metric": "ThrottledCmds"}, "the metric ThrottledCmds"),
        ({"cache": "orders", "node": "orders-001", "metric": "valkey.memory.use", "attributes": {}}, "vends no such"),
        (
            {"cache": "orders", "node": "orders-001", "metric": "valkey.acl.denied", "attributes": {}},
            "the attributes {}",
        ),
        (
            {"cache": "orders", "node": "orders-001", "metric": "valkey.replication.link_healthy", "attributes": {}},
            "only replicas publish it",
        ),
        (
            {"cache": "pages", "node": "0001", "metric": "valkey.memory.used", "attributes": {}},
            "only replication groups",
        ),
    ],
)
def test_what_elasticache_does_not_publish_is_refused(service: Service, arguments: Any, told: str) -> None:
    """Neither nodes nor metrics nor attributes that do not exist get data."""
    service.group("orders")
    service("CreateCacheCluster", CacheClusterId="pages", Engine="memcached", CacheNodeType="cache.t4g.micro",
            NumCacheNodes="1")  # fmt: skip
    with pytest.raises(ControlError, match=told):
        service.control("publish", metrics=[{**arguments, "values": [(0, 1.0)]}])


def test_memcached_publishes_what_it_counts(service: Service) -> None:
    """Under the id of its cluster and that of its node."""
    memcached()
    service("CreateCacheCluster", CacheClusterId="pages", Engine="memcached", CacheNodeType="cache.t4g.micro",
            NumCacheNodes="2")  # fmt: skip
    assert service.control("measure")["nodes"] == ["pages-0001", "pages-0002"]
    for node in ("0001", "0002"):
        dimensions = f"CacheClusterId=pages|CacheNodeId={node}"
        [unused] = seam.cloudwatch._metrics[("AWS/ElastiCache", "UnusedMemory", dimensions)]
        assert unused["Value"] > 1e6


def test_alarms_that_cannot_be_evaluated_are_not_created(service: Service) -> None:
    """What the rehearsal does not understand fails the deployment, and names it."""
    assert service.run
    with pytest.raises(Exception, match="topk"):
        _query_alarm("top", 'topk(3, {"valkey.memory.used"})')
    with pytest.raises(Exception, match="RATE with 1 arguments"):
        _alarm("rate", {"m1": {"CacheClusterId": "orders-001"}}, "RATE(m1)", "Evictions")
