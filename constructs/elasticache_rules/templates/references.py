"""References of a value in a template: to resources, parameters, mappings and conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")
"""A name in the text of an ``Fn::Sub``."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: a name, and for a resource an optional attribute."""

    name: str
    attribute: str | None = None

    @property
    def is_identity(self) -> bool:
        """Whether the value names the resource, so that another resource has another one."""
        if self.attribute is None:
            return True
        # A nested stack gives out what its template says, which may be another resource's name tomorrow.
        return self.attribute.endswith(("Arn", "ARN", "Id")) and not self.attribute.startswith("Outputs.")


def references(value: Any) -> Iterator[Reference]:
    """All references of a value, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        for name, argument in value.items():
            yield from _of_function(name, argument)
            yield from references(argument)


def sole_reference(value: Any) -> Reference | None:
    """The reference of a value that is a single ``Ref`` or ``Fn::GetAtt``; ``None`` for any other value."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((function, argument),) = value.items()
    return next(_of_function(function, argument), None) if function in {"Ref", "Fn::GetAtt"} else None


def attribute(argument: Any) -> Reference:
    """The attribute that the argument of an ``Fn::GetAtt`` names: ``[name, attribute]`` or ``name.attribute``."""
    if isinstance(argument, str):
        name, _, named = argument.partition(".")
        return Reference(name, named)
    name, named = argument
    return Reference(name, named if isinstance(named, str) else "")


def _of_function(function: str, argument: Any) -> Iterator[Reference]:
    match function, argument:
        case (("Ref" | "Condition"), str(name)):
            yield Reference(name)
        case "Fn::GetAtt", ([str(), str()] | str()):
            yield attribute(argument)
        case "Fn::Sub", str(text):
            yield from _substituted(text, frozenset())
        case "Fn::Sub", [str(text), dict(variables)]:
            yield from _substituted(text, frozenset(variables))
        case (("Fn::If" | "Fn::FindInMap"), [str(name), *_]):
            yield Reference(name)


def _substituted(text: str, variables: frozenset[str]) -> Iterator[Reference]:
    for found in SUBSTITUTED.findall(text):
        if found not in variables:
            name, dot, named = found.partition(".")
            yield Reference(name, named if dot else None)
