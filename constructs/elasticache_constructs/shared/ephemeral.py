"""Stages and stacks that leave nothing behind when they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, CfnResource, IAspect, RemovalPolicy, Stack, Stage
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_rules.ephemeral import MARK

if TYPE_CHECKING:
    from constructs import IConstruct

_GROUP, _SERVERLESS, _BUCKET = (
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::S3::Bucket",
)
_SHORTEST_WINDOW = 7  # days that KMS keeps a key that is to be deleted
_PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
_ALLOWED = "what is protected keeps its data, and what is ephemeral loses them"
_FIX = "Leave termination protection out, or leave the stage as it is"


def make_ephemeral(scope: Stage | Stack, *, reason: str) -> None:
    """Let a stage or stack leave nothing behind when it is deleted, for example a preview of a pull request.

    Whatever else is retained is deleted with it: caches without a final snapshot, databases with their backups, keys
    (which KMS keeps for seven days, at no charge), secrets, log groups. The findings of the policy packs about it are
    acknowledged with the reason, and each template carries the reason as metadata. By that the change gate knows that
    changes may lose data there. It stops the deployment that makes a stack ephemeral that has data.

    Log groups that Lambda makes for the CDK's own custom resources are not in the template, and stay.

    Args:
        scope: A stage with all its stacks, or a stack. What is added to it later counts as well.
        reason: Why its data may be deleted.

    Raises:
        ConfigurationError: If it is a whole app, if the stack has termination protection, or if the reason is shorter
            than 20 characters. A stack of the stage that is protected fails synth.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    """
    check_kind("make_ephemeral", "scope", scope, Kind(of=Stage | Stack, example="the stage, or a stack"))
    if scope.node.scope is None:
        raise ConfigurationError(
            got="make_ephemeral of a whole app",
            allowed="an app may have stages whose data are kept",
            fix="Make the stage ephemeral, or each of the stacks",
        )
    checked_reason(reason, what="make_ephemeral(reason=...)")
    if isinstance(scope, Stack) and scope.termination_protection:
        raise ConfigurationError(
            got=f"make_ephemeral of {scope.node.path}, which has termination protection",
            allowed=_ALLOWED,
            fix=_FIX,
            page=_PAGE,
        )
    Aspects.of(scope).add(cast("IAspect", _Ephemeral(reason)), priority=AspectPriority.MUTATING)


@jsii.implements(IAspect)
class _Ephemeral:
    """Visits each construct at synth."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def visit(self, node: IConstruct) -> None:
        """Have a resource deleted with all that belongs to it, and mark a template."""
        if isinstance(node, Stack):
            self._mark(node)
        elif isinstance(node, CfnResource):
            self._release(node)

    def _mark(self, stack: Stack) -> None:
        if stack.termination_protection:
            Annotations.of(stack).add_error(
                f"{stack.node.path} is ephemeral and has termination protection: {_ALLOWED}. {_FIX}. See {_PAGE}"
            )
        stack.add_metadata(MARK, self._reason)

    def _release(self, resource: CfnResource) -> None:
        kind = resource.cfn_resource_type
        if resource.cfn_options.deletion_policy is not None:
            resource.apply_removal_policy(RemovalPolicy.DESTROY)
            if kind == _GROUP:
                accept(resource, {Situation.GROUP_WITHOUT_FINAL_SNAPSHOT: self._reason})
        if kind == _SERVERLESS:
            resource.add_property_deletion_override("FinalSnapshotName")
        elif kind == _BUCKET:
            Annotations.of(resource).add_error(
                f"{resource.node.path} is in an ephemeral stage: CloudFormation deletes no bucket that has objects. "
                "Leave it out there"
            )
        elif isinstance(resource, kms.CfnKey):
            resource.pending_window_in_days = _SHORTEST_WINDOW
        elif isinstance(resource, rds.CfnDBInstance):
            if resource.deletion_protection:
                accept(resource, {Situation.DATABASE_WITHOUT_DELETION_PROTECTION: self._reason})
            resource.deletion_protection = False
            resource.delete_automated_backups = True
