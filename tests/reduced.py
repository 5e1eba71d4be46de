"""Parts of templates: what takes long to judge as a whole is judged by what has a part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.references import references

if TYPE_CHECKING:
    from collections.abc import Iterable


def referred(template: dict[str, Any], names: Iterable[str]) -> set[str]:
    """The logical ids of some resources and of whatever they refer to, at any depth."""
    resources = template.get("Resources", {})
    found: set[str] = set()
    waiting = {*names}
    while waiting:
        found |= waiting
        named = {each.name for name in waiting for each in references(resources[name])}
        waiting = (named & resources.keys()) - found
    return found


def reduced(template: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A template with some of its resources, in its order."""
    kept = {name: each for name, each in template.get("Resources", {}).items() if name in names}
    return {**template, "Resources": kept}
