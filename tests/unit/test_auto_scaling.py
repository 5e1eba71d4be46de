"""Automatic scaling: what is registered with Application Auto Scaling, and what a cache then no longer knows."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as appscaling

from elasticache_constructs import (
    AutoScaling,
    ConfigurationError,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ScalingMetric,
    ScheduledScaling,
    Topology,
)
from elasticache_constructs.shared.auto_scaling import create_scaling
from elasticache_constructs.values.auto_scaling import NODES, REPLICAS, SHARDS, Scaled
from tests.conftest import new_bench
from tests.unit.builders import memcached_cluster, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE = NodeType("cache.m7g.large")
_NIGHT = ScheduledScaling(
    name="Night",
    schedule=appscaling.Schedule.cron(hour="22", minute="0"),
    minimum=1,
    maximum=2,
    time_zone=TimeZone.EUROPE_BERLIN,
)
_TOPOLOGY = Topology(
    shards=3,
    replicas_per_shard=2,
    shard_scaling=AutoScaling(minimum=2, maximum=8, metric=ScalingMetric.CAPACITY, target_percent=65),
    replica_scaling=AutoScaling(
        minimum=1, maximum=4, scale_in=False, scale_in_cooldown_seconds=1200, schedules=[_NIGHT]
    ),
)
_ROLE = (
    ":role/aws-service-role/elasticache.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG"
)


@cache
def _scaled() -> tuple[ReplicationGroup, MemcachedCluster, dict[str, Any]]:
    bench = new_bench()
    group = replication_group(bench, node_type=_TYPE, topology=_TOPOLOGY)
    cluster = memcached_cluster(bench, node_type=_TYPE, nodes=3, node_scaling=AutoScaling(minimum=2, maximum=6))
    return group, cluster, bench.template()["Resources"]


def _resources(kind: str) -> dict[str, dict[str, Any]]:
    """Those of a type of Application Auto Scaling, by the dimension that they scale."""
    resources = _scaled()[2]
    targets = {
        name: body["Properties"]["ScalableDimension"]
        for name, body in resources.items()
        if body["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    }
    of_kind = {name: body for name, body in resources.items() if body["Type"].endswith(f"::{kind}")}
    return {
        targets[name if kind == "ScalableTarget" else body["Properties"]["ScalingTargetId"]["Ref"]]: body["Properties"]
        for name, body in of_kind.items()
    }


def _cache(kind: str) -> tuple[str, dict[str, Any]]:
    ((name, body),) = [each for each in _scaled()[2].items() if each[1]["Type"] == f"AWS::ElastiCache::{kind}"]
    return name, body


def test_target_is_of_the_cache() -> None:
    """Each dimension is registered for the cache that has it, with its range, in the way that the service names it."""
    group, cluster = _cache("ReplicationGroup")[0], _cache("CacheCluster")[0]
    found = {
        dimension: (
            each["ServiceNamespace"],
            each["ResourceId"]["Fn::Join"][1],
            each["MinCapacity"],
            each["MaxCapacity"],
        )
        for dimension, each in _resources("ScalableTarget").items()
    }

    assert found == {
        "elasticache:replication-group:NodeGroups": ("elasticache", ["replication-group/", {"Ref": group}], 2, 8),
        "elasticache:replication-group:Replicas": ("elasticache", ["replication-group/", {"Ref": group}], 1, 4),
        "elasticache:cache-cluster:Nodes": ("elasticache", ["cache-cluster/", {"Ref": cluster}], 2, 6),
    }


def test_policy_tracks_the_metric_of_what_is_scaled() -> None:
    """The metric, its target and the cooldowns are those that were chosen, or the defaults."""
    found = {
        dimension: {
            **each["TargetTrackingScalingPolicyConfiguration"],
            "PredefinedMetricSpecification": each["TargetTrackingScalingPolicyConfiguration"][
                "PredefinedMetricSpecification"
            ]["PredefinedMetricType"],
        }
        for dimension, each in _resources("ScalingPolicy").items()
    }
    default = {"DisableScaleIn": False, "ScaleInCooldown": 900, "ScaleOutCooldown": 600, "TargetValue": 60}
    metric = "PredefinedMetricSpecification"

    assert found == {
        "elasticache:replication-group:NodeGroups": {
            **default,
            metric: "ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage",
            "TargetValue": 65,
        },
        "elasticache:replication-group:Replicas": {
            **default,
            metric: "ElastiCacheReplicaEngineCPUUtilization",
            "DisableScaleIn": True,
            "ScaleInCooldown": 1200,
        },
        "elasticache:cache-cluster:Nodes": {**default, metric: "ElastiCacheEngineCPUUtilization"},
    }


def test_schedule_sets_another_range() -> None:
    """It has its name, its time zone and both limits."""
    assert _resources("ScalableTarget")["elasticache:replication-group:Replicas"]["ScheduledActions"] == [
        {
            "ScheduledActionName": "Night",
            "Schedule": "cron(0 22 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
        }
    ]


def test_role_is_the_one_that_aws_makes() -> None:
    """No role is made: Application Auto Scaling scales caches with its service-linked role only."""
    roles = [each["RoleARN"]["Fn::Join"][1][-1] for each in _resources("ScalableTarget").values()]

    assert [_ROLE] * 3 == roles
    assert [] == [name for name, each in _scaled()[2].items() if each["Type"] == "AWS::IAM::Role"]


def test_template_keeps_the_number_that_the_cache_is_made_with() -> None:
    """Neither the minimum nor the maximum takes its place, and no number is missing."""
    group, cluster = _cache("ReplicationGroup")[1], _cache("CacheCluster")[1]["Properties"]

    assert (3, 2) == (group["Properties"]["NumNodeGroups"], group["Properties"]["ReplicasPerNodeGroup"])
    assert {"UseOnlineResharding": True} == group["UpdatePolicy"]
    assert 3 == cluster["NumCacheNodes"] == len(cluster["PreferredAvailabilityZones"])


@pytest.mark.parametrize("nodes", [lambda group, _: group.node_ids, lambda _, cluster: cluster.node_ids])
def test_nodes_of_a_scaled_cache_are_not_known(nodes: Callable[[Any, Any], object]) -> None:
    """A metric over the nodes that it was made with would leave out those that came, and ask for those that went."""
    group, cluster, _ = _scaled()
    with pytest.raises(ConfigurationError, match="that is scaled automatically: their ids are known while"):
        nodes(group, cluster)


def test_targets_are_handed_out() -> None:
    """What the CDK's targets can do beyond this, such as a custom metric, is within reach; a fixed number has none."""
    group, cluster, _ = _scaled()
    fixed = replication_group(new_bench())

    assert isinstance(group.shard_scaling, appscaling.ScalableTarget)
    assert isinstance(group.replica_scaling, appscaling.ScalableTarget)
    assert isinstance(cluster.node_scaling, appscaling.ScalableTarget)
    assert (None, None) == (fixed.shard_scaling, fixed.replica_scaling)


