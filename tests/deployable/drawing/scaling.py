"""Automatic scaling: ranges that fit, and those that are just beyond."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_constructs import AutoScaling, ScalingMetric
from elasticache_rules import facts
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

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
def of_nodes(draw: st.DrawFn, nodes: Any, node_type: Call) -> Call | None:
    """A range for the nodes of Memcached, where they can be scaled; often none."""
    if not isinstance(nodes, int) or not 1 < nodes <= facts.limit("memcached_nodes").maximum or not _scales(node_type):
        return None
    return draw(st.one_of(st.none(), _around(nodes, facts.limit("memcached_nodes").maximum)))


@st.composite
def of_group(draw: st.DrawFn, topology: Call, node_type: Call, known: Known) -> Call:
    """The topology, in cluster mode often with a range for its shards or its replicas, where they can be scaled."""
    shards, replicas = (topology.keywords.get(name) for name in ("shards", "replicas_per_shard"))
    fits = topology.keywords.get("cluster_mode") is True and _scales(node_type) and known.supports("autoscaling")
    # Data tiering asks for newer engines, and takes other metrics.
    if not fits or not shards or not replicas or ".r6gd." in str(node_type.arguments[0]):
        return topology
    scaled = draw(st.sampled_from((None, "shard_scaling", "replica_scaling")))
    if scaled is None:
        return topology
    most = 90 // (1 + replicas) if scaled == "shard_scaling" else min(90 // shards - 1, 5)
    number = shards if scaled == "shard_scaling" else replicas
    return call(topology.constructor, **topology.keywords, **{scaled: draw(_around(number, most))})


@functools.cache
def careless() -> st.SearchStrategy[Call]:
    """One that is just beyond what may be."""
    return st.sampled_from(_BEYOND).map(lambda keywords: call(AutoScaling, **keywords))


@st.composite
def _around(draw: st.DrawFn, number: int, most: int) -> Call:
    maximum = draw(st.integers(number, most))
    more: tuple[dict[str, Any], ...] = ({}, {"target_percent": 35}, {"target_percent": 70}, {"scale_in": False})
    target = draw(st.sampled_from(more))
    return call(AutoScaling, minimum=draw(st.integers(1, maximum)), maximum=maximum, **target)


def _scales(node_type: Call) -> bool:
    known = facts.node_type(str(node_type.arguments[0])) if node_type.arguments else None
    return known is not None and known.autoscaling
