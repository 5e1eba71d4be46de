"""The two engines that run the posture rules, on templates that no app made."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii

from elasticache_constructs import posture
from elasticache_constructs.posture import RULES_FILE

if TYPE_CHECKING:
    from pathlib import Path


@jsii.implements(cdk.IPolicyValidationContext)
class Validation:
    """What CDK hands to a validation plugin at synth, here for templates that no app made."""

    account_id = region = None

    def __init__(self, templates: dict[str, Path]) -> None:
        self._templates = templates

    @property
    def app_construct(self) -> cdk.App:
        """An app, which no rule looks at."""
        return cdk.App()

    @property
    def template_paths(self) -> list[str]:
        """Where the templates are."""
        return [str(path) for path in self._templates.values()]

    @property
    def stack_templates(self) -> list[cdk.PolicyValidationStack]:
        """Each template as that of a stack of its name."""
        return [
            cdk.PolicyValidationStack(stack_construct_path=name, template_path=str(path))
            for name, path in self._templates.items()
        ]


def posture_engine() -> Any:
    """CDK's engine with the posture rules: the native one, which test_native_engine.py compares with CDK's own."""
    return posture._native_engine() or posture._engine()


def run_cfn_guard(program: Path, *data: Path) -> list[dict[str, Any]]:
    """Its report of each template, in some files and folders."""
    places = [word for each in data for word in ("-d", each)]
    done = subprocess.run(
        [program, "validate", "-r", RULES_FILE, *places, "-o", "json", "--structured", "-S", "none"],
        capture_output=True,
        check=False,
        text=True,
    )
    # 0: all is well; 19: a rule failed.
    assert done.returncode in {0, 19}, done.stderr
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports
