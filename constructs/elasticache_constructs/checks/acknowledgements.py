"""Accepted findings of policy packs, each with its reason at the construct that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Validations

from elasticache_constructs.checks.open_reasons import report_open_reasons
from elasticache_constructs.checks.reasons import checked_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Accept findings about a construct, with a reason for each.

    A reason that begins with TODO is a warning, and fails the synth of a stack with termination protection. They stay
    in the validation report as suppressed findings with their reasons.

    Args:
        construct: The construct that the findings are about.
        findings: Reasons by qualified rule id, for example ``AwsSolutions::AwsSolutions-AEC5``. Only findings under
            qualified ids are kept in the report.

    Raises:
        ConfigurationError: If a reason has fewer than 20 characters.
    """
    rules = [
        Acknowledgment(id=rule, reason=checked_reason(reason, what=f"acknowledging {rule}"))
        for rule, reason in findings.items()
    ]
    report_open_reasons(construct, ((f"acknowledging {rule}", reason) for rule, reason in findings.items()))
    Validations.of(construct).acknowledge(*rules)
