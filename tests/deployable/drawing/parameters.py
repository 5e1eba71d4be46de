"""Parameters of parameter groups."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_rules import facts

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known
    from tests.deployable.written import Call


@st.composite
def careful(draw: st.DrawFn, known: Known, node_type: Call) -> dict[str, str]:
    """What the engine's family can be set to."""
    settable = _settable(known)
    chosen = draw(st.lists(st.sampled_from(sorted(settable)), max_size=4, unique=True)) if settable else []
    values = {name: draw(st.sampled_from(settable[name])) for name in chosen}
    type_ = facts.node_type(node_type.arguments[0])
    if type_ and type_.family.maxmemory_policies and "maxmemory-policy" in values:
        values["maxmemory-policy"] = draw(st.sampled_from(type_.family.maxmemory_policies))
    return values


@functools.cache
def _settable(known: Known) -> dict[str, list[str]]:
    """What a group may set on an engine, with values that it takes."""
    family = facts.parameter_family_of(*known)
    version = facts.version_key(known.version)
    return {
        name: _values(each)
        for name, each in facts.parameters(family.name if family else "").items()
        if each.modifiable and name != "cluster-enabled"
        if each.since is None or version >= facts.version_key(each.since)
    }


def _values(parameter: facts.Parameter) -> list[str]:
    numbers = ("0", "1", "5", "20", "25", "50", "64", "100", "1024", "65536", "5000000", "0.5", "1.25")
    words = (*(parameter.allowed or "").split(","), "KEA", "", "GET fetch")
    return [each for each in (*numbers, *words) if parameter.accepts(each)] or [parameter.default or ""]


_BEYOND = (
    *(
        ("timeout", "19"),
        ("timeout", "-1"),
        ("databases", "0"),
        ("databases", "1200001"),
        ("repl-backlog-size", "16383"),
    ),
    *(("reserved-memory-percent", "101"), ("maxmemory-policy", "allkeys-lfu"), ("maxmemory-policy", "lru")),
    *(("maxclients", "65000"), ("appendonly", "no"), ("lua-time-limit", "5000"), ("maxmemory", "1000000")),
    *(("cluster-enabled", "yes"), ("hash-max-ziplist-value", "64"), ("hash-max-listpack-value", "64")),
    *(("requests_per_event", "20"), ("modern", "1"), ("max_item_size", "0"), ("no-such-parameter", "1")),
)


@functools.cache
def careless() -> st.SearchStrategy[dict[str, Any]]:
    """One that is just beyond what may be; or names of any family, or of none, with any value."""
    names = sorted({name for family in facts.parameter_families() for name in facts.parameters(family)})
    values = ("yes", "no", "0", "1", "10", "20", "-1", "volatile-lru", "", " 5", "1e3", 5, True, None, "get fetch")
    return st.one_of(
        st.sampled_from(_BEYOND).map(lambda parameter: dict([parameter])),
        st.dictionaries(st.sampled_from((*names, "")), st.sampled_from(values), min_size=1, max_size=2),
    )


def unlisted() -> st.SearchStrategy[dict[str, str]]:
    """A name that no catalogue has."""
    return st.sampled_from(({}, {}, {}, {"newer-than-the-catalogue": "yes"}))


def wrong_unlisted() -> st.SearchStrategy[dict[str, Any]]:
    """What no version of any engine takes."""
    return st.sampled_from(
        ({"newer-than-the-catalogue": True}, {"newer-than-the-catalogue": 5}, {"cluster-enabled": "no"})
    )
