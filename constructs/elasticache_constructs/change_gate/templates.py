"""A template as CloudFormation compares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_constructs.change_gate.service_rules.update import State
from elasticache_constructs.change_gate.values import normalised

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFINITIONS = ("Parameters", "Conditions", "Mappings")


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose values are normalised.

    Args:
        resources: By logical id, each with ``Type`` and ``Properties``.

        definitions: Parameters, conditions and mappings by name.

        unread: What CloudFormation expands before it looks at resources, ``Transform`` and ``Fn::ForEach``, by name.

        outputs: By name, each with its ``Value`` and perhaps an ``Export``.
    """

    resources: Mapping[str, Mapping[str, Any]]
    definitions: Mapping[str, Any]
    unread: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]

    def state(self, logical_id: str) -> State:
        """One resource with everything around it."""
        body = self.resources[logical_id]
        return State(body["Properties"], body, self.resources)


def read(document: Mapping[str, Any]) -> Template:
    """Read a template from what its JSON holds."""
    entries = normalised(document.get("Resources", {}))
    resources = {
        name: {"Properties": {}, **body} for name, body in entries.items() if isinstance(body, dict) and "Type" in body
    }
    unread = {name: body for name, body in entries.items() if name not in resources}
    if "Transform" in document:
        unread["Transform"] = normalised(document["Transform"])
    definitions = {
        name: normalised(each) for section in _DEFINITIONS for name, each in document.get(section, {}).items()
    }
    return Template(resources, definitions, unread, normalised(document.get("Outputs", {})))
