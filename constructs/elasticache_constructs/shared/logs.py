"""Encrypted log groups for what a cache and its network have to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs

from elasticache_constructs.shared.encryption_key import admit_logs, checked_key
from elasticache_constructs.shared.names import SHORT_STACK_ID

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct


def log_group(scope: Construct, construct_id: str, *, key: kms.IKey, vended_name: str | None = None) -> logs.LogGroup:
    """A log group that is encrypted, keeps a year, and outlives its stack.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        key: The key to encrypt with. CloudWatch Logs is let into the policy of a key of the app; that of an imported
            one must admit it already, and there is a warning.
        vended_name: The last part of a name under ``/aws/vendedlogs/``. Log delivery by an AWS service writes the
            account's CloudWatch Logs resource policy, which has room for about ten caches; groups under this prefix
            share one entry. Before it stands a part of the stack's unique id, so that a stack that was deleted can be
            created again beside the log group that it left. Default: a generated name.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    key = checked_key(key, of=scope)
    admit_logs(key, of=scope)
    logical_id = _logical_id(scope, construct_id)
    group = logs.LogGroup(
        scope,
        construct_id,
        encryption_key=key,
        retention=logs.RetentionDays.ONE_YEAR,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type checker: it always is
    resource.override_logical_id(logical_id)
    if vended_name is not None:
        name = "/aws/vendedlogs/elasticache/${Stack}/" + vended_name
        resource.add_property_override("LogGroupName", {"Fn::Sub": [name, {"Stack": SHORT_STACK_ID}]})
    return group


def _logical_id(scope: Construct, construct_id: str) -> str:
    """That of an L1 in the group's place, which it once was: another one would be another group."""
    placeholder = CfnResource(scope, construct_id, type="AWS::Logs::LogGroup")
    logical_id = Stack.of(scope).get_logical_id(placeholder)
    scope.node.try_remove_child(construct_id)
    return logical_id
