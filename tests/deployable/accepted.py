"""A large sample of configurations that are accepted, the same one in every run of the same tests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Token
from hypothesis import Phase, assume, given, settings

from elasticache_constructs import ConfigurationError
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from tests.deployable.drawing.outside import told
from tests.deployable.resources import Resources, resources, targets
from tests.deployable.second_opinion import Asked, asked
from tests.deployable.strategies import SHARES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.deployable.written import Cache

_DRAWN = 300
_DRAWN_EXHAUSTIVELY = 1200
"""So many that those which come twice do not matter."""


@dataclass(frozen=True)
class Accepted:
    """A configuration that was accepted, and what comes of it."""

    name: str
    """What the names of its resources begin with; no other one's do."""
    written: Cache
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


def asked_of(made: Any, found: Resources) -> Asked:
    """What the service is asked for by the resources that settings become."""
    is_group = isinstance(made, ReplicationGroupSettings)
    return asked(
        found,
        region=known_region(made),
        node_quota=made.topology.node_quota if is_group else 0,
        is_loaded=is_group and made.restore_from is not None and made.restore_from.loaded,
        made_with=len(made.topology.zones_of_nodes) if is_group and made.topology.placed else 0,
        targets=targets(made),
    )


@contextmanager
def tokens_asked_for_once() -> Iterator[None]:
    """Remember what the CDK says of a value: it is asked in another process, which is most of the time of a check."""
    ask = Token.is_unresolved
    answers: dict[tuple[type, object], bool] = {}

    def is_unresolved(value: object) -> bool:
        if not isinstance(value, str | int | float):
            return ask(value)
        key = type(value), value
        if key not in answers:
            answers[key] = ask(value)
        return answers[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Token, "is_unresolved", is_unresolved)
        yield


def draw(*, exhaustive: bool) -> Sequence[Accepted]:
    """The sample."""
    found: dict[str, tuple[Cache, Any]] = {}

    drawn = _DRAWN_EXHAUSTIVELY if exhaustive else _DRAWN

    def collect(written: Cache) -> None:
        try:
            found.setdefault(repr(written), (written, written.made()))
        except ConfigurationError:
            assume(condition=False)

    # Each kind by itself: what Hypothesis draws depends on the modules that are loaded, and so would the shares.
    for tenths, kind in SHARES:
        profile = settings(
            max_examples=drawn * tenths // 10, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
        )
        profile(given(kind())(collect))()
    return [
        Accepted(f"C{number}", written, made, resources(made, f"C{number}", groups=told(written.given)[0]))
        for number, (written, made) in enumerate(found.values())
    ]
