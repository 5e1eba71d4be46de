"""Node types and regions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aws_cdk import Aws
from hypothesis import strategies as st

from elasticache_constructs import NodeType
from elasticache_rules import facts
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

REGIONS = ("eu-west-1", "us-east-1", "ap-northeast-3", "ap-southeast-6", "eu-south-1", "me-central-1", Aws.REGION)
_OLDER = {"m4", "r4"}
_UNLISTED_NODES = ("cache.m9g.large", "cache.r8gd.xlarge")
_UNLISTED_SIZES = ("cache.r8g.48xlarge", "cache.r6gd.large", "cache.t2.large", "cache.m4.16xlarge", "cache.t4g.nano")
_CLOSED_NODES = ("cache.t2.micro", "cache.m3.large", "cache.r3.large", "cache.t1.micro")
_NO_NODES = ("t4g.small", "cache.t4g.smal", "db.t4g.small", "cache.T4G.small", "cache.m5", "")


@st.composite
def careful(draw: st.DrawFn, known: Known, region: str, *, older: bool = False) -> Call:
    """A type that the engine runs on and the region offers; an older one, where there is one and one is asked for."""
    if draw(st.integers(0, 29)) == 0:
        return call(NodeType, draw(st.sampled_from(_UNLISTED_NODES)), unlisted=True)
    families = _fit(known, region)
    # The family first: some have ten times the sizes of others, and it is what the rules are about.
    family = draw(st.sampled_from((older and sorted(families.keys() & _OLDER)) or sorted(families)))
    return call(NodeType, draw(st.sampled_from(families[family])))


@functools.cache
def _fit(known: Known, region: str) -> dict[str, list[str]]:
    offered = facts.node_types(region if region in facts.regions() else None)
    types = [facts.node_type(name) for name in offered]
    fit = [each.name for each in types if each and each.creatable and each.runs(*known)]
    families: dict[str, list[str]] = {}
    # The newest regions have no type for the oldest engines.
    for name in fit or offered:
        families.setdefault(name.split(".")[1], []).append(name)
    return families


@functools.cache
def careless() -> st.SearchStrategy[Call]:
    """One of any family and region, a closed one, one that is newer than the catalogue, or none at all."""
    by_family = {each.split(".")[1]: each for each in facts.node_types()}
    return st.one_of(
        st.sampled_from(tuple(by_family.values())).map(lambda name: call(NodeType, name)),
        st.builds(
            lambda name, unlisted: call(NodeType, name, unlisted=unlisted),
            st.sampled_from((*_CLOSED_NODES, *_NO_NODES, *_UNLISTED_NODES, *_UNLISTED_SIZES)),
            st.booleans(),
        ),
    )
