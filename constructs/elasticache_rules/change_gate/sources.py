"""Sources of templates: files, cloud assemblies, committed snapshots and deployed stacks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.errors import GateError
from elasticache_rules.change_gate.settings import StackSettings
from elasticache_rules.templates import assembly

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

Document = dict[str, Any]
"""A template as JSON."""

DEFAULT_SNAPSHOTS = Path("tests/synth/__snapshots__/test_snapshots")

_STACK_OF_SNAPSHOT = re.compile(r"\[(?P<stack>[^\]]+)\]\.json$")
_ASSET_HASH = re.compile(r"[0-9a-f]{64}")
# The CDK puts a hash of the code into the logical id of a function's version.
_VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")
_NEW_STACK = "does not exist"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of a cloud assembly.

    Args:
        region: Its region; empty if the app leaves it to the deployment.
        settings: Its settings that are not in the template. Default: not known.
    """

    template: Document
    region: str | None
    settings: StackSettings = field(default_factory=StackSettings)


def read_file(file: Path) -> Document:
    """Read one template, JSON or YAML.

    Raises:
        GateError: If the file is missing, or is not a template.
    """
    try:
        return _parsed(file.read_text(), str(file))
    except OSError as error:
        raise GateError(f"{file}: {error.strerror}. Give a template, or the directory that cdk synth writes") from error


def _parsed(text: str, source: str) -> Document:
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else _from_yaml(text)
    except ValueError as error:
        raise GateError(f"{source} is not readable: {error}. A template is JSON or YAML") from error
    if not isinstance(document, dict) or "Resources" not in document:
        raise GateError(f"{source} has no Resources. Give a CloudFormation template, or what cdk synth writes")
    return document


