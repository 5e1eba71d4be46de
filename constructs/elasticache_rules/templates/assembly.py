"""A cloud assembly, as ``cdk synth`` writes it: its stacks and the templates of nested stacks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ENVIRONMENT = re.compile(r"aws://([^/]+)/(.+)")
# How the CDK writes the account or Region of a stack that leaves it to the deployment.
_UNKNOWN = "unknown-"


class AssemblyError(ValueError):
    """A directory that is not a cloud assembly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackArtifact:
    """A stack of an assembly, without its template.

    Args:
        name: Its name in CloudFormation.
        path: Its construct path, ``prod/cache-redis``.
        file: Its template.
        environment: Its environment as the assembly has it, ``aws://111122223333/eu-west-1``.
        tags: Its tags, which CloudFormation hands on to its resources.
        is_protected: Whether it has termination protection.
    """

    name: str
    path: str
    file: Path
    environment: str
    tags: Mapping[str, str]
    is_protected: bool

    @property
    def has_environment(self) -> bool:
        """Whether the environment has its form."""
        return _ENVIRONMENT.fullmatch(self.environment) is not None

    @property
    def account(self) -> str | None:
        """The account; ``None`` where the deployment decides."""
        return self._part(1)

    @property
    def region(self) -> str | None:
        """The Region; ``None`` where the deployment decides."""
        return self._part(2)

    def _part(self, number: int) -> str | None:
        match = _ENVIRONMENT.fullmatch(self.environment)
        return None if match is None or match[number].startswith(_UNKNOWN) else match[number]

    def template(self) -> dict[str, Any]:
        """Read the template."""
        return read_template(self.file)


def stacks(directory: Path) -> Iterator[StackArtifact]:
    """The stacks of an assembly and of its stages, in the order of its manifest.

    Raises:
        AssemblyError: If the directory, or that of a stage, has no manifest.
    """
    manifest = directory / "manifest.json"
    if not manifest.is_file():
        raise AssemblyError(
            f"{directory} has no manifest.json: a cloud assembly has one. Give a directory that cdk synth writes, "
            "for example cdk.out"
        )
    for name, artifact in json.loads(manifest.read_text(encoding="utf-8")).get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from stacks(directory / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            yield StackArtifact(
                name=properties.get("stackName", name),
                path=artifact.get("displayName", name),
                file=directory / properties["templateFile"],
                environment=str(artifact.get("environment", "")),
                tags=properties.get("tags", {}),
                is_protected=properties.get("terminationProtection", False),
            )


def read_template(file: Path) -> dict[str, Any]:
    """Read the template of a stack, which the CDK writes as JSON."""
    template: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return template


def nested_templates(template: Mapping[str, Any], directory: Path) -> Iterator[tuple[str, Path]]:
    """The nested stacks of a template, by logical id, and the file of each one's template.

    A nested stack's template is an asset. Its address ends with the asset's hash, and the manifest of the assets has
    the file; so has the resource's metadata, unless the app leaves those out.

    Args:
        template: The template.
        directory: Where it is in the assembly.
    """
    for logical_id, body in template.get("Resources", {}).items():
        if isinstance(body, dict) and body.get("Type") == "AWS::CloudFormation::Stack":
            file = _named_in_metadata(body) or _among_assets(body, directory)
            if file is not None:
                yield logical_id, directory / file


def _named_in_metadata(body: Mapping[str, Any]) -> str | None:
    named: str | None = body.get("Metadata", {}).get("aws:asset:path")
    return named


def _among_assets(body: Mapping[str, Any], directory: Path) -> str | None:
    sought = text(body.get("Properties", {}).get("TemplateURL")).rpartition("/")[2].split(".")[0]
    for manifest in sorted(directory.glob("*.assets.json")):
        files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
        if sought in files:
            path: str = files[sought]["source"]["path"]
            return path
    return None


def text(value: Any) -> str:
    """A string property with its intrinsic functions flattened, enough to see how it begins and ends."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Fn::Join":
            return str(argument[0]).join(text(part) for part in argument[1])
        if function == "Fn::Sub":
            return text(argument if isinstance(argument, str) else argument[0])
    return "*"
