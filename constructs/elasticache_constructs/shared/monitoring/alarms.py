"""The alarms of a cache, made from the table."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aws_cdk import Annotations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions

from elasticache_constructs.shared.encryption_key import EncryptionKey
from elasticache_constructs.shared.monitoring.cache_alarm import PAGE, CacheAlarm
from elasticache_constructs.shared.monitoring.metrics import NAMESPACE, period_of
from elasticache_constructs.shared.monitoring.node_metrics import hit_rate_expression
from elasticache_constructs.shared.monitoring.table import ROWS, CacheKind
from elasticache_constructs.shared.notifications import AlarmTopic, admit_alarms_to
from elasticache_constructs.values.windows import maintenance_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from elasticache_constructs.shared.monitoring.table import CacheProfile, Measure, Row

_LARGEST_EXPRESSION = 10
"""Metrics that an alarm on a math expression takes at most.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
"""
_LARGEST_RULE = 100
"""Alarms that a mute rule targets at most.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutAlarmMuteRule.html
"""
_GROUP_ID = "@resource.aws.elasticache.replication_group.id"
"""The label of OpenTelemetry metrics that has the group's id.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/otel-metrics-reference.html
"""
_SERIES_RANGE_MINUTES = 5
"""The range of the queries' ``[5m]``: a counter's increase covers it."""
_MISSING = {
    "ignore": cloudwatch.TreatMissingData.IGNORE,
    "missing": cloudwatch.TreatMissingData.MISSING,
    "notBreaching": cloudwatch.TreatMissingData.NOT_BREACHING,
}

_METRICS_OF_ALARM = (
    *("metrics", "namespace", "metric_name", "dimensions", "period", "statistic", "extended_statistic", "unit"),
)
"""Arguments of the L1 construct of an alarm that say what it watches."""
_ACTIONS_OF_ALARM = ("alarm_actions", "ok_actions", "insufficient_data_actions")
"""Those that say who is told."""

Dimensions = dict[str, str]
_Item = TypeVar("_Item")
_Alarm = TypeVar("_Alarm", bound=cloudwatch.AlarmBase)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedCache:
    """What is watched, and under which dimensions it publishes.

    Attributes:
        profile: What the alarms follow from.
        cache_id: The id of the group or cluster, or the name of the serverless cache.
        nodes: The dimensions of each node; of the whole cache, if it has no nodes or they are not known. Not used for a
            replication group whose nodes are not watched.
        maintenance_window: When the alarms are muted. Default: never.
    """

    profile: CacheProfile
    cache_id: str
    nodes: Sequence[Dimensions]
    maintenance_window: str | None = None


class MonitoredCache:
    """What every kind of cache tells about its alarms. An imported cache has no alarms."""

    alarms: Mapping[CacheAlarm, cloudwatch.AlarmBase] = MappingProxyType({})
    """The alarms by name. One that takes several, since an alarm takes at most ten metrics, is a composite of them."""

    alarm_topic: sns.ITopic | None = None
    """Where alarms are published. ``None`` without alarms, unless a topic was given."""

    health: cloudwatch.CompositeAlarm | None = None
    """In ALARM if any of the alarms is. It has no action, since each alarm has: add one, or put it on a dashboard."""

    _maker: _Maker | None = None

    def _watch(
        self,
        cache: WatchedCache,
        thresholds: Mapping[CacheAlarm, float],
        topic: sns.ITopic | None,
        *,
        key: kms.IKey | None = None,
    ) -> None:
        """Make the alarms, as children of the cache.

        Args:
            cache: What is watched.
            thresholds: The alarms, with their thresholds.
            topic: Where they are published. Default: an own topic, if there are alarms.
            key: Encrypts the own topic. Default: an own key.
        """
        scope: Any = self
        self.alarm_topic = topic
        if not thresholds:
            return
        if topic is None:
            key = key or EncryptionKey(scope, "AlarmKey", description=f"Alarms of {scope.node.id}")
            topic = self.alarm_topic = AlarmTopic(scope, "AlarmTopic", key=key)
        admit_alarms_to(topic, of=scope)
        maker = self._maker = _Maker(scope, cache, actions.SnsAction(topic))
        self.alarms = MappingProxyType(
            {row.alarm: maker.alarm(row, thresholds[row.alarm]) for row in ROWS if row.alarm in thresholds}
        )
        self.health = cloudwatch.CompositeAlarm(
            scope,
            "Health",
            alarm_rule=cloudwatch.AlarmRule.any_of(*self.alarms.values()),
            alarm_description=f"An alarm of this cache is raised. See {PAGE}",
        )
        maker.mute([*maker.members, self.health])
        if cache.profile.kind is not CacheKind.SERVERLESS and not cache.profile.watches_nodes:
            _tell_of_nodes(scope)

    def _watch_other_nodes(self, cache: WatchedCache, thresholds: Mapping[CacheAlarm, float]) -> None:
        """Watch the nodes that there are now. Alarms that watch some of them stay, with their actions and logical ids.

        Args:
            cache: What is watched from now on.
            thresholds: The alarms that it has, with their thresholds.
        """
        maker, health = self._maker, self.health
        if maker is None or health is None or not thresholds:
            return
        had = self.alarms
        maker.begin_again(cache)
        self.alarms = MappingProxyType(
            {row.alarm: maker.alarm(row, thresholds[row.alarm]) for row in ROWS if row.alarm in thresholds}
        )
        for row in ROWS:
            if row.alarm in had and row.alarm not in thresholds:
                maker.remove(row)
        self._tell_health()
        maker.mute([*maker.members, health])
        if not cache.profile.watches_nodes:
            _tell_of_nodes(cast("Construct", self))

    def _tell_health(self) -> None:
        health: Any = self.health
        health.node.default_child.alarm_rule = cloudwatch.AlarmRule.any_of(*self.alarms.values()).render_alarm_rule()

    def _watch_also(self, alarm: CacheAlarm, threshold: float) -> None:
        """Make an alarm that the cache turns out to need, unless it has it, or has no alarms.

        Args:
            alarm: The alarm.
            threshold: Its threshold.
        """
        row = next(each for each in ROWS if each.alarm is alarm)
        maker = self._maker
        if self.health is None or maker is None or alarm in self.alarms or not maker.can_have(row):
            return
        had = len(maker.members)
        self.alarms = MappingProxyType({**self.alarms, alarm: maker.alarm(row, threshold)})
        self._tell_health()
        maker.mute(maker.members[had:], prefix=_construct_id(row))


class _Maker:
    """Makes the alarms of one cache."""

    def __init__(self, scope: Construct, cache: WatchedCache, action: actions.SnsAction) -> None:
        self.members: list[cloudwatch.AlarmBase] = []
        self._scope = scope
        self._cache = cache
        self._action = action
        self._made: dict[str, Any] = {}

    def begin_again(self, cache: WatchedCache) -> None:
        """Make the alarms for other nodes: what exists is changed, the rest is made or removed."""
        self._cache, self.members = cache, []

    def remove(self, row: Row) -> None:
        """Remove the alarms of a row."""
        name = _construct_id(row)
        self._remove_from(f"{name}Alarm", 1)
        self._remove_from(f"{name}Alarms", 1)

    def _remove_from(self, name: str, number: int) -> None:
        while self._made.pop(_numbered(name, number), None) is not None:
            self._scope.node.try_remove_child(_numbered(name, number))
            number += 1

    def can_have(self, row: Row) -> bool:
        """Whether the cache can have the alarm."""
        return row.is_of(self._cache.profile)

    def alarm(self, row: Row, threshold: float) -> cloudwatch.AlarmBase:
        """The alarm of a row, with its actions."""
        name = _construct_id(row)
        measure = row.measures[self._cache.profile.kind]
        if self._cache.profile.publishes_series and measure.series is not None:
            alarms: list[cloudwatch.AlarmBase] = [self._of_series(name, row, measure.series, threshold)]
        else:
            first = self._made.get(f"{name}Alarm")
            alarms = [
                self._of_metrics(_numbered(f"{name}Alarm", number), row, metric, threshold)
                for number, metric in enumerate(self._metrics(row, measure), start=1)
            ]
            self._remove_from(f"{name}Alarm", len(alarms) + 1)
            if first is not None:
                _copy(_ACTIONS_OF_ALARM, first, alarms[1:])
        self.members += alarms
        return self._of_alarms(f"{name}Alarms", row, alarms)

    def _of_alarms(self, construct_id: str, row: Row, alarms: Sequence[cloudwatch.AlarmBase]) -> cloudwatch.AlarmBase:
        """The alarm that is raised if any of some is: one that exists stays, since a dashboard may refer to it."""
        found = self._made.get(construct_id)
        if found is not None:
            found.node.default_child.alarm_rule = cloudwatch.AlarmRule.any_of(*alarms).render_alarm_rule()
            return cast("cloudwatch.CompositeAlarm", found)
        if len(alarms) == 1:
            return alarms[0]
        made = self._made[construct_id] = cloudwatch.CompositeAlarm(
            self._scope,
            construct_id,
            alarm_rule=cloudwatch.AlarmRule.any_of(*alarms),
            alarm_description=_description(row),
        )
        return made

    def _told(self, construct_id: str, alarm: _Alarm) -> _Alarm:
        self._made[construct_id] = alarm
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm

    def mute(self, alarms: Sequence[cloudwatch.AlarmBase], *, prefix: str = "") -> None:
        """Mute alarms in the maintenance window, in which nodes are replaced one after another."""
        start = maintenance_start(self._cache.maintenance_window) if self._cache.maintenance_window else None
        if start is None:
            return
        name = f"{prefix}MutedInMaintenance"
        self._remove_from(name, 1)
        for number, some in enumerate(_batches(alarms, _LARGEST_RULE), start=1):
            self._made[_numbered(name, number)] = cloudwatch.AlarmMuteRule(
                self._scope,
                _numbered(name, number),
                alarms=some,
                schedule=cloudwatch.ScheduleExpression.cron(
                    minute=str(start.minute), hour=str(start.hour), week_day=start.day.upper()
                ),
                duration=period_of(start.length_minutes),
                description=f"The maintenance window, {self._cache.maintenance_window}. See {PAGE}",
            )

    def _of_series(self, name: str, row: Row, series: str, threshold: float) -> cloudwatch.PromQLAlarm:
        # Not the id of an alarm on metrics: CloudFormation would change that alarm's type in place.
        construct_id = f"{name}PromQLAlarm"
        if construct_id in self._made:
            return cast("cloudwatch.PromQLAlarm", self._made[construct_id])
        matcher = f'"{_GROUP_ID}"="{self._cache.cache_id}"'
        # A counter's increase over five minutes has waited for them already.
        covered = _SERIES_RANGE_MINUTES if "increase(" in series else 0
        pending = row.minutes * row.periods - covered
        return self._told(
            construct_id,
            cloudwatch.PromQLAlarm(
                self._scope,
                construct_id,
                query=f"{series.replace('GROUP', matcher)} {'<' if row.below else '>'} {threshold}",
                evaluation_interval=period_of(1),
                pending_period=period_of(pending) if pending else None,
                recovery_period=period_of(_SERIES_RANGE_MINUTES),
                alarm_description=_description(row),
            ),
        )

    def _of_metrics(
        self, construct_id: str, row: Row, metric: cloudwatch.IMetric, threshold: float
    ) -> cloudwatch.Alarm:
        found = self._made.get(construct_id)
        made = cloudwatch.Alarm(
            self._scope,
            construct_id if found is None else f"{construct_id}OfOtherNodes",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            if row.below
            else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=row.periods,
            treat_missing_data=_MISSING[row.missing.treatment],
            alarm_description=_description(row),
        )
        if found is None:
            return self._told(construct_id, made)
        # The CDK writes metrics when an alarm is made, and has no way to give it others.
        _copy(_METRICS_OF_ALARM, made, [found])
        self._scope.node.try_remove_child(made.node.id)
        return cast("cloudwatch.Alarm", found)

    def _metrics(self, row: Row, measure: Measure) -> Iterable[cloudwatch.IMetric]:
        """What each alarm of a row watches: at most ten metrics."""
        names, nodes = measure.metrics, self._cache.nodes
        profile = self._cache.profile
        if profile.kind is CacheKind.REPLICATION_GROUP and not profile.watches_nodes:
            assert measure.of_group is not None  # noqa: S101 - such a cache has no other rows
            names, nodes = (measure.of_group,), ({"ReplicationGroupId": self._cache.cache_id},)
        for some in _batches(nodes, _LARGEST_EXPRESSION // len(names)):
            yield _over([(name, node) for node in some for name in names], row, measure)


def _over(metrics: Sequence[tuple[str, Dimensions]], row: Row, measure: Measure) -> cloudwatch.IMetric:
    """One metric for all: the highest, or the lowest where the alarm is raised below its threshold."""
    period = period_of(row.minutes)
    made = [
        cloudwatch.Metric(
            namespace=NAMESPACE, metric_name=name, dimensions_map=node, statistic=measure.statistic, period=period
        )
        for name, node in metrics
    ]
    if len(made) == 1:
        return made[0]
    if measure.hit_rate:
        ids = [f"{kind}{number}" for number in range(1, len(made) // 2 + 1) for kind in ("hits", "misses")]
        expression = hit_rate_expression(ids[::2], ids[1::2])
    else:
        expression = f"{'MIN' if row.below else 'MAX'}(METRICS())"
        ids = [f"m{number}" for number in range(1, len(made) + 1)]
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics=dict(zip(ids, made, strict=True)),
        label=row.alarm.value,
        period=period,
    )


def _batches(items: Sequence[_Item], size: int) -> list[list[_Item]]:
    return [list(items[first : first + size]) for first in range(0, len(items), size)]


def _copy(names: Sequence[str], source: Any, targets: Sequence[Any]) -> None:
    """Give alarms arguments of another one's L1 construct."""
    for name in names:
        for each in targets:
            setattr(each.node.default_child, name, getattr(source.node.default_child, name))


def _numbered(name: str, number: int) -> str:
    return f"{name}{number if number > 1 else ''}"


def _construct_id(row: Row) -> str:
    return row.alarm.value.title().replace("-", "")


def _description(row: Row) -> str:
    return f"{row.meaning}. {row.severity.value}: {row.alarm.runbook}"


def _tell_of_nodes(scope: Construct) -> None:
    Annotations.of(scope).add_info(
        "Its nodes are scaled automatically, or more than 90, so that no alarm names a node: "
        f"{PAGE} says which alarms it has"
    )
