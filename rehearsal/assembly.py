"""Read a cloud assembly of the CDK CLI: its stacks, their templates and their environments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>.+)")
UNKNOWN = "unknown-"  # how CDK writes the account or Region of an environment-agnostic stack


@dataclass(frozen=True)
class Resource:
    """One resource of a template.

    Attributes:
        logical_id: Its logical id.
        type: Its type, for example `AWS::KMS::Key`.
        properties: Its properties, with unresolved references.
        name: Its construct path inside its stack, or its logical id if the template has no path.
        deletion_policy: Its deletion policy; CloudFormation's default is `Delete`.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    name: str
    deletion_policy: str


@dataclass(frozen=True)
class Stack:
    """One stack of the stage.

    Attributes:
        name: Its name in CloudFormation.
        path: Its construct path.
        account: The account of its environment, if it names one.
        region: The Region of its environment, if it names one.
        template: Its template.
    """

    name: str
    path: str
    account: str | None
    region: str | None
    template: Mapping[str, Any] = field(repr=False)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources that its template declares, without CDK's metadata resource."""
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
    """All stacks of an assembly and of its stages, in the order of its manifest.

    Raises:
        ValueError: If the environment of a stack cannot be read.
    """
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
        raise ValueError(
            refusal(
                got=f"environment {text!r}",
                allowed="must have the form aws://account/region",
                fix="Synthesise the assembly with the CDK CLI of package.json",
            )
        )
    account, region = match["account"], match["region"]
    return (
        None if account.startswith(UNKNOWN) else account,
        None if region.startswith(UNKNOWN) else region,
    )
