"""Policy as code for ElastiCache, run by CDK's own engine at every synth: no further program.

The rules in `elasticache.guard` cover what public scanners pass over. They read the finished template, so they see
escape hatches and resources that other constructs made.

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

    The native engine is the same engine from the wheel ``cloudformation-validate`` (the extra ``native``). It finds the
    same, and saves two of five seconds: it starts in a thread, while the app builds its constructs. So add it before
    them, to an app that does not run CDK's engine as well::

        app = cdk.App(builtin_cloud_formation_validation=False)
        add_posture_rules(app, native_engine=True)

    Where the wheel does not fit (the platform, or the version of aws-cdk-lib), CDK's engine takes its place.
    ``cdk synth --no-validation`` turns off either one, and these rules with it.

    Args:
        scope: The app, or any construct in it.
        native_engine: Whether to run the native engine, for an app with ``builtin_cloud_formation_validation=False``.
    """
    if native_engine and os.environ.get("CDK_VALIDATION") == "false":
        return
    cdk.Validations.of(scope.node.root).add_plugins((native_engine and _native_engine()) or _engine())


def rule_source() -> cdk.ValidationRuleSource:
    """The rules, for an app that makes its own `CloudFormationValidatePlugin`: ``guard_rules=[rule_source()]``."""
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
