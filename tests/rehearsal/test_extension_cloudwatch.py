"""Handlers of alarms, mute rules, saved queries, chat channels and scalable targets."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest

from rehearsal.extension import seam

TOPIC, GROUP = "AWS::SNS::Topic", "AWS::ElastiCache::ReplicationGroup"
ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
MUTE_RULE, SAVED_QUERY = "AWS::CloudWatch::AlarmMuteRule", "AWS::Logs::QueryDefinition"
TARGET, POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
SLACK = "AWS::Chatbot::SlackChannelConfiguration"


def _metric(number: int, period: int = 60) -> dict[str, Any]:
    dimensions = [{"Name": "CacheClusterId", "Value": f"orders-{number:03}"}]
    metric = {"Namespace": "AWS/ElastiCache", "MetricName": "CPUUtilization", "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": period, "Stat": "Maximum"}
    return {"Id": f"node{number}", "MetricStat": stat, "ReturnData": False}


STATIC = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 90, "EvaluationPeriods": 3}
EXPRESSION = {"Id": "worst", "Expression": "MAX(METRICS())", "ReturnData": "true"}
MATH: dict[str, Any] = {**STATIC, "Metrics": [_metric(1), _metric(2), EXPRESSION]}
CRITERIA = {"PromQLCriteria": {"Query": '{"valkey.memory.used"} > 1', "PendingPeriod": 300, "RecoveryPeriod": "300"}}
QUERY: dict[str, Any] = {"EvaluationCriteria": CRITERIA, "EvaluationInterval": "60"}
WINDOW = {"Schedule": {"Expression": "cron(0 5 * * SUN)", "Duration": "PT1H"}}


def _call(service: Any, target: str, **request: Any) -> tuple[int, dict[str, Any]]:
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
    status, _, body = asyncio.run(service.handle_request("POST", "/", headers, json.dumps(request).encode(), {}))
    return status, json.loads(body)


def _cloudwatch(action: str, **request: Any) -> tuple[int, dict[str, Any]]:
    return _call(seam.cloudwatch, f"GraniteServiceVersion20100801.{action}", **request)


def _described(*kinds: str) -> list[dict[str, Any]]:
    answer = _cloudwatch("DescribeAlarms", AlarmTypes=list(kinds or ["MetricAlarm"]))[1]
    return [*answer["MetricAlarms"], *answer["CompositeAlarms"]]


@pytest.mark.parametrize("by_api", [False, True], ids=["template", "API"])
def test_alarms_on_math_and_on_queries_are_described_as_they_were_given(cloudformation: Any, *, by_api: bool) -> None:
    """They have their queries, and none of the properties that an alarm on one metric has."""
    for name, properties in (("math", MATH), ("query", QUERY)):
        if by_api:
            assert _cloudwatch("PutMetricAlarm", AlarmName=name, **properties)[0] == 200
        else:
            assert cloudformation.create(ALARM, AlarmName=name, **properties)[0] == name
    math, query = _described()
    assert math["Metrics"][2] == {**EXPRESSION, "ReturnData": True}
    assert math["Threshold"] == 90
    assert query["EvaluationCriteria"]["PromQLCriteria"]["RecoveryPeriod"] == 300
    assert query["EvaluationInterval"] == 60
    assert not {"MetricName", "Namespace", "Period", "Dimensions", "Statistic"} & (set(math) | set(query))
    assert not {"Threshold", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData"} & set(query)


FAULTS = {
    "eleven metrics": ({**MATH, "Metrics": [*map(_metric, range(11)), EXPRESSION]}, "11 metrics: .* at most 10"),
    "two results": ({**MATH, "Metrics": [_metric(1), EXPRESSION, {**EXPRESSION, "Id": "b"}]}, "2 queries with Return"),
    "no result": ({**MATH, "Metrics": [_metric(1)]}, "0 queries with ReturnData"),
    "the same id twice": ({**MATH, "Metrics": [_metric(1), _metric(1), EXPRESSION]}, "an id names one query"),
    "two periods": ({**MATH, "Metrics": [_metric(1), _metric(2, 300), EXPRESSION]}, r"periods of \[60, 300\]"),
    "a query of nothing": ({**MATH, "Metrics": [{"Id": "a"}]}, "query a with both or none"),
    "two kinds": ({**MATH, "MetricName": "CPUUtilization"}, "exactly one of MetricName, Metrics"),
    "a statistic of math": ({**MATH, "Statistic": "Sum"}, "Metrics with Statistic"),
    "a threshold of a query": ({**QUERY, "Threshold": 1}, "EvaluationCriteria with Threshold"),
    "no interval": ({"EvaluationCriteria": CRITERIA}, "EvaluationInterval=0"),
    "an interval of 45 s": ({**QUERY, "EvaluationInterval": 45}, "EvaluationInterval=45"),
    "an empty query": ({**QUERY, "EvaluationCriteria": {"PromQLCriteria": {"Query": ""}}}, "a query of 0 characters"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_alarms_that_cloudwatch_refuses(cloudformation: Any, fault: str) -> None:
    """Templates and requests with the fault fail, and no alarm exists afterwards."""
    properties, told = copy.deepcopy(FAULTS[fault])
    with pytest.raises(ValueError, match=told):
        cloudformation.create(ALARM, AlarmName="orders", **properties)
    assert _cloudwatch("PutMetricAlarm", AlarmName="orders", **properties)[0] == 400
    assert _described() == []


def test_a_composite_alarm_follows_its_template(cloudformation: Any) -> None:
    """It is created, changed and deleted, and refused if one of its alarms does not exist."""
    for name in ("memory", "processor"):
        cloudformation.create(ALARM, AlarmName=name, **MATH)
    name, attributes = cloudformation.create(COMPOSITE, AlarmRule='ALARM("memory")')
    assert attributes["Arn"].endswith(f":alarm:{name}")
    rule = 'ALARM("memory") OR ALARM("processor")'
    assert cloudformation.update(COMPOSITE, name, {}, {"AlarmRule": rule}) == name
    assert [rule] == [alarm["AlarmRule"] for alarm in _described("CompositeAlarm")]
    with pytest.raises(ValueError, match="do not exist"):
        cloudformation.create(COMPOSITE, AlarmRule='ALARM("storage")')
    cloudformation.delete(COMPOSITE, name)
    assert _described("CompositeAlarm") == []


def test_a_mute_rule_is_kept_and_listed(cloudformation: Any) -> None:
    """It is in the lists of its alarms, and gone when it is deleted."""
    cloudformation.create(ALARM, AlarmName="memory", **MATH)
    name, _ = cloudformation.create(MUTE_RULE, Rule=WINDOW, MuteTargets={"AlarmNames": ["memory"]})
    assert _cloudwatch("GetAlarmMuteRule", AlarmMuteRuleName=name)[1]["Rule"] == WINDOW
    [listed] = _cloudwatch("ListAlarmMuteRules", AlarmName="memory")[1]["AlarmMuteRuleSummaries"]
    assert listed["AlarmMuteRuleArn"].endswith(f":alarm-mute-rule:{name}")
    assert _cloudwatch("ListAlarmMuteRules", AlarmName="other")[1]["AlarmMuteRuleSummaries"] == []
    cloudformation.delete(MUTE_RULE, name)
    assert _cloudwatch("GetAlarmMuteRule", AlarmMuteRuleName=name)[0] == 404


@pytest.mark.parametrize(
    ("schedule", "targets", "told"),
    [
        ({"Expression": "cron(0 5 ? * SUN *)", "Duration": "PT1H"}, [], "expression 'cron"),
        ({"Expression": "cron(0 5 * * SUN)", "Duration": "PT30S"}, [], "duration 'PT30S'"),
        ({"Expression": "cron(0 5 * * SUN)", "Duration": "P16D"}, [], "duration 'P16D'"),
        (WINDOW["Schedule"], ["storage"], "target storage"),
        (WINDOW["Schedule"], ["storage"] * 101, "101 targets"),
    ],
)
def test_mute_rules_that_cloudwatch_refuses(cloudformation: Any, schedule: Any, targets: Any, told: str) -> None:
    """An expression of EventBridge, a duration outside its range, and alarms that do not exist or are too many."""
    with pytest.raises(ValueError, match=told):
        cloudformation.create(MUTE_RULE, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": targets})


def test_saved_queries_are_listed(cloudformation: Any) -> None:
    """A query is found by its name, with its log groups."""
    asked = {"Name": "orders/slow", "QueryString": "fields @message", "LogGroupNames": ["/orders/slow-log"]}
    name, _ = cloudformation.create(SAVED_QUERY, **asked)
    assert cloudformation.update(SAVED_QUERY, name, asked, {**asked, "QueryString": "stats count()"}) == name
    target = "Logs_20140328.DescribeQueryDefinitions"
    [found] = _call(seam.cloudwatch_logs, target, queryDefinitionNamePrefix="orders/")[1]["queryDefinitions"]
    assert ("stats count()", ["/orders/slow-log"]) == (found["queryString"], found["logGroupNames"])
    cloudformation.delete(SAVED_QUERY, name)
    assert _call(seam.cloudwatch_logs, target)[1]["queryDefinitions"] == []


def test_a_chat_channel_has_topics_that_exist(cloudformation: Any) -> None:
    """A channel of a topic that does not exist is refused."""
    topic, _ = cloudformation.create(TOPIC)
    name, _ = cloudformation.create(SLACK, ConfigurationName="orders", SnsTopicArns=[topic])
    assert name.endswith(":chat-configuration/slack-channel/orders")
    with pytest.raises(ValueError, match="its topics must exist"):
        cloudformation.create(SLACK, ConfigurationName="orders", SnsTopicArns=[f"{topic}-other"])


SCALED = {
    "ServiceNamespace": "elasticache",
    "ScalableDimension": "elasticache:replication-group:Replicas",
    "ResourceId": "replication-group/orders",
    "MinCapacity": 1,
    "MaxCapacity": 5,
}


def test_a_scalable_target_belongs_to_a_group_that_exists(cloudformation: Any) -> None:
    """A target and its policy are created; wrong resources, dimensions and numbers are refused."""
    cloudformation.create(
        GROUP, ReplicationGroupId="orders", ReplicationGroupDescription="x", NumCacheClusters=2, Engine="valkey"
    )
    name, _ = cloudformation.create(TARGET, **SCALED)
    assert cloudformation.create(POLICY, PolicyName="cpu", ScalingTargetId=name)[0].endswith(":policyName/cpu")
    for wrong in (
        {"ResourceId": "replication-group/other"},
        {"ResourceId": "cache-cluster/orders"},
        {"ScalableDimension": "elasticache:replication-group:Shards"},
        {"MinCapacity": 6},
        {"ServiceNamespace": "ecs"},
    ):
        with pytest.raises(ValueError, match="Change"):
            cloudformation.create(TARGET, **{**SCALED, **wrong})
    with pytest.raises(ValueError, match="its target must exist"):
        cloudformation.create(POLICY, PolicyName="cpu", ScalingTargetId="other")
