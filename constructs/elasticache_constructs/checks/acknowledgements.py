"""Findings of policy packs that are right as they are, each with its reason beside the construct it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Validations

from elasticache_constructs.checks.reasons import checked_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Record that findings about a construct are accepted, and why.

    They stay in the validation report, as suppressed ones with their reason.

    Args:
        construct: The construct that the findings are about.
        findings: Reason by qualified rule id, ``AwsSolutions::AwsSolutions-AEC5`` say. Only the qualified form leaves
            a trace in the report.

    Raises:
        ConfigurationError: If a reason has fewer than 20 characters.
    """
    rules = [
        Acknowledgment(id=rule, reason=checked_reason(reason, what=f"acknowledging {rule}"))
        for rule, reason in findings.items()
    ]
    Validations.of(construct).acknowledge(*rules)
