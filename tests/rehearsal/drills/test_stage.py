"""What drills know of a stage: all of it, also what AWS tells on a second page."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal.drills.alarms import cache_nodes
from rehearsal.drills.stage import DeployedStage
from rehearsal.drills.stimuli import CacheNode
from verification.account import Account
from verification.assembly import Stack

# It has no type information.
Stubber: Any = importlib.import_module("botocore.stub").Stubber
ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}


@pytest.fixture(name="account")
def _account(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no-secret")
    return Account("eu-west-1")


def _answer(account: Account, service: str, *answers: tuple[str, dict[str, Any]]) -> None:
    stubber = Stubber(account.client(service))
    for operation, answer in answers:
        stubber.add_response(operation, answer)
    stubber.activate()


def test_alarms_of_every_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """DescribeAlarms tells of fifty at a time: the drills raise the others, too."""
    alarms = [{"AlarmName": name, "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:alarms"]} for name in "ab"]
    _answer(
        account,
        "cloudwatch",
        ("describe_alarms", {"MetricAlarms": alarms[:1], "NextToken": "2"}),
        ("describe_alarms", {"MetricAlarms": alarms[1:]}),
    )
    stack = Stack("shop", "shop", None, None, {"Resources": {"A": ALARM, "B": ALARM}})
    stage = DeployedStage([stack], account)
    deployment: Any = SimpleNamespace(physical_id=lambda found: found.logical_id.lower())
    of_stack: list[Any] = [(deployment, resource, {}) for resource in stack.resources]
    monkeypatch.setattr(stage, "all_of", lambda *_kinds: of_stack)
    assert ["a", "b"] == [found["AlarmName"] for found in stage.alarms]


def test_nodes_of_every_page(account: Account) -> None:
    """A page has a hundred clusters, and each node of a group is one."""
    clusters = [{"CacheClusterId": name, "Engine": "memcached", "CacheNodes": [{"CacheNodeId": "1"}]} for name in "ab"]
    _answer(
        account,
        "elasticache",
        ("describe_replication_groups", {"ReplicationGroups": []}),
        ("describe_cache_clusters", {"CacheClusters": clusters[:1], "Marker": "2"}),
        ("describe_cache_clusters", {"CacheClusters": clusters[1:]}),
        ("describe_serverless_caches", {"ServerlessCaches": [{"ServerlessCacheName": "c"}], "NextToken": "2"}),
        ("describe_serverless_caches", {"ServerlessCaches": [{"ServerlessCacheName": "d"}]}),
    )
    scene = cast("Any", SimpleNamespace(stage=SimpleNamespace(account=account), client=account.client))
    assert [CacheNode("a", "1"), CacheNode("b", "1"), CacheNode("c"), CacheNode("d")] == cache_nodes(scene)
