"""What cfripper is told to pass over, each with its reason."""

from __future__ import annotations

from cfripper.config.filter import Filter
from cfripper.model.enums import RuleMode

FILTERS = [
    Filter(
        reason="An endpoint's policy grants nothing: it keeps one service's calls to this account's own",
        rules={"GenericResourceWildcardPolicyRule"},
        rule_mode=RuleMode.ALLOWED,
        eval={"eq": [{"ref": "resource.Type"}, "AWS::EC2::VPCEndpoint"]},
    )
]
