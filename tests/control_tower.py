"""AWS Control Tower's rules: those that can find something, since cfn-guard takes seconds to read them all."""

from __future__ import annotations

import atexit
import re
import shutil
import tarfile
import tempfile
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from cdklabs.cdk_validator_cfnguard import CfnGuardValidator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

_FOLDER = Path(tempfile.mkdtemp(prefix="control-tower-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)  # quietly, unlike TemporaryDirectory at exit


def add_control_tower(app: cdk.App) -> None:
    """Check an app, whose constructs are all made, against the rules that name the type of one of its resources."""
    types = resource_types(app)
    rules = [str(file) for file, named in control_tower_rules().items() if not named or named & types]
    validator = CfnGuardValidator(control_tower_rules_enabled=False, rules=rules)
    # It still speaks the plugins' first protocol, which CDK accepts at run time.
    cdk.Validations.of(app).add_plugins(validator)  # type: ignore[arg-type]


def resource_types(app: cdk.App) -> AbstractSet[str]:
    """The types of an app's resources."""
    return {each.cfn_resource_type for each in app.node.find_all() if isinstance(each, cdk.CfnResource)}


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
