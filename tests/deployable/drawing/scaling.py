"""Automatic scaling: ranges that fit, and those that are just beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_constructs import AutoScaling, ScalingMetric
from elasticache_rules import facts
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

_MOST_NODES = facts.limit("memcached_nodes").maximum
_BEYOND: tuple[dict[str, Any], ...] = (
    {"minimum": 0, "maximum": 4},
    {"minimum": 4, "maximum": 3},
    {"minimum": 1, "maximum": 501},
    {"minimum": 1, "maximum": 61},
    {"minimum": 1, "maximum": 1},
    {"minimum": 1, "maximum": 4, "target_percent": 71},
    {"minimum": 1, "maximum": 4, "target_percent": 101},
    {"minimum": 1, "maximum": 4, "target_percent": None},
    *({"minimum": 1, "maximum": 4, "metric": metric} for metric in ScalingMetric),
)


@st.composite
def of_nodes(draw: st.DrawFn, nodes: Any, node_type: Call, *, careful: bool) -> Call | None:
    """A range for the nodes of Memcached, where they can be scaled; often none. Without care, of any node type."""
    if not isinstance(nodes, int) or not 1 < nodes <= _MOST_NODES or (careful and not _scales(node_type)):
        return None
    return draw(st.one_of(st.none(), _around(nodes, _MOST_NODES)))


@st.composite
def beyond_nodes(draw: st.DrawFn, nodes: Any) -> Call:
    """A range for the nodes of Memcached that is just beyond what may be."""
    if isinstance(nodes, int) and 1 < nodes <= _MOST_NODES and draw(st.booleans()):
        return draw(_beyond(nodes, _MOST_NODES))
    return call(AutoScaling, **draw(st.sampled_from(_BEYOND)))


@st.composite
def of_group(draw: st.DrawFn, topology: Call, node_type: Call, known: Known, *, careful: bool) -> Call:
    """The topology, in cluster mode often with a range for its shards or its replicas, where they can be scaled.

    Without care, of any node type and engine.
    """
    # Data tiering asks for newer engines.
    can = _scales(node_type) and known.supports("autoscaling") and ".r6gd." not in str(node_type.arguments[0])
    if topology.keywords.get("cluster_mode") is not True or (careful and not can):
        return topology
    scaled = draw(st.sampled_from((None, *_ranges(topology))))
    return topology if scaled is None else _with(topology, scaled, draw(_around(*_ranges(topology)[scaled])))


@st.composite
def beyond_group(draw: st.DrawFn, topology: Call) -> Call:
    """The topology, in cluster mode with a range that is just beyond what its numbers and its quota allow."""
    if topology.keywords.get("cluster_mode") is not True:
        return topology
    scaled = draw(st.sampled_from((*_ranges(topology),)))
    return _with(topology, scaled, draw(_beyond(*_ranges(topology)[scaled])))


def _ranges(topology: Call) -> dict[str, tuple[int, int]]:
    """By argument, the number that the group is made with, and the greatest one that the quota allows."""
    shards, replicas = topology.keywords["shards"], topology.keywords["replicas_per_shard"]
    return {
        "shard_scaling": (shards, 90 // (1 + replicas)),
        "replica_scaling": (replicas, min(90 // shards - 1, 5)),
    }


def _with(topology: Call, name: str, scaling: Call) -> Call:
    return call(topology.constructor, **topology.keywords, **{name: scaling})


@st.composite
def _around(draw: st.DrawFn, number: int, most: int) -> Call:
    maximum = draw(st.integers(number, most))
    more: tuple[dict[str, Any], ...] = ({}, {"target_percent": 35}, {"target_percent": 70}, {"scale_in": False})
    target = draw(st.sampled_from(more))
    return call(AutoScaling, minimum=draw(st.integers(1, maximum)), maximum=maximum, **target)


def _beyond(number: int, most: int) -> st.SearchStrategy[Call]:
    """A maximum below the number, where one is left, or above what may be."""
    wrong = (number - 1, most + 1) if number > 1 else (most + 1,)
    return st.sampled_from(wrong).map(lambda maximum: call(AutoScaling, minimum=1, maximum=maximum))


def _scales(node_type: Call) -> bool:
    known = facts.node_type(str(node_type.arguments[0])) if node_type.arguments else None
    return known is not None and known.autoscaling
