"""What functions that run on a schedule have in common: their code, the rule that calls them, and their alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import IgnoreMode
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.checks.locations import place_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.shared.function_code import SKIPPED, shipped

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_sns as sns
    from constructs import Construct


def code_of(runtime: Path) -> lambda_.Code:
    """The code in a folder, which needs the standard library and the boto3 of Lambda alone: nothing to install.

    So synth stays offline and without Docker.

    Args:
        runtime: The folder.
    """
    shipped(runtime)
    return lambda_.Code.from_asset(str(runtime), exclude=["/__init__.py", *SKIPPED], ignore_mode=IgnoreMode.GIT)


def call_on_schedule(
    scope: Construct,
    construct_id: str,
    function: lambda_.Function,
    *,
    description: str,
    expression: str,
    no_dead_letters: str,
    event: str | None = None,
) -> None:
    """Call a function by an EventBridge rule, whose permission is named ``EventBridge``.

    Args:
        scope: The parent of rule and permission.
        construct_id: The id of the rule.
        function: The function.
        description: What it is called for.
        expression: When, as EventBridge writes it.
        no_dead_letters: Why calls that are lost are not kept.
        event: The event, as JSON. Default: EventBridge's own.
    """
    target = events.CfnRule.TargetProperty(id="Function", arn=function.function_arn, input=event)
    rule = events.CfnRule(
        scope, construct_id, description=description, schedule_expression=expression, targets=[target]
    )
    accept(rule, {Situation.EVENT_RULE_WITHOUT_DEAD_LETTERS: no_dead_letters})
    lambda_.CfnPermission(
        scope,
        "EventBridge",
        action="lambda:InvokeFunction",
        function_name=function.function_arn,
        principal="events.amazonaws.com",
        source_account=place_of(scope).account,
        source_arn=rule.attr_arn,
    )


def alarm_of_function(
    scope: Construct,
    construct_id: str,
    function: lambda_.Function,
    topic: sns.ITopic,
    *,
    namespace: str,
    metric: str,
    meaning: str,
    period_seconds: int,
    statistic: str = "Maximum",
    threshold: int = 1,
    missing: str = "notBreaching",
    tells_ok: bool = True,
) -> cloudwatch.CfnAlarm:
    """An alarm on a metric of a function, under the dimension ``FunctionName``.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        function: The function.
        topic: What is told.
        namespace: The namespace of the metric.
        metric: The metric.
        meaning: What it means, and the runbook.
        period_seconds: The period.
        statistic: The statistic.
        threshold: The value from which on it is raised.
        missing: What missing data means, as CloudWatch writes it.
        tells_ok: Whether the topic is told of its end as well.
    """
    return cloudwatch.CfnAlarm(
        scope,
        construct_id,
        alarm_description=meaning,
        namespace=namespace,
        metric_name=metric,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="FunctionName", value=function.function_name)],
        statistic=statistic,
        period=period_seconds,
        evaluation_periods=1,
        threshold=threshold,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data=missing,
        actions_enabled=True,
        alarm_actions=[topic.topic_arn],
        ok_actions=[topic.topic_arn] if tells_ok else None,
    )
