"""Refuses what an engine is too old for. The first versions come from `elasticache_rules.facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_rules import facts

if TYPE_CHECKING:
    from elasticache_rules.facts import Feature


class _Engine(Protocol):
    """An engine of nodes, or one of serverless caches."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def version(self) -> str:
        """The version."""


def check_feature(engine: _Engine, feature: Feature, *, got: str, fix: str, rule: str) -> None:
    """Refuse an engine that does not have a feature.

    Args:
        engine: The engine, with its version.
        feature: The feature that is wanted.
        got: What was given that wants it, with the engine.
        fix: The change to make, as a sentence without its full stop.
        rule: The rule's id.

    Raises:
        ConfigurationError: If the engine does not have it. The message names the first versions that do.
    """
    if not facts.supports(feature, engine.name, engine.version):
        raise ConfigurationError(
            got=got,
            allowed=f"{facts.title(feature)} needs at least {facts.floors_in_words(feature, engine.name)}",
            fix=fix,
            rule=rule,
        )
