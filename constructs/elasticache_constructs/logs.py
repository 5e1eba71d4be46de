"""Encrypted log groups for what a cache and its network have to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from elasticache_constructs.stack_ids import SHORT_STACK_ID

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_DAYS = 365


def log_group(
    scope: Construct, construct_id: str, *, key: kms.IKey, vended_name: str | None = None
) -> logs.CfnLogGroup:
    """A log group that is encrypted, keeps a year, and outlives its stack.

    Args:
        scope: The parent.

        construct_id: The id in the parent.

        key: The key to encrypt with; its policy must admit CloudWatch Logs, as that of `EncryptionKey` does.

        vended_name: The last part of a name under ``/aws/vendedlogs/``. Log delivery by an AWS service writes the
            account's CloudWatch Logs resource policy, which has room for about ten caches; groups under this prefix
            share one entry. Before it stands a part of the stack's unique id, so that a stack that was deleted can be
            created again beside the log group that it left. Default: a generated name.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    group = logs.CfnLogGroup(scope, construct_id, kms_key_id=key.key_arn, retention_in_days=_DAYS)
    if vended_name is not None:
        name = "/aws/vendedlogs/elasticache/${Stack}/" + vended_name
        group.add_property_override("LogGroupName", {"Fn::Sub": [name, {"Stack": SHORT_STACK_ID}]})
    group.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return group
