"""Policy as code for ElastiCache, run by CDK's own engine at every synth: no further program.

The rules in `elasticache.guard` cover what public scanners pass over. They read the finished template, so they see
escape hatches and resources that other constructs made.

Example:
    app = cdk.App(context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    add_posture_rules(app)
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from constructs import IConstruct

with as_file(files("elasticache_rules.posture") / "elasticache.guard") as _path:
    RULES_FILE: Path = _path
    """The rules as a plain file, for ``cfn-guard validate --rules`` or ``CfnGuardValidator(rules=[...])``."""


def add_posture_rules(scope: IConstruct) -> None:
    """Check every template of an app against the ElastiCache rules whenever it is synthesised.

    A finding fails the synth once the context ``@aws-cdk/core:validateAgainstDefaultRules`` is true; without it CDK
    turns the findings of its own engine, these included, into warnings.

    To accept a finding, acknowledge it on the construct it is about, or on one above, with a reason:
    ``Validations.of(construct).acknowledge(Acknowledgment(id="CloudFormation-Validate::<rule>", reason="..."))``. It
    stays in ``validation-report.json``, among the suppressed ones.

    CDK's default rules stay: the engine with the ElastiCache rules takes the place of the default one, so each template
    is still read once. The engine is made once in a process, as CDK does with its own, since starting it is most of
    the cost; the rules add some 0.02 s a template. CDK admits one such engine in an app and refuses a second at synth:
    an app that has one already hands it `rule_source()` instead.

    Args:
        scope: The app, or any construct in it.
    """
    cdk.Validations.of(scope.node.root).add_plugins(_engine())


def rule_source() -> cdk.ValidationRuleSource:
    """The rules, for an app that makes its own `CloudFormationValidatePlugin`: ``guard_rules=[rule_source()]``."""
    return cdk.ValidationRuleSource(name=RULES_FILE.name, content=RULES_FILE.read_text(encoding="utf-8"))


def rule_names() -> Sequence[str]:
    """The name of each rule, in the order of the file."""
    return re.findall(r"^rule (elasticache_\w+)", RULES_FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@cache
def _engine() -> cdk.CloudFormationValidatePlugin:
    return cdk.CloudFormationValidatePlugin(guard_rules=[rule_source()])
