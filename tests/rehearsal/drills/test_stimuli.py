"""What raises an alarm on a cache, and which alarms nothing can raise."""

from __future__ import annotations

from typing import Any

import pytest

from every_example import EXAMPLES
from rehearsal.drills.stimuli import CacheNode, NoStimulusError, is_on_caches, stimuli
from rehearsal.examples_stage import NAMES

GROUP = '"@resource.aws.elasticache.replication_group.id"="orders"'
NODES = [
    CacheNode("orders"),
    *(CacheNode("orders", f"orders-0001-00{number}", "0001", number > 1) for number in (1, 2, 3)),
    *(CacheNode("pages", number) for number in ("0001", "0002")),
    CacheNode("carts"),
]


def _query(query: str) -> dict[str, Any]:
    criteria = {"PromQLCriteria": {"Query": query, "PendingPeriod": 300, "RecoveryPeriod": 300}}
    return {"EvaluationCriteria": criteria, "EvaluationInterval": 60}


def _math(expression: str, threshold: float, below: bool, *metrics: tuple[str, dict[str, str]]) -> dict[str, Any]:  # noqa: FBT001 - as a table's column
    queries: list[dict[str, Any]] = [{"Id": "result", "Expression": expression, "ReturnData": True}]
    for number, (name, dimensions) in enumerate(metrics, start=1):
        listed = [{"Name": label, "Value": value} for label, value in dimensions.items()]
        metric = {"Namespace": "AWS/ElastiCache", "MetricName": name, "Dimensions": listed}
        stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
        queries.append({"Id": f"m{number}", "MetricStat": stat, "ReturnData": False})
    operator = "LessThanThreshold" if below else "GreaterThanThreshold"
    return {"Metrics": queries, "Threshold": threshold, "ComparisonOperator": operator, "EvaluationPeriods": 3}


def _node(number: int) -> dict[str, str]:
    return {"CacheClusterId": f"orders-0001-00{number}"}


RAISED = {
    "memory of one node": (
        _query(f'100 * {{"valkey.memory.used", {GROUP}}} / {{"valkey.memory.max", {GROUP}}} > 80'),
        ["valkey.memory.used of orders-0001-003"],
    ),
    "each reason": (
        _query(f'increase({{"valkey.acl.denied", "valkey.acl.denied.reason"=~"cmd|key", {GROUP}}}[5m]) > 10'),
        ["valkey.acl.denied cmd of orders-0001-003", "valkey.acl.denied key of orders-0001-002"],
    ),
    "replicas only": (
        _query(f'{{"valkey.replication.link_healthy", "valkey.role"="replica", {GROUP}}} < 1'),
        ["valkey.replication.link_healthy of orders-0001-003"],
    ),
    "the last node": (
        _math("MAX(METRICS())", 90, False, ("CPUUtilization", _node(1)), ("CPUUtilization", _node(2))),
        ["CPUUtilization of orders-0001-002"],
    ),
    "each metric": (
        _math("MAX(METRICS())", 0, False, *((name, _node(n)) for n in (1, 2) for name in ("Evictions", "Reclaimed"))),
        ["Evictions of orders-0001-002", "Reclaimed of orders-0001-001"],
    ),
    "below": (
        _math("MIN(METRICS())", 5, True, ("CPUCreditBalance", _node(1))),
        ["CPUCreditBalance of orders-0001-001"],
    ),
    "the hit rate": (
        _math("100*(m1)/(m1+m2)", 80, True, ("CacheHits", _node(1)), ("CacheMisses", _node(1))),
        ["CacheHits of orders-0001-001", "CacheMisses of orders-0001-001"],
    ),
    "a node of Memcached": (
        _math("m1", 90, False, ("CPUUtilization", {"CacheClusterId": "pages", "CacheNodeId": "0002"})),
        ["CPUUtilization of 0002"],
    ),
    "a whole Memcached cluster": (
        _math("m1", 90, False, ("CPUUtilization", {"CacheClusterId": "pages"})),
        ["CPUUtilization of 0002"],
    ),
    "a serverless cache": (
        _math("m1", 0, False, ("ThrottledCmds", {"clusterId": "carts"})),
        ["ThrottledCmds of carts"],
    ),
    "a whole group": (
        _math("m1", 90, False, ("EngineCPUUtilization", {"ReplicationGroupId": "orders"})),
        ["EngineCPUUtilization of orders"],
    ),
}


@pytest.mark.parametrize("case", RAISED)
def test_one_node_raises_it(case: str) -> None:
    """Each metric that can raise the alarm does, on one node that exists."""
    alarm, what = RAISED[case]
    assert is_on_caches(alarm)
    assert sorted(what) == sorted(one.what for one in stimuli(alarm, NODES))


@pytest.mark.parametrize(
    ("alarm", "told"),
    [
        (_query(f'{{"valkey.memory.use", {GROUP}}} > 1'), "no series valkey.memory.use"),
        (_query(f'{{"valkey.acl.denied", "reason"="auth", {GROUP}}} > 1'), "no series valkey.acl.denied"),
        (
            _query(f'{{"valkey.memory.used", {GROUP.replace("orders", "carts")}}} > 1'),
            "no node that exists",
        ),
        (_query('{"valkey.memory.used", "aws.elasticache.replication_group.id"="orders"} > 1'), "no series"),
        (
            _query(f'{{"valkey.memory.used", {GROUP}}} > 1 and {{"valkey.memory.used", {GROUP}}} < 1'),
            "no values of one",
        ),
        (_math("m1", 90, False, ("CPUUtilization", {"CacheClusterId": "orders"})), "of no node or cache that exists"),
        (_math("m1", 90, False, ("CPUUtilization", {"CacheClusterId": "orders-0001-004"})), "of no node or cache"),
        (_math("m1", 0, False, ("ThrottledCmds", {"ServerlessCacheName": "carts"})), "of no node or cache"),
        (_math("m1 - m1", 0, False, ("CPUUtilization", _node(1))), "breach a threshold of 0"),
    ],
)
def test_nothing_raises_it(alarm: dict[str, Any], told: str) -> None:
    """An alarm on what is not published, or on what cannot be, is named."""
    with pytest.raises(NoStimulusError, match=told):
        stimuli(alarm, NODES)


def test_the_examples_that_are_rehearsed_exist() -> None:
    """The stage of the examples is built of files."""
    assert all((EXAMPLES / f"{name}.py").is_file() for name in NAMES)
