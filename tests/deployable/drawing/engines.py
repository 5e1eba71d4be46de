"""Engines, and what the rest of a configuration is drawn to suit."""

from __future__ import annotations

import functools
from typing import NamedTuple

from hypothesis import strategies as st

from elasticache_constructs import Engine
from elasticache_rules import facts
from tests.deployable.written import Call, call

_NAMES = ("redis", "valkey", "memcached")
_OLDER = ("4.0.10", "5.0.6", "6.0", "6.2")


class Known(NamedTuple):
    """An engine of the catalogue, which the rest of a configuration is drawn to suit."""

    name: str
    version: str

    def supports(self, feature: facts.Feature) -> bool:
        """Whether it has a feature."""
        return facts.supports(feature, self.name, self.version)


def known(engine: Call, *names: str, slipped: bool) -> Known:
    """The engine, or the newest of its name: where the facts have no such one, and where it is a slip.

    What is written for the newest does not suit an older one, and shows what is checked of the two together.
    """
    name, version = engine.arguments
    name = name if name in names else names[-1]
    offered = facts.engine_versions(name)
    return Known(name, version if version in offered and not slipped else offered[-1])


@st.composite
def careful(draw: st.DrawFn, names: tuple[str, ...], *, least: str = "0", older: bool = False) -> Call:
    """An engine of one of these names, and no older than that version; an older one of Redis, where it is asked for."""
    if older:
        return call(Engine, "redis", draw(st.sampled_from(_OLDER)))
    name = draw(st.sampled_from(names))
    if name == "valkey" and draw(st.integers(0, 19)) == 0:
        return draw(st.sampled_from((call(Engine, "valkey", "9.7", unlisted=True), _valkey_ten())))
    offered = [each for each in facts.engine_versions(name) if facts.version_key(each) >= facts.version_key(least)]
    # The newest first: that is where examples shrink to, and most features are allowed.
    return call(Engine, name, draw(st.sampled_from(offered[::-1])))


def _valkey_ten() -> Call:
    return call(Engine, "valkey", "10.0", family="valkey10", unlisted=True)


@functools.cache
def careless() -> st.SearchStrategy[Call]:
    """Any that is on offer; or a name, a version and a family, whether they belong together or not."""
    offered = [(name, version) for name in _NAMES for version in facts.engine_versions(name)]
    older = (("redis", "3.2.6"), ("redis", "5.0.0"), ("valkey", "7.0"), ("memcached", "1.6.13"))
    odd = ("6.x", "7", "7.1.0", "9.7", "1.6.99", "", "latest")
    return st.one_of(
        st.sampled_from(_OLDER).map(lambda version: call(Engine, "redis", version)),
        st.sampled_from((*offered, *older)).map(lambda engine: call(Engine, *engine)),
        st.builds(
            lambda name, version, unlisted: call(Engine, name, version, unlisted=unlisted),
            st.sampled_from((*_NAMES, "Redis", "dragonfly")),
            st.sampled_from((*(version for _, version in offered), *odd)),
            st.booleans(),
        ),
        st.builds(
            lambda version, family: call(Engine, "redis", version, family=family),
            st.sampled_from(facts.engine_versions("redis")),
            st.sampled_from((*facts.parameter_families(), "redis8")),
        ),
    )
