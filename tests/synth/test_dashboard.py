"""The dashboards of the stages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stages import STAGES
from website.pictures.dashboard import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Synthesised

MONITORING = "cache-monitoring"


def cache_stacks(synthesised: Synthesised, stage: str) -> list[str]:
    """The stacks of a stage with a cache."""
    return [
        path
        for path in synthesised.templates
        if path.startswith(f"{stage}/")
        for kind in ("ReplicationGroup", "CacheCluster")
        if synthesised.resources(path, f"ElastiCache::{kind}")
    ]


def handed_over(value: object) -> Iterator[tuple[str, str]]:
    """The stacks and outputs that a template reads."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "Fn::GetStackOutput":
                yield each["StackName"], each["OutputName"]
            else:
                yield from handed_over(each)
    elif isinstance(value, list):
        for each in value:
            yield from handed_over(each)


def source(synthesised: Synthesised, stage: str, stack: str, output: str) -> dict[str, Any]:
    """The resource that an output of a stage's stack is about."""
    template = synthesised.templates[f"{stage}/{stack.removeprefix(f'{stage}-')}"]
    value = template["Outputs"][output]["Value"]
    resource: dict[str, Any] = template["Resources"][value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]]
    return resource


@pytest.mark.parametrize("stage", STAGES)
def test_monitoring_holds_nothing_back(synthesised: Synthesised, stage: str) -> None:
    """What it shows is read from outputs, not imported: an alarm can be removed in one deployment."""
    template = synthesised.templates[f"{stage}/{MONITORING}"]
    assert "Fn::ImportValue" not in json.dumps(template)
    assert [] != list(handed_over(template["Resources"]))
    assert body_of(template)["widgets"]


@pytest.mark.parametrize("stage", STAGES)
def test_dashboard_has_every_alarm_and_cache(synthesised: Synthesised, stage: str) -> None:
    """Each alarm of every cache with its health, and the log groups that a group delivers to."""
    caches = cache_stacks(synthesised, stage)
    assert {f"{stage}/cache-redis", f"{stage}/cache-memcached"} <= set(caches)
    read = set(handed_over(synthesised.templates[f"{stage}/{MONITORING}"]["Resources"]))
    found = [source(synthesised, stage, stack, output) for stack, output in read]
    kinds = [each["Type"] for each in found]
    for kind in ("CloudWatch::Alarm", "CloudWatch::CompositeAlarm"):
        made = [
            each
            for cache in caches
            for name, each in synthesised.resources(cache, kind).items()
            if "Rotation" not in name
        ]
        assert len(made) == kinds.count(f"AWS::{kind}") > 0
    groups = sum(len(synthesised.resources(cache, "ElastiCache::ReplicationGroup")) for cache in caches)
    delivered = [
        name
        for cache in caches
        for name in synthesised.resources(cache, "Logs::LogGroup")
        if name.startswith(("RedisSlowLog", "RedisEngineLog"))
    ]
    assert len(delivered) == kinds.count("AWS::Logs::LogGroup") == 2 * groups > 0
    assert 4 == len(synthesised.resources(f"{stage}/{MONITORING}", "Logs::QueryDefinition"))


@pytest.mark.parametrize("stage", STAGES)
def test_alarms_of_a_stage_have_one_topic(synthesised: Synthesised, stage: str) -> None:
    """Those of every cache publish to the stage's topic, which its subscribers have; no cache has an own one."""
    topics = {
        json.dumps(action)
        for cache in cache_stacks(synthesised, stage)
        for name, each in synthesised.resources(cache, "CloudWatch::Alarm").items()
        if "Rotation" not in name
        for action in each["Properties"]["AlarmActions"] + each["Properties"]["OKActions"]
    }
    (topic,) = topics
    assert "cache-notifications" in topic
    assert [] == [name for name in synthesised.everywhere("SNS::Topic") if f"{stage}/" in name and "AlarmTopic" in name]
