"""Findings of cfripper that are accepted, each with its reason."""

from __future__ import annotations

from cfripper.config.filter import Filter
from cfripper.model.enums import RuleMode

FILTERS = [
    Filter(
        reason="An endpoint policy grants nothing: it limits the calls of one service to this account",
        rules={"GenericResourceWildcardPolicyRule"},
        rule_mode=RuleMode.ALLOWED,
        eval={"eq": [{"ref": "resource.Type"}, "AWS::EC2::VPCEndpoint"]},
    ),
    Filter(
        reason="ElastiCache exports a snapshot to this bucket, from where it is copied to one with versions",
        rules={"S3ObjectVersioningRule"},
        rule_mode=RuleMode.ALLOWED,
        eval={"regex": ["^CopiesExports[0-9A-F]{8}$", {"ref": "logical_id"}]},
    ),
]
