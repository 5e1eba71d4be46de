"""A large sample of configurations that are accepted, the same one in every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Token
from hypothesis import Phase, assume, given, settings

from elasticache_constructs import ConfigurationError
from tests.deployable.resources import Resources, resources
from tests.deployable.strategies import configurations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.deployable.written import Call

_DRAWN = 1200
"""So many that those which come twice do not matter."""


@dataclass(frozen=True)
class Accepted:
    """A configuration that was accepted, and what comes of it."""

    name: str
    """What the names of its resources begin with; no other one's do."""
    written: Call
    settings: Any
    resources: Resources

    @property
    def region(self) -> str | None:
        """Its region; None where it is not known, or nothing depends on it."""
        return known_region(self.settings)


def known_region(settings: Any) -> str | None:
    """The region of settings, unless it is known at deployment only or nothing depends on it."""
    region: str | None = getattr(settings, "region", None)
    return None if region is None or Token.is_unresolved(region) else region


def draw() -> Sequence[Accepted]:
    """The sample."""
    found: dict[str, tuple[Call, Any]] = {}

    @settings(max_examples=_DRAWN, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(configurations())
    def collect(written: Call) -> None:
        try:
            found.setdefault(repr(written), (written, written.made()))
        except ConfigurationError:
            assume(condition=False)

    collect()
    return [
        Accepted(f"C{number}", written, made, resources(made, f"C{number}"))
        for number, (written, made) in enumerate(found.values())
    ]
