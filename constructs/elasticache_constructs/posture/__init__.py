"""Policy as code for ElastiCache, run by CDK's own engine at every synth. No other program is needed.

The rules in `elasticache.guard` cover what public scanners do not check. They read the finished template, so they see
escape hatches and the resources of other constructs.

Example:
    app = cdk.App(context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    add_posture_rules(app)
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs.posture.native_engine import NativeValidation, native_library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from constructs import IConstruct

with as_file(files("elasticache_rules.posture") / "elasticache.guard") as _path:
    RULES_FILE: Path = _path
    """The rules as a plain file, for ``cfn-guard validate --rules`` or ``CfnGuardValidator(rules=[...])``."""


def add_posture_rules(scope: IConstruct, *, native_engine: bool = False) -> None:
    """Check every template of an app against the ElastiCache rules at every synth.

    A finding fails the synth if the context ``@aws-cdk/core:validateAgainstDefaultRules`` is true. Otherwise CDK turns
    the findings of its own engine, these included, into warnings.

    To accept a finding, acknowledge it on its construct, or on a parent, with a reason:
    ``Validations.of(construct).acknowledge(Acknowledgment(id="CloudFormation-Validate::<rule>", reason="..."))``. It
    stays in ``validation-report.json`` as a suppressed finding.

    CDK's default rules stay active: the engine with the ElastiCache rules replaces the default engine, so each template
    is still read once. The engine is created once per process, because starting it is most of the cost. The rules add
    about 0.02 s per template. CDK accepts one such engine in an app and refuses a second at synth: an app that has one
    already passes it `rule_source()` instead.

    The native engine is the same engine from the wheel ``cloudformation-validate`` (the extra ``native``). It reports
    the same findings and saves two of five seconds: it starts in a thread, while the app builds its constructs. So add
    it before them, to an app that does not run CDK's engine as well::

        app = cdk.App(builtin_cloud_formation_validation=False)
        add_posture_rules(app, native_engine=True)

    If the wheel does not fit the platform or the version of aws-cdk-lib, CDK's engine is used.
    ``cdk synth --no-validation`` turns off both engines, and these rules with them.

    Args:
        scope: The app, or any construct in it.
        native_engine: Whether to run the native engine, for an app with ``builtin_cloud_formation_validation=False``.
    """
    if native_engine and os.environ.get("CDK_VALIDATION") == "false":
        return
    cdk.Validations.of(scope.node.root).add_plugins((native_engine and _native_engine()) or _engine())


def rule_source() -> cdk.ValidationRuleSource:
    """The rules, for an app with its own `CloudFormationValidatePlugin`: ``guard_rules=[rule_source()]``."""
    return cdk.ValidationRuleSource(name=RULES_FILE.name, content=RULES_FILE.read_text(encoding="utf-8"))


def rule_names() -> Sequence[str]:
    """The name of each rule, in the order of the file."""
    return re.findall(r"^rule (elasticache_\w+)", RULES_FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@cache
def _native_engine() -> NativeValidation | None:
    library = native_library()
    return None if library is None else NativeValidation(library, {RULES_FILE.name: rule_source().content})


@cache
def _engine() -> cdk.CloudFormationValidatePlugin:
    return cdk.CloudFormationValidatePlugin(guard_rules=[rule_source()])
