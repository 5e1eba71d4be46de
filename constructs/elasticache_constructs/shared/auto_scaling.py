"""Targets and policies of Application Auto Scaling, for the numbers that a cache lets it own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Duration, Names
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_iam as iam

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.values.auto_scaling import ScalingMetric

if TYPE_CHECKING:
    from constructs import Construct

    from elasticache_constructs.values.auto_scaling import AutoScaling, Scaled

_METRICS = {
    ScalingMetric.PRIMARY_CPU: appscaling.PredefinedMetric.ELASTICACHE_PRIMARY_ENGINE_CPU_UTILIZATION,
    ScalingMetric.REPLICA_CPU: appscaling.PredefinedMetric.ELASTICACHE_REPLICA_ENGINE_CPU_UTILIZATION,
    ScalingMetric.MEMORY: (appscaling.PredefinedMetric.ELASTICACHE_DATABASE_MEMORY_USAGE_COUNTED_FOR_EVICT_PERCENTAGE),
    ScalingMetric.CAPACITY: (
        appscaling.PredefinedMetric.ELASTICACHE_DATABASE_CAPACITY_USAGE_COUNTED_FOR_EVICT_PERCENTAGE
    ),
}


def create_scaling(
    scope: Construct, construct_id: str, scaling: AutoScaling | None, *, scaled: Scaled, resource_id: str
) -> appscaling.ScalableTarget | None:
    """Register a number of a cache with Application Auto Scaling.

    Args:
        scope: The cache.
        construct_id: The id of the target in the cache.
        scaling: The range, and what makes the number move. ``None`` if the number is fixed.
        scaled: What is scaled.
        resource_id: The cache, as Application Auto Scaling names it: ``replication-group/<id>``.

    Returns:
        The target, with its policy and schedules; ``None`` if the number is fixed.
    """
    if scaling is None:
        return None
    target = appscaling.ScalableTarget(
        scope,
        construct_id,
        service_namespace=appscaling.ServiceNamespace.ELASTICACHE,
        scalable_dimension=scaled.dimension,
        resource_id=resource_id,
        min_capacity=scaling.minimum,
        max_capacity=scaling.maximum,
        role=_service_linked_role(scope, f"{construct_id}Role"),
    )
    metric = scaling.tracked(scaled)
    if metric is not None and scaling.target_percent is not None:
        _track(target, scaling, metric, scaling.target_percent)
    for each in scaling.schedules:
        target.scale_on_schedule(
            each.name,
            schedule=each.schedule,
            min_capacity=each.minimum,
            max_capacity=each.maximum,
            time_zone=each.time_zone,
        )
    return target


def unknown_nodes(noun: str) -> ConfigurationError:
    """The refusal to name the nodes of a cache that is scaled automatically."""
    return ConfigurationError(
        got=f"all nodes of a {noun} that is scaled automatically",
        allowed="their ids are known while their number is fixed",
        fix="Name a node_id",
    )


def _track(target: appscaling.ScalableTarget, scaling: AutoScaling, metric: ScalingMetric, target_percent: int) -> None:
    if metric in _METRICS:
        target.scale_to_track_metric(
            "Tracking",
            predefined_metric=_METRICS[metric],
            target_value=target_percent,
            disable_scale_in=not scaling.scale_in,
            scale_in_cooldown=Duration.seconds(scaling.scale_in_cooldown_seconds),
            scale_out_cooldown=Duration.seconds(scaling.scale_out_cooldown_seconds),
        )
        return
    # The CDK's list of predefined metrics does not have the one of Memcached.
    policy = appscaling.CfnScalingPolicy
    policy(
        target,
        "Tracking",
        policy_name=Names.unique_id(target),
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.scalable_target_id,
        target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
            predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=metric.value
            ),
            target_value=target_percent,
            disable_scale_in=not scaling.scale_in,
            scale_in_cooldown=scaling.scale_in_cooldown_seconds,
            scale_out_cooldown=scaling.scale_out_cooldown_seconds,
        ),
    )


def _service_linked_role(scope: Construct, construct_id: str) -> iam.IRole:
    """The role that AWS makes for the account when the first cache is registered; the CDK would make another one."""
    arn = stack_of(scope).format_arn(
        service="iam",
        region="",
        resource="role",
        resource_name="aws-service-role/elasticache.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
    return iam.Role.from_role_arn(scope, construct_id, arn, mutable=False)
