"""What changes of the constructs' own settings come to, where a rule depends on how the constructs write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    AutoScaling,
    ConfigurationError,
    Engine,
    NodeType,
    Topology,
    TransitEncryption,
)
from elasticache_constructs.posture import add_posture_rules, rule_names
from elasticache_rules.change_gate import Effect, compare
from tests.change_gate.migrations import template_of
from tests.conftest import Bench, new_app, new_bench
from tests.security.test_policy_packs import declared, findings
from tests.unit.builders import memcached_cluster, replication_group

if TYPE_CHECKING:
    from pathlib import Path


def _cluster(nodes: int, vpc: ec2.IVpc | None = None) -> dict[str, Any]:
    bench = new_bench()
    memcached_cluster(Bench(bench.stack, vpc or bench.vpc), nodes=nodes)
    return bench.template()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (2, 3, {"NumCacheNodes": Effect.INTERRUPTION, "PreferredAvailabilityZones": Effect.IN_PLACE}),
        (3, 2, {"NumCacheNodes": Effect.DATA_LOSS, "PreferredAvailabilityZones": Effect.IN_PLACE}),
        (
            1,
            2,
            {
                "AZMode": Effect.INTERRUPTION,
                "NumCacheNodes": Effect.INTERRUPTION,
                "PreferredAvailabilityZones": Effect.IN_PLACE,
            },
        ),
        (
            2,
            1,
            {
                "AZMode": Effect.REJECTED,
                "NumCacheNodes": Effect.DATA_LOSS,
                "PreferredAvailabilityZones": Effect.IN_PLACE,
            },
        ),
    ],
)
def test_nodes_of_memcached(before: int, after: int, expected: dict[str, Effect]) -> None:
    """The cluster names its Availability Zones, so nodes are added in place; removed ones lose their items."""
    changes = compare(_cluster(before), _cluster(after))

    assert expected == {each.property: each.effect for each in changes}


def test_nodes_of_memcached_in_zones_that_are_not_known() -> None:
    """Where the zones of a VPC are a single list that only a deployment knows, another number replaces the cluster."""
    before, after = (_cluster(nodes, _vpc_of_unknown_zones()) for nodes in (2, 3))
    (line,) = compare(before, after)

    assert ("NumCacheNodes", Effect.REPLACEMENT, True) == (line.property, line.effect, line.blocks)


def test_last_shard_but_one() -> None:
    """A group with a single shard has no policy about shards any more, and leaves cluster mode: that is refused."""
    before, after = (template_of({"topology": Topology(shards=shards)}) for shards in (2, 1))
    effects = {each.property.partition("/")[0]: each.effect for each in compare(before, after).blocking()}

    assert {"ClusterMode": Effect.REJECTED, "NumNodeGroups": Effect.REPLACEMENT} == {
        name: effects[name] for name in ("ClusterMode", "NumNodeGroups")
    }


def _vpc_of_unknown_zones() -> ec2.IVpc:
    stack = cdk.Stack(cdk.App(), "Elsewhere")
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345",
        availability_zones=cdk.Fn.get_azs(),
        isolated_subnet_ids=cdk.Fn.split(",", cdk.Fn.import_value("subnets")),
    )


@pytest.mark.parametrize(
    ("upgraded_from", "expected"), [(None, {"ClusterMode", "TransitEncryptionMode"}), (Engine.REDIS_6_2, set())]
)
def test_upgrade_to_a_version_with_modes(upgraded_from: Engine | None, expected: set[str]) -> None:
    """Told what it is upgraded from, a group states no mode that the version that runs does not know."""
    settings = {"access": Access.auth_token(), "topology": Topology(shards=2)}
    before = template_of({**settings, "engine": Engine.REDIS_6_2})
    after = template_of({**settings, "engine": Engine.REDIS_7_1, "upgraded_from": upgraded_from})
    changes = compare(before, after)

    assert expected == {each.property for each in changes if each.effect is Effect.NOT_JUDGED}
    assert [] == list(changes.blocking())


def test_preferred_tls_waits_for_the_upgrade() -> None:
    """The mode preferred is not stated to a version that does not know it, which would take it for required."""
    preferred = {
        "engine": Engine.REDIS_7_1,
        "upgraded_from": Engine.REDIS_6_2,
        "access": Access.without_login(reason="made before logins were asked for"),
        "transit_encryption": TransitEncryption.preferred(reason="clients move to TLS in these weeks"),
    }

    with pytest.raises(ConfigurationError, match=r"TransitEncryption\.preferred on redis 6\.2"):
        template_of(preferred)


@pytest.mark.parametrize(
    ("upgraded_from", "expected"),
    [
        (Engine.REDIS_7_0, set()),
        (Engine.REDIS_6_2, {"requires_encryption_in_transit"}),
        (Engine.REDIS_5_0_6, {"requires_encryption_in_transit", "delivers_slow_log", "delivers_engine_log"}),
    ],
)
def test_posture_rules_wait_for_the_upgrade(tmp_path: Path, upgraded_from: Engine, expected: set[str]) -> None:
    """What an upgrade leaves to the next deployment is acknowledged, and nothing else is; a warning reminds of it."""
    app = new_app(tmp_path / "out")
    bench = Bench(cdk.Stack(app, "Test"), new_bench().vpc)
    replication_group(bench, access=Access.auth_token(), engine=Engine.REDIS_7_1, upgraded_from=upgraded_from)
    add_posture_rules(app, native_engine=True)
    app.synth()
    report = (tmp_path / "out" / "validation-report.json").read_text()
    plugins = json.loads(report)["pluginReports"]
    found, accepted = (
        {each["ruleName"] for _, each, _ in findings(plugins, kind) if each["ruleName"] in rule_names()}
        for kind in ("violations", "suppressedViolations")
    )
    acknowledged = {rule.partition("::")[2] for rule, _ in declared(app)} & {*rule_names()}

    assert (set(), acknowledged) == (found, accepted)
    assert expected == {rule.removeprefix("elasticache_replication_group_") for rule in accepted}
    assert f"upgraded_from={upgraded_from} leaves to the next deployment" in report


_SCALABLE = NodeType("cache.m7g.large")


def _scaled_group(**topology: Any) -> dict[str, Any]:
    return template_of({"node_type": _SCALABLE, "topology": Topology(shards=2, **topology)})


def _scaled_cluster(nodes: int, scaling: AutoScaling | None) -> dict[str, Any]:
    bench = new_bench()
    memcached_cluster(bench, node_type=_SCALABLE, nodes=nodes, node_scaling=scaling)
    return bench.template()


_RANGE = AutoScaling(minimum=2, maximum=4)


@pytest.mark.parametrize("scaling", [{"shard_scaling": _RANGE}, {"replica_scaling": _RANGE}])
def test_scaling_of_a_group_is_turned_on_and_off(scaling: dict[str, Any]) -> None:
    """Targets and policies come and go, and nothing about the group changes, nor about anything else it is made of."""
    fixed, scaled = _scaled_group(), _scaled_group(**scaling)
    on, off = compare(fixed, scaled), compare(scaled, fixed)

    assert {Effect.CREATION} == {each.effect for each in on}
    assert {Effect.REMOVAL} == {each.effect for each in off}
    kinds = {scaled["Resources"][each.resource]["Type"].split("::")[1] for each in [*on, *off]}
    assert {"ApplicationAutoScaling"} == kinds


def test_scaling_of_memcached_is_turned_on_and_off() -> None:
    """Nothing about the cluster changes."""
    fixed, scaled = _scaled_cluster(3, None), _scaled_cluster(3, _RANGE)

    assert {Effect.CREATION} == {each.effect for each in compare(fixed, scaled)}
    assert {Effect.REMOVAL} == {each.effect for each in compare(scaled, fixed)}


@pytest.mark.parametrize(
    "changed",
    [
        {"minimum": 3, "maximum": 4},
        {"minimum": 2, "maximum": 5},
        {"minimum": 2, "maximum": 4, "target_percent": 40, "scale_in": False},
    ],
)
def test_another_range_leaves_the_cache_alone(changed: dict[str, Any]) -> None:
    """The number is the target's: the template of the cache does not follow the range, whatever it becomes."""
    groups = [_scaled_group(shard_scaling=each, replica_scaling=each) for each in (_RANGE, AutoScaling(**changed))]
    clusters = [_scaled_cluster(2, each) for each in (_RANGE, AutoScaling(**changed))]
    caches = ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster")

    for before, after in (groups, clusters):
        changes = compare(before, after)
        assert len(changes) > 0
        assert [] == [each.property for each in changes if after["Resources"][each.resource]["Type"] in caches]
        assert [] == list(changes.blocking())


