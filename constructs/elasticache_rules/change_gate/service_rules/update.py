"""One resource before and after, as the service's rules look at it, and what they say about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.values import is_known
from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_rules.change_gate.changes import Effect
    from elasticache_rules.change_gate.values import Difference

RESOURCE = "(resource)"
"""Stands for the whole resource where a finding is about no single property."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one property of an update."""

    property: str
    effect: Effect
    reason: str = ""
    instead: str = ""
    rules: tuple[str, ...] = ()
    could_replace: bool = False
    """Whether what is not known here decides if the resource, or what it holds, is replaced."""


@dataclass(frozen=True, slots=True)
class State:
    """A resource in one of the two templates, with everything around it. Values are normalised."""

    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    """Attributes next to ``Properties``: ``UpdatePolicy``, ``DeletionPolicy`` and so on."""
    resources: Mapping[str, Mapping[str, Any]]
    """Every resource of the template."""

    def get(self, name: str) -> Any:
        """A property, or nothing."""
        return self.properties.get(name)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A property that is a literal text; the default when it is not there, nothing when it is a function."""
        value = self.properties.get(name, default)
        return value if isinstance(value, str) and is_known(value) else None

    def flag(self, name: str, *, default: bool = False) -> bool | None:
        """A property that is a literal truth value; nothing when it is a function."""
        return {"true": True, "false": False}.get((self.text(name, "true" if default else "false") or "").lower())

    def number(self, name: str, default: int | None = None) -> int | None:
        """A property that is a literal whole number; nothing when it is a function."""
        text = self.text(name, None if default is None else str(default))
        return int(text) if text is not None and text.isdecimal() else None

    def members(self, name: str) -> list[Any]:
        """The elements of a property that is a list; none when it is not there or is a function."""
        value = self.properties.get(name)
        return value if isinstance(value, list) else []

    def referenced(self, name: str, kind: str) -> dict[str, Mapping[str, Any]]:
        """The resources of one type that a property refers to, by logical id."""
        names = [each.name for each in references(self.properties.get(name)) if each.name in self.resources]
        return {name: self.resources[name] for name in names if self.resources[name].get("Type") == kind}


@dataclass(frozen=True, slots=True)
class Update:
    """A resource that stands in both templates."""

    logical_id: str
    old: State
    new: State
    changed: Mapping[str, Difference]
    """The properties whose values differ, or may."""
    is_only_change: bool
    """Whether nothing else in the template changes."""
    elsewhere: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Resources of other stacks that import from this one, by stack and logical id; imports are what they stand for."""

    def changes(self, *names: str) -> bool:
        """Whether any of these properties differs."""
        return any(name in self.changed for name in names)

    def texts(self, name: str, default: str | None = None) -> tuple[str, str] | None:
        """Both values of a property that differs, if both are known."""
        old, new = self.old.text(name, default), self.new.text(name, default)
        return (old, new) if name in self.changed and old is not None and new is not None else None
