"""The cloud assembly that the CDK CLI synthesised: its stacks, their templates and where they want to go."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>.+)")
UNKNOWN = "unknown-"  # how CDK says that a stack goes wherever the credentials point


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    name: str
    """Its construct path inside its stack, or its logical id when the template has none."""
    deletion_policy: str


@dataclass(frozen=True)
class Stack:
    """One stack of the stage."""

    name: str
    path: str
    account: str | None
    region: str | None
    template: Mapping[str, Any] = field(repr=False)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What it declares, without CDK's own note about itself."""
        declared = self.template["Resources"].items()
        return tuple(self._resource(name, body) for name, body in declared if body["Type"] != "AWS::CDK::Metadata")

    def _resource(self, logical_id: str, declared: Mapping[str, Any]) -> Resource:
        path = declared.get("Metadata", {}).get("aws:cdk:path", logical_id)
        return Resource(
            logical_id=logical_id,
            type=declared["Type"],
            properties=declared.get("Properties", {}),
            name=path.removeprefix(f"{self.path}/").removesuffix("/Resource"),
            deletion_policy=declared.get("DeletionPolicy", "Delete"),
        )


def stacks(directory: Path) -> tuple[Stack, ...]:
    """Every stack of an assembly, those of its stages included, in the order the assembly lists them."""
    manifest = json.loads((directory / "manifest.json").read_text())
    found: list[Stack] = []
    for name, artifact in manifest["artifacts"].items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            found += stacks(directory / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            template = json.loads((directory / properties["templateFile"]).read_text())
            account, region = _environment(artifact["environment"])
            path = artifact.get("displayName", name)
            found.append(Stack(properties.get("stackName", name), path, account, region, template))
    return tuple(found)


def _environment(text: str) -> tuple[str | None, str | None]:
    match = ENVIRONMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"got environment {text!r} in the assembly, expected aws://account/region")
    account, region = match["account"], match["region"]
    return (
        None if account.startswith(UNKNOWN) else account,
        None if region.startswith(UNKNOWN) else region,
    )
