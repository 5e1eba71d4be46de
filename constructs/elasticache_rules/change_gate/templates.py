"""A template as CloudFormation compares it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.service_rules.update import State
from elasticache_rules.change_gate.values import normalised

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFINITIONS = ("Parameters", "Conditions", "Mappings")


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose values are normalised.

    Args:
        resources: By logical id, each with ``Type`` and ``Properties``.
        definitions: Parameters, conditions and mappings, by section and name.
        unread: Parts that CloudFormation expands first, ``Transform`` and ``Fn::ForEach``, by name.
        outputs: By name, each with its ``Value`` and an optional ``Export``.
    """

    resources: Mapping[str, Mapping[str, Any]]
    definitions: Mapping[str, Mapping[str, Any]]
    unread: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]

    def state(self, logical_id: str) -> State:
        """One resource with its template."""
        body = self.resources[logical_id]
        return State(body["Properties"], body, self.resources)

    def given_to(self, nested: str) -> Mapping[str, Any]:
        """The parameters of a nested stack, by name; empty if there is no such resource."""
        given: Mapping[str, Any] = self.resources.get(nested, {}).get("Properties", {}).get("Parameters", {})
        return given

    def everything(self) -> list[Any]:
        """The whole template, for a search through every section."""
        return [self.resources, self.definitions, self.unread, self.outputs]

    def with_parameters(self, given: Mapping[str, Any]) -> Template:
        """The same template with values of its parameters instead of their defaults."""
        definitions = {
            name: {**sections, "Parameters": {**sections["Parameters"], "Default": given[name]}}
            if name in given and "Parameters" in sections
            else sections
            for name, sections in self.definitions.items()
        }
        return replace(self, definitions=definitions)


def read(document: Mapping[str, Any]) -> Template:
    """Read a template from its JSON."""
    entries = normalised(document.get("Resources", {}))
    resources = {
        name: {"Properties": {}, **body} for name, body in entries.items() if isinstance(body, dict) and "Type" in body
    }
    unread = {name: body for name, body in entries.items() if name not in resources}
    if "Transform" in document:
        unread["Transform"] = normalised(document["Transform"])
    definitions: dict[str, dict[str, Any]] = {}
    for section in _DEFINITIONS:
        for name, each in document.get(section, {}).items():
            definitions.setdefault(name, {})[section] = normalised(each)
    return Template(resources, definitions, unread, normalised(document.get("Outputs", {})))