def _from_yaml(text: str) -> Any:
    # Its reader knows the short forms, !Ref and the like, and comes with the schemas that are needed anyway.
    try:
        from cfnlint.decode.cfn_yaml import CfnParseError, loads  # type: ignore[import-untyped]  # noqa: PLC0415
        from yaml import YAMLError  # noqa: PLC0415
    except ImportError as error:
        raise GateError(
            "cfn-lint is not installed, and YAML is read with it. Install it: pip install cfn-lint"
        ) from error
    try:
        return loads(text)
    except (CfnParseError, YAMLError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def read_assembly(directory: Path) -> dict[str, Stack]:
    """Read every stack of a cloud assembly by its name, those of stages and nested stacks included.

    A nested stack is named after its parent and its logical id there, ``prod-cache/NestedStackResource``.

    Raises:
        GateError: If the directory holds no cloud assembly.
    """
    found: dict[str, Stack] = {}
    try:
        for artifact in assembly.stacks(directory):
            settings = StackSettings(
                account=artifact.account, region=artifact.region, tags=artifact.tags, is_protected=artifact.is_protected
            )
            template = read_file(artifact.file)
            found |= {
                name: Stack(each, artifact.region, settings)
                for name, each in (
                    (artifact.name, template),
                    *_nested(artifact.name, template, artifact.file.parent),
                )
            }
    except assembly.AssemblyError as error:
        raise GateError(str(error)) from error
    return found


def _nested(parent: str, template: Document, directory: Path) -> Iterator[tuple[str, Document]]:
    for logical_id, file in assembly.nested_templates(template, directory):
        nested = read_file(file)
        yield f"{parent}/{logical_id}", nested
        yield from _nested(f"{parent}/{logical_id}", nested, file.parent)


def read_either(path: Path) -> dict[str, Document]:
    """Read a file or a cloud assembly; a file is one stack, ``template``.

    Raises:
        GateError: If it is neither.
    """
    if path.is_dir():
        return {name: each.template for name, each in read_assembly(path).items()}
    return {"template": read_file(path)}


def read_settings(path: Path) -> dict[str, StackSettings]:
    """The settings of the stacks of a cloud assembly; empty for a file."""
    return {name: each.settings for name, each in read_assembly(path).items()} if path.is_dir() else {}


def read_snapshots(revision: str, directory: Path = DEFAULT_SNAPSHOTS) -> dict[str, Document]:
    """Read the templates that are committed as snapshots at a revision.

    Args:
        revision: A commit, branch or tag.
        directory: Their folder in the repository, with one JSON file for each stack. The stack's name is the part in
            brackets of the file's name, as syrupy writes it for a parametrised test, or else the name without
            ``.json`` and ``.template``. Default: ``tests/synth/__snapshots__/test_snapshots``.

    Raises:
        GateError: If the revision is unknown to git, or has no snapshots there.
    """
    listed = _git("ls-tree", "--name-only", "-z", revision, f"{directory.as_posix()}/")
    files = [name for name in listed.split("\0") if name.endswith(".json")]
    if not files:
        raise GateError(
            f"{revision} has no snapshots in {directory}. Commit the templates there, or name their place: --snapshots"
        )
    return {_stack_name(file): _parsed(_git("show", f"{revision}:./{file}"), f"{revision}:{file}") for file in files}


def _stack_name(file: str) -> str:
    found = _STACK_OF_SNAPSHOT.search(file)
    return found["stack"] if found else Path(file).name.removesuffix(".json").removesuffix(".template")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GateError(f"{' '.join(command)} says: {' '.join(done.stderr.split())}. Name a revision that git knows")
    return done.stdout


def like_snapshots(templates: Mapping[str, Document], snapshots: Mapping[str, Document]) -> dict[str, Document]:
    """The templates without what their snapshots leave out: asset hashes, and sections that a snapshot lacks.

    Snapshot tests leave out what changes with every release of the CDK, so both sides must.
    """
    return {
        name: _without_assets(
            {section: each for section, each in template.items() if section in snapshots.get(name, template)}
            | {section: template[section] for section in ("Resources", "Outputs") if section in template}
        )
        for name, template in templates.items()
    }


def _without_assets(template: Document) -> Document:
    text = _ASSET_HASH.sub("<asset-hash>", json.dumps(template))
    masked: Document = json.loads(_VERSION.sub(r"\1", text))
    return masked


def read_deployed(
    stacks: Mapping[str, Stack], client: Callable[[str | None], Any] | None = None
) -> dict[str, Document]:
    """Read the deployed templates of an assembly's stacks.

    Stacks that are not deployed yet are left out.

    Args:
        stacks: The assembly's stacks by name.
        client: Makes a CloudFormation client for a region. Default: boto3's, with the credentials of the environment.

    Raises:
        GateError: If boto3 is not installed, or AWS refuses.
    """
    new_client = client or _boto3_client
    found = {name: _deployed(name, new_client(stack.region)) for name, stack in stacks.items()}
    return {name: template for name, template in found.items() if template is not None}


def _deployed(stack: str, client: Any) -> Document | None:
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        # As it was written, without what macros made of it.
        body = client.get_template(StackName=_physical_name(stack, client), TemplateStage="Original")["TemplateBody"]
    except (BotoCoreError, ClientError) as error:
        if _NEW_STACK in str(error):
            return None
        raise GateError(f"the deployed template of {stack} is not readable: {error}. Check account and role") from error
    return _parsed(body, stack) if isinstance(body, str) else dict(body)


def read_deployed_settings(
    stacks: Collection[str], assembly: Mapping[str, Stack], client: Callable[[str | None], Any] | None = None
) -> dict[str, StackSettings]:
    """Read tags and termination protection of the deployed stacks.

    Stacks that the caller may not describe are left out, with a line on standard error.

    Args:
        stacks: The names of the deployed stacks; nested ones have the settings of their parents.
        assembly: The assembly's stacks by name.
        client: Makes a CloudFormation client for a region. Default: boto3's, with the credentials of the environment.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    new_client = client or _boto3_client
    found: dict[str, StackSettings] = {}
    for name in sorted(stacks):
        parent = name.partition("/")[0]
        try:
            if parent == name:
                (described,) = new_client(assembly[name].region).describe_stacks(StackName=name)["Stacks"]
                found[name] = StackSettings(
                    tags={each["Key"]: each["Value"] for each in described.get("Tags", ())},
                    is_protected=described.get("EnableTerminationProtection", False),
                )
            elif parent in found:
                found[name] = found[parent]
        except (BotoCoreError, ClientError) as error:
            sys.stderr.write(f"note: the tags of {name} are not compared, since they are not readable: {error}\n")
    return found


def _physical_name(stack: str, client: Any) -> str:
    name, *nested = stack.split("/")
    for logical_id in nested:
        answer = client.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)
        name = answer["StackResourceDetail"]["PhysicalResourceId"]
    return name


def _boto3_client(region: str | None) -> Any:
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError as error:
        raise GateError(
            "boto3 is not installed, and --deployed asks AWS with it. Install it: pip install boto3"
        ) from error
    try:
        # AWS_REGION is what the CDK CLI deploys to, and boto3 ignores it.
        return boto3.client("cloudformation", region_name=region or os.environ.get("AWS_REGION"))
    except BotoCoreError as error:
        raise GateError(f"CloudFormation cannot be asked: {error} Set AWS_REGION, or the stage's region") from error
