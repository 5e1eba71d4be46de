"""Automatic scaling: the range that Application Auto Scaling keeps a number in, and what makes it move."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as appscaling

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

_PERCENT = 100
_REPLICA_TARGETS = facts.limit("replica_cpu_target_percent")


class ScalingMetric(Enum):
    """The metric that target tracking keeps near its target: an average over the whole cache.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoScaling-Scaling-Policies-Target.html
    """

    PRIMARY_CPU = "ElastiCachePrimaryEngineCPUUtilization"
    """CPU of the engine on the primaries, in percent. For shards."""
    MEMORY = "ElastiCacheDatabaseMemoryUsageCountedForEvictPercentage"
    """Memory in use that eviction counts, in percent. For shards, and not with data tiering."""
    CAPACITY = "ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage"
    """Memory and SSD in use that eviction counts, in percent. For shards."""
    REPLICA_CPU = "ElastiCacheReplicaEngineCPUUtilization"
    """CPU of the engine on the replicas, in percent. For replicas."""
    NODE_CPU = "ElastiCacheEngineCPUUtilization"
    """CPU of the nodes, in percent. For Memcached."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """What is scaled, as the service sees it."""

    noun: str
    """What one of them is called."""
    dimension: str
    """The scalable dimension."""
    maximum: int
    """The greatest number that the service takes."""
    metrics: tuple[ScalingMetric, ...]
    """The metrics that can be tracked; the default comes first."""
    rule: str
    """The id of the rule of the range."""


SHARDS = Scaled(
    "shard",
    "elasticache:replication-group:NodeGroups",
    facts.limit("auto_scaled_shards").maximum,
    (ScalingMetric.PRIMARY_CPU, ScalingMetric.MEMORY, ScalingMetric.CAPACITY),
    "ASC-07",
)
REPLICAS = Scaled(
    "replica",
    "elasticache:replication-group:Replicas",
    facts.limit("replicas_per_shard").maximum,
    (ScalingMetric.REPLICA_CPU,),
    "ASC-07",
)
NODES = Scaled(
    "node",
    "elasticache:cache-cluster:Nodes",
    facts.limit("memcached_nodes").maximum,
    (ScalingMetric.NODE_CPU,),
    "MEM-13",
)


def _check_range(call: str, minimum: object, maximum: object) -> None:
    if not is_whole_number(minimum, 1, facts.limit("nodes_per_cluster_on_request").maximum):
        raise ConfigurationError(
            got=f"{call}(minimum={shown(minimum)}){other_type(minimum)}",
            allowed="a number is scaled to 1 or more",
            fix="Use minimum=1 or more",
            rule="ASC-07",
        )
    if not is_whole_number(maximum, 1, facts.limit("nodes_per_cluster_on_request").maximum):
        raise ConfigurationError(
            got=f"{call}(maximum={shown(maximum)}){other_type(maximum)}",
            allowed="the cost of a cache has a limit",
            fix="Use a maximum that the account's quota and the budget allow, as in maximum=4",
            rule="ASC-07",
        )
    if isinstance(minimum, int) and isinstance(maximum, int) and minimum > maximum:
        raise ConfigurationError(
            got=f"{call}(minimum={minimum}, maximum={maximum})",
            allowed="the minimum is not above the maximum",
            fix=f"Use maximum={minimum} or more",
            rule="ASC-07",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledScaling:
    """Another range from a point in time on, until the next schedule sets another one.

    Application Auto Scaling scales out to the minimum, and in to the maximum, at that time. Between them the metric
    decides. A deployment that changes the `AutoScaling` sets its own range again, until the next schedule.

    Args:
        name: Its name, unique within the `AutoScaling`.
        schedule: When: ``appscaling.Schedule.cron(hour="7", minute="30")`` for example.
        minimum: The minimum from then on.
        maximum: The maximum from then on.
        time_zone: The time zone of the schedule. Default: UTC.

    Raises:
        ConfigurationError: If an argument is of another type, or the minimum is above the maximum.

    See https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
    """

    name: str
    schedule: appscaling.Schedule
    minimum: int
    maximum: int
    time_zone: TimeZone | None = None

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        with reported_together() as check:
            check(check_kind, "ScheduledScaling", "name", self.name, Kind(of=str, example="'Morning'", literal=True))
            check(
                check_kind,
                "ScheduledScaling",
                "schedule",
                self.schedule,
                Kind(
                    of=appscaling.Schedule,
                    method="expression_string",
                    example="appscaling.Schedule.cron(hour='7', minute='30')",
                ),
            )
            check(
                check_kind,
                "ScheduledScaling",
                "time_zone",
                self.time_zone,
                Kind(of=TimeZone | None, example="TimeZone.EUROPE_BERLIN"),
            )
            check(_check_range, "ScheduledScaling", self.minimum, self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoScaling:
    """A number that Application Auto Scaling owns: shards, replicas for each shard, or nodes of Memcached.

    The template keeps the number that the cache was made with, and a deployment never sets it again: do not change it
    as long as the number is scaled. To turn scaling on or off changes nothing about a running cache, except that the
    service brings a number that is out of the range into it. What a change does is in docs/runbooks/auto-scaling.md.

    AWS makes the service-linked role that it scales with: ``AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG``.

    Args:
        minimum: The smallest number, 1 or more.
        maximum: The greatest number, and so the greatest cost. With a number above it the cache is refused.
        metric: What target tracking watches. Default: the CPU of the engine, on the primaries for shards and on the
            replicas for replicas; the CPU of the nodes for Memcached.
        target_percent: What the metric is kept near. ``None`` if only the schedules scale. Default: 60.
        scale_in: Whether target tracking also takes away. Nodes of Memcached lose their items. Default: True.
        scale_out_cooldown_seconds: How long it waits after it added some. Default: 600.
        scale_in_cooldown_seconds: How long it waits after it took some away. Default: 900.
        schedules: Other ranges at certain times. Default: none.

    Raises:
        ConfigurationError: If a number is out of its range, two schedules have one name, or nothing scales.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoScaling.html
    """

    minimum: int
    maximum: int
    metric: ScalingMetric | None = None
    target_percent: int | None = 60
    scale_in: bool = True
    scale_out_cooldown_seconds: int = 600
    scale_in_cooldown_seconds: int = 900
    schedules: Sequence[ScheduledScaling] = ()

    def __post_init__(self) -> None:
        """Refuse what the service would, whatever is scaled."""
        with reported_together() as check:
            check(_check_range, "AutoScaling", self.minimum, self.maximum)
            check(
                check_kind,
                "AutoScaling",
                "metric",
                self.metric,
                Kind(of=ScalingMetric | None, example="ScalingMetric.MEMORY", rule="ASC-06"),
            )
            check(check_kind, "AutoScaling", "scale_in", self.scale_in, Kind(of=bool, example="True"))
            check(self._check_target)
            check(self._check_cooldown, "scale_out_cooldown_seconds")
            check(self._check_cooldown, "scale_in_cooldown_seconds")
            check(self._check_schedules)
        object.__setattr__(self, "schedules", tuple(self.schedules))

    @property
    def highest(self) -> int:
        """The greatest number that it may become, schedules included."""
        return max(self.maximum, *(each.maximum for each in self.schedules), 0)

    def check(self, argument: str, scaled: Scaled, number: int) -> None:
        """Refuse what does not fit what is scaled.

        Args:
            argument: The call and the argument, for the message: ``Topology(shard_scaling=...)``.
            scaled: What is scaled.
            number: The number that the cache is made with.

        Raises:
            ConfigurationError: If the range or the metric is not one for it, or the number is above the maximum.
        """
        with reported_together() as check:
            check(self._check_highest, argument, scaled)
            check(self._check_metric, argument, scaled)
            check(self._check_number, argument, scaled, number)

    def tracked(self, scaled: Scaled) -> ScalingMetric | None:
        """The metric that is tracked; ``None`` if only the schedules scale."""
        return None if self.target_percent is None else self.metric or scaled.metrics[0]

    def _check_target(self) -> None:
        if self.target_percent is None:
            if not self.schedules:
                raise ConfigurationError(
                    got="AutoScaling(target_percent=None) without schedules",
                    allowed="a target or a schedule scales",
                    fix="Leave target_percent out, or add schedules",
                    rule="ASC-06",
                )
            return
        if not is_whole_number(self.target_percent, 1, _PERCENT):
            raise ConfigurationError(
                got=f"AutoScaling(target_percent={shown(self.target_percent)}){other_type(self.target_percent)}",
                allowed=f"the target of a metric is 1 to {_PERCENT} percent",
                fix="Use target_percent=60",
                rule="ASC-06",
            )

    def _check_cooldown(self, name: str) -> None:
        value, day = getattr(self, name), 86_400
        if not is_whole_number(value, 0, day):
            raise ConfigurationError(
                got=f"AutoScaling({name}={shown(value)}){other_type(value)}",
                allowed=f"a cooldown is 0 to {day} seconds",
                fix=f"Use {name}=600, or leave it out",
                page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoScaling-Policies.html",
            )

    def _check_schedules(self) -> None:
        kind = Kind(of=ScheduledScaling, example="[ScheduledScaling(name='Morning', schedule=..., minimum=2, ...)]")
        names = [each.name for each in checked_list("AutoScaling", "schedules", self.schedules, kind)]
        twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
        if twice is not None:
            raise ConfigurationError(
                got=f"AutoScaling(schedules=...) with {twice!r} twice",
                allowed="each schedule has a separate name",
                fix="Give the second one another name",
                page="https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html",
            )

    def _check_highest(self, argument: str, scaled: Scaled) -> None:
        if self.highest > scaled.maximum:
            raise ConfigurationError(
                got=f"{argument} with a maximum of {self.highest}",
                allowed=f"the service scales to at most {scaled.maximum} {scaled.noun}s",
                fix=f"Use maximum={scaled.maximum} or less",
                rule=scaled.rule,
            )

    def _check_metric(self, argument: str, scaled: Scaled) -> None:
        tracked = self.tracked(scaled)
        if tracked is not None and tracked not in scaled.metrics:
            known = [f"ScalingMetric.{each.name}" for each in scaled.metrics]
            raise ConfigurationError(
                got=f"{argument} with ScalingMetric.{tracked.name}",
                allowed=f"{scaled.noun}s are scaled by {' or '.join(known)}",
                fix=f"Use metric={known[0]}, or leave it out",
                rule="ASC-06",
            )
        limit = _REPLICA_TARGETS
        if tracked is ScalingMetric.REPLICA_CPU and not is_whole_number(
            self.target_percent, limit.minimum, limit.maximum
        ):
            raise ConfigurationError(
                got=f"{argument} with target_percent={self.target_percent}",
                allowed=f"the target for replicas is {limit.minimum} to {limit.maximum} percent",
                fix="Use target_percent=60",
                rule="ASC-11",
            )

    def _check_number(self, argument: str, scaled: Scaled, number: int) -> None:
        if number > self.maximum:
            plural = "" if number == 1 else "s"
            raise ConfigurationError(
                got=f"{argument} with {number} {scaled.noun}{plural} and maximum={self.maximum}",
                allowed="the service takes away at once what is above the maximum",
                fix=f"Use maximum={number} or more; fewer take docs/runbooks/auto-scaling.md",
                rule="ASC-10",
            )
