"""The reachability check as a plugin of CDK's policy validation: it runs at every synth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii

from elasticache_rules.posture.reachability import SERVICES_RULE, STORES_RULE, closed_stores, unreachable
from elasticache_rules.templates.app import read_with_nested

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import IConstruct

    from elasticache_rules.posture.reachability import ClosedStore, Unreachable


@jsii.implements(cdk.IPolicyValidationPlugin)
class ReachabilityCheck:
    """Fails the synth if a function cannot reach a service that it may call, or its store.

    Add it with ``Validations.of(app).add_plugins(ReachabilityCheck())``.
    """

    @property
    def name(self) -> str:
        """The plugin's name in the validation report."""
        return "elasticache-reachability"

    @property
    def version(self) -> str | None:
        """None: the check has no separate version."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """The two rules."""
        return [SERVICES_RULE, STORES_RULE]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check the templates of one assembly."""
        templates, nested = read_with_nested(context.template_paths)
        findings: list[Unreachable | ClosedStore] = [*unreachable(templates, nested), *closed_stores(templates, nested)]
        return cdk.PolicyValidationPluginReport(success=not findings, violations=_violations(findings))


def _violations(findings: Iterable[Unreachable | ClosedStore]) -> list[cdk.PolicyViolation]:
    return [
        cdk.PolicyViolation(
            rule_name=finding.rule,
            description=finding.description,
            fix=finding.fix,
            severity="error",
            violating_resources=[
                cdk.PolicyViolatingResource(
                    resource_logical_id=finding.function.logical_id,
                    template_path=finding.function.template.split("#")[0],
                    locations=["Properties/VpcConfig"],
                )
            ],
        )
        for finding in findings
    ]


def add_reachability_check(scope: IConstruct) -> None:
    """Check every function of an app whenever the app is synthesised.

    Args:
        scope: The app, or any construct in it.
    """
    cdk.Validations.of(scope.node.root).add_plugins(ReachabilityCheck())
