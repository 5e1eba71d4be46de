"""The templates of an app, read as one: a reference is followed into the stack that exports what it names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        """The resource that a Ref, GetAtt or import leads to; ``None`` for anything else, a literal id say.

        A parameter of a nested stack is followed to what the stack is given, and its output to what it gives.
        """
        if not isinstance(value, dict) or len(value) != 1:
            return None
        ((function, argument),) = value.items()
        if function == "Fn::ImportValue":
            exported = self._exports.get(json.dumps(argument))
            return None if exported is None else self.follow(exported[1], exported[0])
        if function == "Ref":
            return self._resources.get((template, argument)) or self._given(argument, template)
        if function == "Fn::GetAtt":
            name, _, attribute = (
                argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
            )
            if (template, name) in self._nested:
                return self._output(self._nested[template, name], str(attribute).removeprefix("Outputs."))
            return self._resources.get((template, name))
        return None

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
        templates[name] = json.loads(path.read_text(encoding="utf-8"))
        for logical_id, resource in templates[name].get("Resources", {}).items():
            file = _nested_template(resource, path.parent)
            if file is not None:
                key = str(file) if str(file) not in nested else f"{file}#{logical_id}"
                nested[key] = (name, logical_id)
                waiting.append((key, file))
    return templates, nested


def _nested_template(resource: Mapping[str, Any], directory: Path) -> Path | None:
    """The file of a nested stack's template: an asset, whose address ends with its hash."""
    if resource.get("Type") != "AWS::CloudFormation::Stack":
        return None
    url = text(resource.get("Properties", {}).get("TemplateURL"))
    sought = url.rpartition("/")[2].split(".")[0]
    for manifest in sorted(directory.glob("*.assets.json")):
        files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
        if sought in files:
            path: str = files[sought]["source"]["path"]
            return directory / path
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
