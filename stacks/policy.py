"""The policy checks that every synth of this app runs, and fails by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cdk_nag
from aws_cdk import Validations

from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.posture.reachability import add_reachability_check

if TYPE_CHECKING:
    import aws_cdk as cdk

PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)
"""cdk-nag's packs. Control Tower's rules take seconds, so the tests run those."""


def add_policy_checks(app: cdk.App) -> None:
    """Add CDK's own rules, cdk-nag's six packs and this project's posture rules to an app.

    Call it before the constructs are made, and make the app with ``builtin_cloud_formation_validation=False``: the
    native engine checks CDK's rules.

    A finding fails ``cdk synth``. One that is right as it is gets acknowledged beside the construct it is about, with
    `elasticache_constructs.acknowledge`.
    """
    Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    add_posture_rules(app, native_engine=True)
    add_reachability_check(app)
