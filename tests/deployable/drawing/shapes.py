"""Numbers: of shards, replicas, nodes and ports."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

from aws_cdk import Aws, Token
from hypothesis import strategies as st

from elasticache_constructs import AutoScaling, ClusterMode, Shard, Topology
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

PORTS = st.one_of(st.sampled_from((6379, 11211)), st.integers(1, 65535))


@st.composite
def careful(draw: st.DrawFn, known: Known, region: str) -> Call:
    """A topology that fits the engine, in the Availability Zones of its subnets."""
    replicas = draw(st.integers(0, 5))
    kinds = ("one shard", "cluster", "large cluster", "on the way", "first replica", "placed")
    match draw(st.sampled_from(kinds)):
        case "placed":
            return _placed(draw(st.integers(1, 3)), max(replicas, 1), region, **draw(st.sampled_from(_PLACED)))
        case "one shard":
            return call(Topology, replicas_per_shard=replicas)
        case "cluster":
            replicas = max(replicas, 1)
            shards = draw(st.integers(1, 90 // (1 + replicas)))
            return call(Topology, shards=shards, replicas_per_shard=replicas, cluster_mode=True)
        case "large cluster":
            replicas = max(replicas, 1)
            most = 500 if known.supports("five_hundred_nodes") else 250
            shards = draw(st.integers(2, most // (1 + replicas)))
            return call(Topology, shards=shards, replicas_per_shard=replicas, node_quota=500)
        case "on the way" if known.supports("cluster_mode_migration"):
            mode = draw(st.sampled_from(ClusterMode))
            return call(Topology, replicas_per_shard=max(replicas, 1), cluster_mode=mode)
        case _:
            return call(Topology, replicas_per_shard=1, no_failover_reason=REASON)


_PLACED: tuple[dict[str, Any], ...] = ({}, {}, {"placed": True}, {"slots": True})


def _placed(shards: int, replicas: int, region: str, *, slots: bool = False, **more: Any) -> Call:
    """One whose nodes have Availability Zones; a cluster's with slots, uneven ones, where they are asked for."""
    known = "eu-west-1" if Token.is_unresolved(region) else region
    zones = [f"{known}{'ab'[number % 2]}" for number in range(1 + replicas)]
    ends = [0, *(100 * number for number in range(1, shards)), 16384]
    named = [
        call(
            Shard,
            primary_zone=zones[0],
            replica_zones=zones[1:],
            **({"slots": f"{first}-{last - 1}"} if slots and shards > 1 else {}),
        )
        for first, last in itertools.pairwise(ends)
    ]
    return call(Topology, shards=shards, replicas_per_shard=replicas, placement=named, **more)


_BEYOND: tuple[dict[str, Any], ...] = (
    {"replicas_per_shard": 6},
    {"replicas_per_shard": 0, "cluster_mode": True},
    {"replicas_per_shard": 0, "shards": 3},
    {"shards": 3, "cluster_mode": False},
    {"shards": 46, "replicas_per_shard": 1},
    {"shards": 126, "replicas_per_shard": 1, "node_quota": 500},
    {"shards": 251, "replicas_per_shard": 1, "node_quota": 500},
    {"shards": 31, "replicas_per_shard": 2},
    {"shards": 16, "replicas_per_shard": 5, "cluster_mode": True},
    {"no_failover_reason": REASON, "cluster_mode": True},
    {"replicas_per_shard": 0, "cluster_mode": ClusterMode.COMPATIBLE},
    {"replicas_per_shard": 1, "cluster_mode": ClusterMode.COMPATIBLE},
    {"shard_scaling": call(AutoScaling, minimum=1, maximum=4)},
    {"cluster_mode": True, "shard_scaling": call(AutoScaling, minimum=1, maximum=46)},
    {"cluster_mode": True, "replica_scaling": call(AutoScaling, minimum=1, maximum=6)},
    {"cluster_mode": True, "shards": 3, "shard_scaling": call(AutoScaling, minimum=1, maximum=2)},
    {"shards": 2, "placement": [call(Shard, primary_zone="eu-west-1a", replica_zones=["eu-west-1b"])]},
    {"placement": [call(Shard, primary_zone="eu-west-1a", replica_zones=["eu-west-1a"])]},
    {"placement": [call(Shard, primary_zone="eu-west-1a")]},
    {"cluster_mode": True, "placement": [call(Shard, primary_zone="eu-west-1a")]},
    {"cluster_mode": True, "placement": [call(Shard, slots="0-16382")]},
    {"placement": [call(Shard, slots="0-16383")]},
    {"cluster_mode": ClusterMode.COMPATIBLE, "replica_scaling": call(AutoScaling, minimum=1, maximum=2)},
)


@functools.cache
def careless() -> st.SearchStrategy[Call]:
    """One that is just beyond what may be, or any numbers."""
    optional = {
        "shards": st.one_of(st.integers(1, 4), st.integers(-1, 600), st.just(Aws.REGION), st.just(1.5)),
        "replicas_per_shard": st.one_of(st.integers(-1, 7), st.booleans()),
        "cluster_mode": st.one_of(st.none(), st.booleans(), st.sampled_from(ClusterMode)),
        "no_failover_reason": st.sampled_from((REASON, "short")),
        "node_quota": st.sampled_from((89, 90, 250, 500, 501)),
    }
    written = st.one_of(st.sampled_from(_BEYOND), st.fixed_dictionaries({}, optional=optional))
    return written.map(lambda keywords: call(Topology, **keywords))


@functools.cache
def wrong_number(lowest: int, highest: int) -> st.SearchStrategy[Any]:
    """A number at a limit or beyond it, or what is no number."""
    return st.one_of(
        st.sampled_from((lowest, highest, lowest - 1, highest + 1, True, float(lowest), str(lowest), None)),
        st.integers(),
    )
