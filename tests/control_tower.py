"""AWS Control Tower's rules over an app, each over the resources that it is about.

All rules over all resources take cfn-guard half a minute of the processor's time, and this a few seconds.
"""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tarfile
import tempfile
from collections import defaultdict
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from cdklabs.cdk_validator_cfnguard import CfnGuardValidator

from tests.reduced import reduced, referred

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from constructs import IConstruct

    Templates = Mapping[str, dict[str, Any]]
    """By path."""

_FOLDER = Path(tempfile.mkdtemp(prefix="control-tower-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)  # quietly, unlike TemporaryDirectory at exit


def add_control_tower(app: cdk.App) -> None:
    """Check an app against Control Tower's rules whenever it is synthesised."""
    cdk.Validations.of(app).add_plugins(ControlTower())


@jsii.implements(cdk.IPolicyValidationPlugin)
class ControlTower:
    """cdklabs' plugin, once for all the rules that name the same types, with the parts of the templates for these."""

    @property
    def name(self) -> str:
        """As the plugin that does the work is called: acknowledgements name it."""
        return "cdk-validator-cfnguard"

    @property
    def version(self) -> str | None:
        """None: the package's is not told."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None, as of the plugin that does the work."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check the templates of one app."""
        templates = {path: json.loads(Path(path).read_text(encoding="utf-8")) for path in context.template_paths}
        violations = [
            violation
            for rules, shown in parts(templates)
            for violation in _violations(context.app_construct, rules, shown)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def parts(templates: Templates) -> Iterator[tuple[list[Path], Templates]]:
    """Rules, and the resources that they are shown: those of the types that they name, and what these refer to.

    A rule that names no type is shown everything.
    """
    types = {each["Type"] for template in templates.values() for each in template.get("Resources", {}).values()}
    grouped: defaultdict[AbstractSet[str], list[Path]] = defaultdict(list)
    for file, named in control_tower_rules().items():
        grouped[frozenset(named & types if named else types)].append(file)
    for about, rules in grouped.items():
        shown = {path: _about(template, about) for path, template in templates.items()}
        if any(part["Resources"] for part in shown.values()):
            yield rules, {path: part for path, part in shown.items() if part["Resources"]}


def _about(template: dict[str, Any], types: AbstractSet[str]) -> dict[str, Any]:
    """The resources of some types, and what they refer to."""
    names = [name for name, each in template.get("Resources", {}).items() if each["Type"] in types]
    return reduced(template, referred(template, names))


def _violations(app: IConstruct, rules: list[Path], templates: Templates) -> list[cdk.PolicyViolation]:
    with tempfile.TemporaryDirectory() as folder:
        files = {str(Path(folder, f"{number}.json")): path for number, path in enumerate(templates)}
        for file, path in files.items():
            Path(file).write_text(json.dumps(templates[path]), encoding="utf-8")
        guard = CfnGuardValidator(control_tower_rules_enabled=False, rules=[str(rule) for rule in rules])
        report = guard.validate(_Part(app, [*files]))
    return [
        cdk.PolicyViolation(
            rule_name=each.rule_name,
            description=each.description,
            fix=each.fix,
            violating_resources=[
                cdk.PolicyViolatingResource(
                    resource_logical_id=resource.resource_logical_id,
                    template_path=files[resource.template_path],
                    locations=resource.locations,
                )
                for resource in each.violating_resources
            ],
        )
        for each in report.violations
    ]


# The plugin still speaks the first protocol.
@jsii.implements(cdk.IPolicyValidationContextBeta1)
class _Part:
    def __init__(self, app: IConstruct, paths: list[str]) -> None:
        self._app = app
        self._paths = paths

    @property
    def app_construct(self) -> IConstruct:
        return self._app

    @property
    def template_paths(self) -> list[str]:
        return self._paths


@cache
def control_tower_rules() -> Mapping[Path, AbstractSet[str]]:
    """Every file of rules, with the resource types that it names outside of its comments."""
    package = distribution("cdklabs.cdk-validator-cfnguard")
    archive = next(file for file in package.files or [] if file.name.endswith(".jsii.tgz"))
    with tarfile.open(str(package.locate_file(archive))) as opened:
        rules = [member for member in opened if member.name.endswith(".guard")]
        opened.extractall(_FOLDER, rules, filter="data")
    found = {file: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.rglob("*.guard"))}
    return {file: _types(text) for file, text in found.items()}


def _types(text: str) -> AbstractSet[str]:
    return {*re.findall(r"AWS::\w+::\w+", re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE))}
