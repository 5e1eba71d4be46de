"""The templates of an app, read as one: a reference is followed into the stack that exports what it names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one template."""

    template: str
    logical_id: str
    # Two are the same when they stand at the same place.
    body: Mapping[str, Any] = field(compare=False)

    @property
    def kind(self) -> str:
        """The type, ``AWS::EC2::Subnet`` say."""
        return str(self.body["Type"])

    def get(self, *path: str) -> Any:
        """A property, however deep; ``None`` where it is not there."""
        value: Any = self.body.get("Properties", {})
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def list_of(self, *path: str) -> list[Any]:
        """A property that is a list; a single value counts as a list of it."""
        value = self.get(*path)
        return value if isinstance(value, list) else [] if value is None else [value]


class Templates:
    """All templates of an app.

    Args:
        templates: By a name of their own, their path say.
    """

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._resources = {
            (name, logical_id): Resource(name, logical_id, body)
            for name, template in templates.items()
            for logical_id, body in template.get("Resources", {}).items()
        }
        self._exports = {
            json.dumps(output["Export"]["Name"]): (name, output["Value"])
            for name, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Resources of some types, in all templates."""
        return (resource for resource in self._resources.values() if resource.kind in kinds)

    def follow(self, value: Any, template: str) -> Resource | None:
        """The resource that a Ref, GetAtt or import leads to; ``None`` for anything else, a literal id say."""
        if not isinstance(value, dict) or len(value) != 1:
            return None
        ((function, argument),) = value.items()
        if function == "Fn::ImportValue":
            exported = self._exports.get(json.dumps(argument))
            return None if exported is None else self.follow(exported[1], exported[0])
        if function == "Ref":
            return self._resources.get((template, argument))
        if function == "Fn::GetAtt":
            name = argument.split(".")[0] if isinstance(argument, str) else argument[0]
            return self._resources.get((template, name))
        return None

    def follow_all(self, values: list[Any], template: str) -> set[Resource]:
        """The resources that some values lead to, without those that lead nowhere."""
        return {found for value in values if (found := self.follow(value, template)) is not None}


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
