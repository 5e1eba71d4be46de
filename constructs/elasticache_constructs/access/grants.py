"""Managed policies for operators and tools that call the ElastiCache API. Data access is by the cache's users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import Construct

_READ_GROUP = (
    "DescribeReplicationGroups",
    "DescribeUpdateActions",
    "ListAllowedNodeTypeModifications",
    "ListTagsForResource",
)
_READ_NODES = ("DescribeCacheClusters", "ListTagsForResource")
_READ_ALL = (
    "DescribeCacheEngineVersions",
    "DescribeCacheParameterGroups",
    "DescribeCacheParameters",
    "DescribeCacheSubnetGroups",
    "DescribeEvents",
    "DescribeServiceUpdates",
    "DescribeSnapshots",
    "DescribeUserGroups",
    "DescribeUsers",
)
_OPERATE_GROUP = ("BatchApplyUpdateAction", "CreateSnapshot", "TestFailover")
_OPERATE_NODES = ("CreateSnapshot", "RebootCacheCluster")


def audit_policy(scope: Construct, construct_id: str, *, group_arn: str, nodes_arn: str) -> iam.ManagedPolicy:
    """A policy to read the configuration of one cache and of its dependent resources."""
    return iam.ManagedPolicy(
        scope,
        construct_id,
        description="Read the configuration of one ElastiCache cache",
        statements=[
            _allow(_READ_GROUP, group_arn),
            _allow(_READ_NODES, nodes_arn),
            # These list names and settings of all caches of the account, but no data and no secrets.
            _allow(_READ_ALL, "*"),
        ],
    )


def operate_policy(
    scope: Construct, construct_id: str, *, group_arn: str, snapshots_arn: str, nodes_arn: str
) -> iam.ManagedPolicy:
    """A policy for operators on call: fail over, reboot a node, create a snapshot, apply a service update."""
    return iam.ManagedPolicy(
        scope,
        construct_id,
        description="Operate one ElastiCache cache without changing or deleting it",
        statements=[
            _allow(_OPERATE_GROUP, group_arn),
            _allow(_OPERATE_NODES, nodes_arn),
            _allow(("CreateSnapshot",), snapshots_arn),
        ],
    )


def _allow(actions: tuple[str, ...], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"elasticache:{action}" for action in actions], resources=[resource])
