"""Read a cloud assembly of the CDK CLI: its stacks, their templates and their environments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates import assembly
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Resource:
    """One resource of a template.

    Attributes:
        logical_id: Its logical id.
        type: Its type, for example `AWS::KMS::Key`.
        properties: Its properties, with unresolved references.
        name: Its construct path inside its stack, or its logical id if the template has no path.
        deletion_policy: Its deletion policy; CloudFormation's default is `Delete`.
        acknowledged: Rules that are acknowledged for it or for what it is in, with the reasons. Default: none.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    name: str
    deletion_policy: str
    acknowledged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """One stack of the stage.

    Attributes:
        name: Its name in CloudFormation.
        path: Its construct path.
        account: The account of its environment, if it names one.
        region: The Region of its environment, if it names one.
        template: Its template.
        tags: Its tags, which CloudFormation hands on to its resources. Default: none.
        is_protected: Whether it has termination protection. Default: no.
        acknowledged: Acknowledged rules with their reasons, by logical id. Default: none.
    """

    name: str
    path: str
    account: str | None
    region: str | None
    template: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False
    acknowledged: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

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
            acknowledged=self.acknowledged.get(logical_id, {}),
        )


def stacks(directory: Path) -> tuple[Stack, ...]:
    """All stacks of an assembly and of its stages, in the order of its manifest.

    Raises:
        ValueError: If the environment of a stack cannot be read.
    """
    return tuple(_stack(artifact) for artifact in assembly.stacks(directory))


def _stack(artifact: assembly.StackArtifact) -> Stack:
    if not artifact.has_environment:
        raise ValueError(
            refusal(
                got=f"environment {artifact.environment!r}",
                allowed="must have the form aws://account/region",
                fix="Synthesise the assembly with the CDK CLI of package.json",
            )
        )
    return Stack(
        artifact.name,
        artifact.path,
        artifact.account,
        artifact.region,
        artifact.template(),
        tags=artifact.tags,
        is_protected=artifact.is_protected,
        acknowledged=artifact.acknowledged(),
    )
