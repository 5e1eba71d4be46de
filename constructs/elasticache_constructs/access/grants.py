"""Access of people and tools to the ElastiCache API. What is in a cache is another matter: see the cache's users."""

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
    """A policy that reads the configuration of one cache, and of what hangs on it, and changes nothing."""
    return iam.ManagedPolicy(
        scope,
        construct_id,
        description="Read the configuration of one ElastiCache cache",
        statements=[
            _allow(_READ_GROUP, group_arn),
            _allow(_READ_NODES, nodes_arn),
            # Lists of the account: names and settings of caches, no data and no secrets.
            _allow(_READ_ALL, "*"),
        ],
    )


def operate_policy(
    scope: Construct, construct_id: str, *, group_arn: str, snapshots_arn: str, nodes_arn: str
) -> iam.ManagedPolicy:
    """A policy for whoever is on call: fail over, reboot a node, take a snapshot, apply an update."""
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
