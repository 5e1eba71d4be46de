"""The templates of an app, read together: references are followed into the stacks that export them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.assembly import nested_templates, read_template
from elasticache_rules.templates.references import sole_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one template."""

    template: str
    logical_id: str
    # Two are the same when they stand at the same place.
    body: Mapping[str, Any] = field(compare=False)

    @property
    def kind(self) -> str:
        """The type, for example ``AWS::EC2::Subnet``."""
        return str(self.body["Type"])

    def get(self, *path: str) -> Any:
        """A property at any depth; ``None`` if it is absent."""
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
        templates: By a unique name, for example their path.
        nested: For each template of a nested stack, the template that the stack is a resource of and its logical id
            there. Default: no stack is nested.
    """

    def __init__(
        self, templates: Mapping[str, Mapping[str, Any]], nested: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self._parents = nested or {}
        self._nested = {place: name for name, place in self._parents.items()}
        self._outputs = {name: template.get("Outputs", {}) for name, template in templates.items()}
        self._resources = {
            (name, logical_id): Resource(name, logical_id, body)
            for name, template in templates.items()
            for logical_id, body in template.get("Resources", {}).items()
        }
        self._of_kind: dict[str, list[Resource]] = {}
        for resource in self._resources.values():
            self._of_kind.setdefault(resource.kind, []).append(resource)
        self._exports = {
            json.dumps(output["Export"]["Name"]): (name, output["Value"])
            for name, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Resources of some types, in all templates, in their order there."""
        if len(kinds) == 1:  # asked for once for each security group, among others
            return iter(self._of_kind.get(kinds[0], ()))
        return (resource for resource in self._resources.values() if resource.kind in kinds)

    def follow(self, value: Any, template: str) -> Resource | None:
        """The resource that a Ref, GetAtt or import leads to; ``None`` for anything else, for example a literal id.

        A parameter of a nested stack is followed to the stack's argument, and its output to the output's value.
        """
        if isinstance(value, dict) and value.keys() == {"Fn::ImportValue"}:
            exported = self._exports.get(json.dumps(value["Fn::ImportValue"]))
            return None if exported is None else self.follow(exported[1], exported[0])
        found = sole_reference(value)
        if found is None:
            return None
        if found.attribute is None:
            return self._resources.get((template, found.name)) or self._given(found.name, template)
        if (template, found.name) in self._nested:
            return self._output(self._nested[template, found.name], found.attribute.removeprefix("Outputs."))
        return self._resources.get((template, found.name))

    def _given(self, parameter: str, template: str) -> Resource | None:
        parent, logical_id = self._parents.get(template, ("", ""))
        stack = self._resources.get((parent, logical_id))
        return None if stack is None else self.follow(stack.get("Parameters", parameter), parent)

    def _output(self, nested: str, name: str) -> Resource | None:
        return self.follow(self._outputs.get(nested, {}).get(name, {}).get("Value"), nested)

    def follow_all(self, values: list[Any], template: str) -> set[Resource]:
        """The resources that some values lead to, without those that lead nowhere."""
        return {found for value in values if (found := self.follow(value, template)) is not None}


def read_with_nested(
    paths: Iterable[str],
) -> tuple[dict[str, Mapping[str, Any]], dict[str, tuple[str, str]]]:
    """Templates of a cloud assembly by their paths, and those of the stacks that are nested in them.

    Returns:
        The templates, and what `Templates` wants to know of the nested ones. One that two stacks have is there twice,
        the second time with a ``#`` and the logical id behind its path.
    """
    templates: dict[str, Mapping[str, Any]] = {}
    nested: dict[str, tuple[str, str]] = {}
    waiting = [(path, Path(path)) for path in paths]
    while waiting:
        name, path = waiting.pop()
        templates[name] = read_template(path)
        for logical_id, file in nested_templates(templates[name], path.parent):
            key = str(file) if str(file) not in nested else f"{file}#{logical_id}"
            nested[key] = (name, logical_id)
            waiting.append((key, file))
    return templates, nested
