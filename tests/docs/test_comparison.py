"""What the README and docs/comparison.md say about this project and the CDK's L1s is so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_elasticache as elasticache

from elasticache_constructs import (
    Access,
    CacheAlarm,
    ConfigurationError,
    DefaultUser,
    Engine,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ServerlessCache,
    Topology,
)
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.conftest import Bench

README = (ROOT / "README.md").read_text()
COMPARISON = (ROOT / "docs" / "comparison.md").read_text()
RULES = (ROOT / "docs" / "service-rules.md").read_text()

SAFE = ("TransitEncryptionEnabled", "AtRestEncryptionEnabled", "AutomaticFailoverEnabled", "MultiAZEnabled")


def l1(bench: Bench, **properties: Any) -> None:
    """A replication group of the CDK's own, with no more than CloudFormation asks for."""
    elasticache.CfnReplicationGroup(
        bench.stack,
        "Group",
        replication_group_description="A group",
        engine="redis",
        cache_node_type="cache.t4g.small",
        **properties,
    )


def test_safe_unless_a_reason_is_given(bench: Bench) -> None:
    """What an L1 leaves off unless it is set is on here."""
    l1(bench, num_cache_clusters=1)
    ReplicationGroup(
        bench.stack,
        "Ours",
        vpc=bench.vpc,
        engine=Engine.REDIS_7_1,
        node_type=NodeType("cache.t4g.small"),
        access=Access.users(default=DefaultUser.with_token()),
    )
    groups = bench.resources("ElastiCache::ReplicationGroup")
    theirs = groups.pop("Group")
    (ours,) = groups.values()

    assert {} == {name: theirs["Properties"][name] for name in SAFE if name in theirs["Properties"]}
    assert dict.fromkeys(SAFE, True) == {name: ours["Properties"][name] for name in SAFE}
    assert ("Snapshot", "Snapshot") == (ours["DeletionPolicy"], ours["UpdateReplacePolicy"])
    assert not {"DeletionPolicy", "UpdateReplacePolicy"} & {*theirs}


def test_input_is_checked(bench: Bench) -> None:
    """Shards without replicas are refused here; an L1 makes a template that the service refuses."""
    l1(bench, num_node_groups=3, replicas_per_node_group=9)

    assert bench.only("ElastiCache::ReplicationGroup")["Properties"]["ReplicasPerNodeGroup"] == 9
    with pytest.raises(ConfigurationError):
        Topology(shards=3, replicas_per_shard=9)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ReplicationGroup, elasticache.CfnReplicationGroup),
        (MemcachedCluster, elasticache.CfnCacheCluster),
        (ServerlessCache, elasticache.CfnServerlessCache),
    ],
)
def test_alarms_and_connections(ours: type, theirs: type) -> None:
    """Each kind of cache has alarms and connections here, and neither as an L1."""
    assert {"alarms", "connections"} <= {*dir(ours)}
    assert not {"alarms", "connections", "metric"} & {*dir(theirs)}


def test_numbers_are_those_of_today() -> None:
    """How many rules there are, how many are refused, and how many alarms."""
    rules, refused = (int(re.findall(pattern, RULES)[0]) for pattern in (r"The (\d+) rules", r"\| refused \| (\d+)"))

    known, refusing = map(int, re.findall(r"(\d+) are known, of which (\d+) refuse", README)[0])
    assert rules // 100 * 100 == known
    for text in (README, COMPARISON):
        assert [(refusing, known)] == [tuple(map(int, each)) for each in re.findall(r"\| (\d+) rules of (\d+)", text)]
    assert refused - 50 < refusing <= refused
    assert len(CacheAlarm) >= int(re.findall(r"up to (\d+) a cache", COMPARISON)[0])


def test_the_readme_shows_it_at_once() -> None:
    """At most 130 lines; what it is, and a picture, before line 10; twelve lines of code; five proofs."""
    lines = README.splitlines()
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    assert len(lines) <= 130
    assert any(line.startswith("![") for line in lines[:10])
    assert len([line for line in code.splitlines() if line]) <= 12
    assert README.count("Proof: [") == 5
