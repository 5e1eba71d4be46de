"""The dashboards of the stages, and the picture of one in docs/monitoring.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stages import STAGES
from tests.docs.dashboard import PICTURE, body_of, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Synthesised

MONITORING = "cache-monitoring"


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


@pytest.mark.parametrize("stage", STAGES)
def test_dashboard_has_every_alarm_and_cache(synthesised: Synthesised, stage: str) -> None:
    """Each alarm of both caches with its health, and the log groups that the group delivers to."""
    read = set(handed_over(synthesised.templates[f"{stage}/{MONITORING}"]["Resources"]))
    found = [source(synthesised, stage, stack, output) for stack, output in read]
    kinds = [each["Type"] for each in found]
    for kind in ("CloudWatch::Alarm", "CloudWatch::CompositeAlarm"):
        made = [
            each
            for stack in ("cache-redis", "cache-memcached")
            for name, each in synthesised.resources(f"{stage}/{stack}", kind).items()
            if "Rotation" not in name
        ]
        assert len(made) == kinds.count(f"AWS::{kind}") > 0
    logs = synthesised.resources(f"{stage}/cache-redis", "Logs::LogGroup")
    delivered = {name: each for name, each in logs.items() if name.startswith(("RedisSlowLog", "RedisEngineLog"))}
    assert len(delivered) == kinds.count("AWS::Logs::LogGroup") == 2
    assert 4 == len(synthesised.resources(f"{stage}/{MONITORING}", "Logs::QueryDefinition"))


@pytest.mark.parametrize("stage", STAGES)
def test_alarms_of_a_stage_have_one_topic(synthesised: Synthesised, stage: str) -> None:
    """Those of both caches publish to the stage's topic, which its subscribers have; no cache has an own one."""
    topics = {
        json.dumps(action)
        for stack in ("cache-redis", "cache-memcached")
        for name, each in synthesised.resources(f"{stage}/{stack}", "CloudWatch::Alarm").items()
        if "Rotation" not in name
        for action in each["Properties"]["AlarmActions"] + each["Properties"]["OKActions"]
    }
    (topic,) = topics
    assert "cache-notifications" in topic
    assert [] == [name for name in synthesised.everywhere("SNS::Topic") if f"{stage}/" in name and "AlarmTopic" in name]


def test_picture_is_drawn_from_the_template(synthesised: Synthesised) -> None:
    """`make synth STAGE=dev && python -m tests.docs.dashboard` draws it again."""
    template = synthesised.templates[f"dev/{MONITORING}"]
    assert body_of(template)["widgets"]
    assert drawn(template) == PICTURE.read_text(encoding="utf-8")
