"""Encrypted CloudWatch log groups for caches, functions and VPC flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_logs as logs

from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.shared.encryption_key import admit_logs, checked_key
from elasticache_constructs.shared.names import SHORT_STACK_ID
from elasticache_constructs.values.log_delivery import YEAR

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_KEY_IS_IMPORTED = (
    "The log group is encrypted with a customer managed key of another stack; this rule takes no import for its ARN."
)


def log_group(
    scope: Construct, construct_id: str, *, key: kms.IKey, vended_name: str | None = None, retention_days: int = YEAR
) -> logs.LogGroup:
    """An encrypted log group, retained when its stack is deleted.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        key: The key to encrypt with. CloudWatch Logs is added to the policy of a key of the app; that of an imported
            key must allow it already, and synth warns.
        vended_name: The last part of a name under ``/aws/vendedlogs/``. Log delivery by an AWS service writes the
            account's CloudWatch Logs resource policy, which has room for about ten caches; groups under this prefix
            share one entry. A part of the stack's unique id precedes it, so that a deleted stack can be created again
            although its log group was retained. Default: a generated name.
        retention_days: How long entries are kept. Default: a year.

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
    resource.retention_in_days = retention_days
    if stack_of(key) is not stack_of(scope) and is_unresolved(key.key_arn):
        accept(group, {Situation.LOG_GROUP_WITH_KEY_OF_ANOTHER_STACK: _KEY_IS_IMPORTED})
    if vended_name is not None:
        name = "/aws/vendedlogs/elasticache/${Stack}/" + vended_name
        resource.add_property_override("LogGroupName", {"Fn::Sub": [name, {"Stack": SHORT_STACK_ID}]})
    return group


def _logical_id(scope: Construct, construct_id: str) -> str:
    """The logical id of the L1 that the group once was: another id would be another group."""
    placeholder = CfnResource(scope, construct_id, type="AWS::Logs::LogGroup")
    logical_id = stack_of(scope).get_logical_id(placeholder)
    scope.node.try_remove_child(construct_id)
    return logical_id
