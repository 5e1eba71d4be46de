"""A cloud assembly, as ``cdk synth`` writes it: its stacks and the templates of nested stacks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_ENVIRONMENT = re.compile(r"aws://([^/]+)/(.+)")
# How the CDK writes the account or Region of a stack that leaves it to the deployment.
_UNKNOWN = "unknown-"
# What the CDK notes about a construct: the logical id of its resource, and the rules that are acknowledged there.
_LOGICAL_ID, _ACKNOWLEDGED = "aws:cdk:logicalId", "aws:cdk:acknowledged-rules"


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
        notes: Reads what the CDK notes about its constructs, by their paths with a leading slash.
    """

    name: str
    path: str
    file: Path
    environment: str
    tags: Mapping[str, str]
    is_protected: bool
    notes: Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]]

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

    def acknowledged(self) -> dict[str, dict[str, str]]:
        """Read the acknowledged rules of each resource, by logical id: the reasons by the ids of the rules.

        An acknowledgement of a construct counts for all that is in it, as in the CDK. The nearest one gives the reason.
        """
        notes = self.notes()
        rules = {path: _of_type(entries, _ACKNOWLEDGED) for path, entries in notes.items()}
        found: dict[str, dict[str, str]] = {}
        for path, entries in notes.items():
            parts = path.split("/")
            above = ("/".join(parts[: length + 1]) for length in range(len(parts)))
            reasons = {rule: why for place in above for given in rules.get(place, ()) for rule, why in given.items()}
            if reasons:
                found |= dict.fromkeys(_of_type(entries, _LOGICAL_ID), reasons)
        return found


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
                notes=partial(_notes, artifact, directory),
            )


def _notes(artifact: Mapping[str, Any], directory: Path) -> dict[str, list[dict[str, Any]]]:
    """The notes of a stack: in a file of their own since 2025, in the manifest before."""
    file = artifact.get("additionalMetadataFile")
    there = json.loads((directory / file).read_text(encoding="utf-8")) if file else {}
    return {**artifact.get("metadata", {}), **there}


def _of_type(entries: Sequence[Mapping[str, Any]], kind: str) -> list[Any]:
    return [entry["data"] for entry in entries if entry["type"] == kind]


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