@pytest.mark.parametrize(
    ("before", "after", "property_"),
    [
        ({"shards": 2}, {"shards": 4}, "NumNodeGroups"),
        ({"shards": 4}, {"shards": 2}, "NumNodeGroups"),
        ({"replicas_per_shard": 1}, {"replicas_per_shard": 2}, "ReplicasPerNodeGroup"),
    ],
)
def test_number_of_a_scaled_group_stays(before: dict[str, Any], after: dict[str, Any], property_: str) -> None:
    """A deployment that would set the number over the target's is stopped, also when it turns the scaling off."""
    scaling = {"shard_scaling": _RANGE, "replica_scaling": AutoScaling(minimum=1, maximum=4)}
    old = template_of({"node_type": _SCALABLE, "topology": Topology(**{"shards": 2, **before, **scaling})})

    for kept in (scaling, {}):
        new = template_of({"node_type": _SCALABLE, "topology": Topology(**{"shards": 2, **after, **kept})})
        stopped = {(each.property, each.effect, each.rules) for each in compare(old, new).blocking()}
        assert (property_, Effect.NOT_JUDGED, ("ASC-08",)) in stopped


def test_number_of_a_scaled_cluster_stays() -> None:
    """Nodes of Memcached that a deployment took away would take their items with them."""
    stopped = compare(_scaled_cluster(2, _RANGE), _scaled_cluster(3, _RANGE)).blocking()

    assert ["ASC-08"] == [rule for each in stopped if each.property == "NumCacheNodes" for rule in each.rules]


def test_another_property_of_a_scaled_group_leaves_the_number() -> None:
    """What else changes is reported as it always is, without a word about the number."""
    before = template_of({"node_type": _SCALABLE, "topology": Topology(shards=2, shard_scaling=_RANGE)})
    larger = NodeType("cache.m7g.xlarge")
    after = template_of({"node_type": larger, "topology": Topology(shards=2, shard_scaling=_RANGE)})

    assert [("CacheNodeType", Effect.INTERRUPTION)] == [(each.property, each.effect) for each in compare(before, after)]