def test_service_knows_every_dimension_and_metric() -> None:
    """The service's own model has each name, and each metric becomes a policy of that name."""
    shapes = boto3.client("application-autoscaling", region_name="eu-west-1").meta.service_model.shape_for
    stack = new_bench().stack
    made = {}
    for scaled in (SHARDS, REPLICAS, NODES):
        for metric in scaled.metrics:
            scaling = AutoScaling(minimum=1, maximum=2, metric=metric)
            target = create_scaling(stack, metric.name, scaling, scaled=scaled, resource_id="replication-group/a")
            assert target is not None
            made[metric] = json.dumps(stack.resolve(_policy(target).target_tracking_scaling_policy_configuration))

    assert set() == {scaled.dimension for scaled in (SHARDS, REPLICAS, NODES)} - {*shapes("ScalableDimension").enum}
    assert set() == {metric.value for metric in ScalingMetric} - {*shapes("MetricType").enum}
    assert dict.fromkeys(ScalingMetric, True) == {metric: f'"{metric.value}"' in made[metric] for metric in made}


def _policy(target: appscaling.ScalableTarget) -> appscaling.CfnScalingPolicy:
    policy = target.node.find_child("Tracking")
    found = policy if isinstance(policy, appscaling.CfnScalingPolicy) else policy.node.find_child("Resource")
    assert isinstance(found, appscaling.CfnScalingPolicy)
    return found


@pytest.mark.parametrize(
    ("scaling", "says"),
    [
        (lambda: AutoScaling(minimum=1, maximum=2, schedules=[_NIGHT, _NIGHT]), "with 'Night' twice"),
        (lambda: AutoScaling(minimum=1, maximum=2, scale_in_cooldown_seconds=-1), "a cooldown is 0 to 86400 seconds"),
        (lambda: AutoScaling(minimum=1, maximum=2, metric="CPU"), "metric is of type ScalingMetric or None"),  # type: ignore[arg-type]
        (lambda: AutoScaling(minimum=1, maximum=2, schedules=["Night"]), "of type str"),  # type: ignore[list-item]
        (
            lambda: ScheduledScaling(name="Night", schedule="cron(0 22 * * ? *)", minimum=1, maximum=2),  # type: ignore[arg-type]
            "schedule is of type Schedule",
        ),
    ],
)
def test_what_is_not_of_the_form_is_refused(scaling: Callable[[], object], says: str) -> None:
    """The message names what was given and what is allowed."""
    with pytest.raises(ConfigurationError, match=says):
        scaling()


@pytest.mark.parametrize(("scaled", "maximum"), [(SHARDS, 250), (REPLICAS, 5), (NODES, 60)])
def test_ranges_end_where_the_service_ends_them(scaled: Scaled, maximum: int) -> None:
    """One more than the service takes is refused, and no less."""
    AutoScaling(minimum=1, maximum=maximum).check("x", scaled, 1)
    with pytest.raises(ConfigurationError, match=f"at most {maximum} {scaled.noun}s"):
        AutoScaling(minimum=1, maximum=maximum + 1).check("x", scaled, 1)
