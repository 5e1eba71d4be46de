"""The IAM actions that a verification uses: a caller with these alone can run it, and it can change nothing."""

from __future__ import annotations

import json
from typing import Any

_BY_SERVICE = {
    "application-autoscaling": ("DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions"),
    "cloudformation": ("DescribeStacks", "GetTemplate", "ListExports", "ListStackResources"),
    "cloudwatch": ("DescribeAlarms", "GetAlarmMuteRule", "GetDashboard"),
    "ec2": (
        "DescribeAvailabilityZones",
        "DescribeFlowLogs",
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcAttribute",
        "DescribeVpcEndpoints",
        "DescribeVpcs",
    ),
    "elasticache": (
        "DescribeCacheClusters",
        "DescribeCacheParameterGroups",
        "DescribeCacheParameters",
        "DescribeCacheSubnetGroups",
        "DescribeEvents",
        "DescribeGlobalReplicationGroups",
        "DescribeReplicationGroups",
        "DescribeServerlessCacheSnapshots",
        "DescribeServerlessCaches",
        "DescribeServiceUpdates",
        "DescribeSnapshots",
        "DescribeUpdateActions",
        "DescribeUserGroups",
        "DescribeUsers",
    ),
    "events": ("DescribeRule",),
    "iam": (
        "GetPolicy",
        "GetPolicyVersion",
        "GetRole",
        "GetRolePolicy",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
    ),
    "kms": ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases"),
    "lambda": ("GetFunctionConfiguration",),
    "logs": ("DescribeLogGroups", "DescribeQueryDefinitions"),
    "rds": ("DescribeDBInstances",),
    "secretsmanager": ("DescribeSecret", "GetResourcePolicy"),
    "servicequotas": ("ListServiceQuotas",),
    "sns": ("GetTopicAttributes", "ListSubscriptionsByTopic"),
    "ssm": ("DescribeParameters",),
    "sts": ("GetCallerIdentity",),
}
ACTIONS = frozenset(f"{service}:{name}" for service, names in _BY_SERVICE.items() for name in names)


def policy() -> dict[str, Any]:
    """The minimum policy of a caller, as IAM takes it. Most of these actions take no resource, so it names none."""
    statement = {"Sid": "VerifyCaches", "Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def policy_text() -> str:
    """The policy as JSON."""
    return json.dumps(policy(), indent=2)
