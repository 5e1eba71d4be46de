"""What raises an alarm on a cache: values of its metrics on one node that breach, while all other nodes are calm.

They are found by trying values in the alarm's own expression or query. A metric, dimension, label or node that
ElastiCache does not publish has no values, so an alarm on it cannot be raised.
"""

from __future__ import annotations

import itertools
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.monitoring import documented
from rehearsal.monitoring.metric_math import Calculation, MathError
from rehearsal.monitoring.promql import Evaluation, Selector, selectors
from rehearsal.monitoring.series import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

RESOURCE = "@resource."
GROUP, SHARD, NODE = (f"{RESOURCE}aws.elasticache.{part}.id" for part in ("replication_group", "shard", "node"))
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
QUOTED = re.compile(r'"[^"]*"')
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e\d+)?(?![\w.])")
MINUTE, RANGE_MINUTES = 60, 5
JUST_NOW = 1.0  # seconds ago: within the last period, whenever it is judged

Values = list[tuple[float, float]]


@dataclass(frozen=True)
class CacheNode:
    """A node of the stage, or a serverless cache, which has none.

    Attributes:
        cache: Id of its cache.
        name: Its id; empty for a serverless cache, or for a whole group.
        shard: Id of its shard.
        is_replica: Whether it is a replica.
    """

    cache: str
    name: str = ""
    shard: str = ""
    is_replica: bool = False


@dataclass(frozen=True)
class Publication:
    """Values of one metric of one node, as a control command publishes them.

    Attributes:
        node: The node.
        metric: Name of the metric.
        values: How many seconds ago each was measured, and the value.
        attributes: The additional attributes of a series; None for a metric that is not one.
    """

    node: CacheNode
    metric: str
    values: Values
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Stimulus:
    """What raises an alarm, and what calms it.

    Attributes:
        what: The metric that breaches, and its node.
        node: The node.
        breaching: What is published to raise it.
        calm: What is published for it to recover.
        seconds: How much time passes between the two.
    """

    what: str
    node: CacheNode
    breaching: Sequence[Publication]
    calm: Sequence[Publication]
    seconds: float


class NoStimulusError(Exception):
    """Nothing that ElastiCache publishes raises the alarm; the message says why."""


def stimuli(alarm: Mapping[str, Any], nodes: Sequence[CacheNode]) -> list[Stimulus]:
    """What raises an alarm: one stimulus for each of its metrics.

    Args:
        alarm: The alarm, as `DescribeAlarms` has it.
        nodes: The nodes of the stage's caches, the serverless caches, and the groups as a whole.

    Raises:
        NoStimulusError: If nothing does.
    """
    if alarm.get("EvaluationCriteria"):
        return list(_of_query(alarm, nodes))
    return list(_of_metrics(alarm, nodes))


# Metrics and metric math ----------------------------------------------------------------------------------------------


def queries_of(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The queries of an alarm with a threshold; an alarm on one metric has one.

    Args:
        alarm: The alarm.
    """
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    return [{"Id": "metric", "MetricStat": {"Metric": metric, "Period": alarm["Period"]}}]


def is_on_caches(alarm: Mapping[str, Any]) -> bool:
    """Whether an alarm is on what ElastiCache publishes.

    Args:
        alarm: The alarm.
    """
    if alarm.get("EvaluationCriteria"):
        return "aws.elasticache" in alarm["EvaluationCriteria"]["PromQLCriteria"]["Query"]
    read = [query["MetricStat"]["Metric"]["Namespace"] for query in queries_of(alarm) if "MetricStat" in query]
    return documented.NAMESPACE in read


@dataclass(frozen=True)
class _Input:
    """One metric of an alarm.

    Attributes:
        id: Id of its query.
        name: Its name.
        node: The node under whose dimensions it is published.
    """

    id: str
    name: str
    node: CacheNode


def _of_metrics(alarm: Mapping[str, Any], nodes: Sequence[CacheNode]) -> Iterator[Stimulus]:
    queries = queries_of(alarm)
    inputs = [_input(query, nodes) for query in queries if "MetricStat" in query]
    period = float(next(query["MetricStat"]["Period"] for query in queries if "MetricStat" in query))
    periods = int(alarm["EvaluationPeriods"])
    threshold, compare = float(alarm["Threshold"]), COMPARISONS[alarm["ComparisonOperator"]]
    names = list(dict.fromkeys(each.name for each in inputs))
    candidates = _candidates([threshold])

    def breaches(values: Mapping[str, float]) -> bool | None:
        result = _calculated(queries, values, period)
        return None if result is None else compare(result, threshold)

    def publications(values: Mapping[str, float]) -> list[Publication]:
        moments = [number * period + JUST_NOW for number in range(periods)]
        return [Publication(each.node, each.name, [(ago, values[each.id]) for ago in moments]) for each in inputs]

    tried = ({each.id: chosen[names.index(each.name)] for each in inputs} for chosen in _products(candidates, names))
    calm = next((values for values in tried if breaches(values) is False), None)
    if calm is None:
        raise NoStimulusError(f"no values of {', '.join(names)} are calm for a threshold of {threshold:g}")
    found = 0
    for number, name in enumerate(names):
        own = [each for each in inputs if each.name == name]
        target = own[-1 - number % len(own)].node
        for changed in ([name], names):  # this metric alone, or all of its node's
            moved = [each.id for each in inputs if each.node == target and each.name in changed]
            possible = ({**calm, **dict(zip(moved, chosen, strict=True))} for chosen in _products(candidates, moved))
            values = next((one for one in possible if breaches(one)), None)
            if values is not None and (changed == [name] or not found):
                found += 1
                what = f"{name} of {target.name or target.cache}"
                yield Stimulus(what, target, publications(values), publications(calm), period * (periods + 1))
                break
    if not found:
        raise NoStimulusError(f"no values of {', '.join(names)} of one node breach a threshold of {threshold:g}")


def _input(query: Mapping[str, Any], nodes: Sequence[CacheNode]) -> _Input:
    metric = query["MetricStat"]["Metric"]
    dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []}
    node = _node_of(dimensions, nodes)
    if metric["Namespace"] != documented.NAMESPACE or node is None:
        raise NoStimulusError(f"{metric['MetricName']} of {dimensions} is of no node or cache that exists")
    return _Input(str(query["Id"]), str(metric["MetricName"]), node)


def _node_of(dimensions: Mapping[str, str], nodes: Sequence[CacheNode]) -> CacheNode | None:
    """The node under whose dimensions a metric is published, if it exists."""
    match dimensions:
        case {"clusterId": cache} | {"ReplicationGroupId": cache} if len(dimensions) == 1:
            wanted = (cache, "")
        case {"CacheClusterId": cluster, "CacheNodeId": "0001"} | {"CacheClusterId": cluster} if any(
            node.shard and node.name == cluster for node in nodes
        ):
            return next(node for node in nodes if node.shard and node.name == cluster)
        case {"CacheClusterId": cluster, "CacheNodeId": number}:
            wanted = (cluster, number)
        case {"CacheClusterId": cluster} if len(dimensions) == 1:
            # What is published of a whole Memcached cluster is raised by one of its nodes: the last, which is the
            # one that was added.
            return next(
                (node for node in reversed(nodes) if node.cache == cluster and node.name and not node.shard), None
            )
        case _:
            return None
    return next((node for node in nodes if (node.cache, node.name) == wanted), None)


def _calculated(queries: Sequence[Mapping[str, Any]], values: Mapping[str, float], period: float) -> float | None:
    """The result of an alarm's queries with these values of its metrics."""
    read = {id(query["MetricStat"]): (values[query["Id"]],) for query in queries if "MetricStat" in query}
    try:
        [result] = Calculation(queries, lambda stat: read[id(stat)], period).result()
    except MathError as fault:
        raise NoStimulusError(str(fault)) from None
    return result


# PromQL ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Series:
    """One series that a selector of a query admits.

    Attributes:
        selector: Which selector, by its number.
        name: Name of the metric.
        attributes: Its additional attributes.
        counted: Whether it is a counter.
    """

    selector: int
    name: str
    attributes: tuple[tuple[str, str], ...]
    counted: bool

    def samples(self, level: float, minutes: int) -> Values:
        """A sample a minute: of a gauge the level, of a counter that much more each time."""
        moments = range(minutes - 1, -1, -1)
        return [(ago * MINUTE + JUST_NOW, level * (minutes - ago) if self.counted else level) for ago in moments]


@dataclass(frozen=True)
class _Levels:
    """The levels of all series of a query.

    Attributes:
        calm: The level of the series of each selector.
        target: The node that breaches; None if none does.
        variant: Its series that breach, one of each selector.
        breaching: Their levels.
    """

    calm: Sequence[float]
    target: CacheNode | None = None
    variant: Sequence[_Series] = ()
    breaching: Sequence[float] = ()

    def of(self, node: CacheNode, one: _Series) -> float:
        """The level of one series."""
        breaches = node == self.target and one in self.variant
        return (self.breaching if breaches else self.calm)[one.selector]


@dataclass(frozen=True)
class _Trial:
    """A query, and the series that it reads.

    Attributes:
        query: The query.
        members: The nodes that have its labels.
        kinds: The series that each selector admits of a node.
    """

    query: str
    members: Sequence[CacheNode]
    kinds: Sequence[Sequence[_Series]]

    @classmethod
    def of(cls, query: str, nodes: Sequence[CacheNode]) -> _Trial:
        """Find what a query reads.

        Raises:
            NoStimulusError: If that does not exist.
        """
        chosen = list(dict.fromkeys(selectors(query)))
        kinds = [list(_series_of(number, selector)) for number, selector in enumerate(chosen)]
        if unknown := next((selector for selector, found in zip(chosen, kinds, strict=True) if not found), None):
            raise NoStimulusError(f"ElastiCache publishes no series {unknown.name} with {list(unknown.matchers)}")
        members = [node for node in nodes if node.shard and all(_admits(selector, node) for selector in chosen)]
        if not members:
            raise NoStimulusError(f"no node that exists has the labels of {query}")
        return cls(query, members, kinds)

    def returns(self, levels: _Levels) -> bool:
        """Whether the query returns something; with a target, whether that is about the target only."""
        store, minutes = Store(), 2 * RANGE_MINUTES
        for node, one in itertools.product(self.members, itertools.chain(*self.kinds)):
            samples = [(minutes * MINUTE - ago, value) for ago, value in one.samples(levels.of(node, one), minutes)]
            store.add(one.name, {**_labels(node), **dict(one.attributes)}, samples)
        found = Evaluation(store.by_name, minutes * MINUTE).vector(self.query)
        if levels.target is None:
            return bool(found)
        return bool(found) and {dict(key).get(NODE, levels.target.name) for key in found} == {levels.target.name}

    def publications(self, levels: _Levels, minutes: int) -> list[Publication]:
        """What to publish so that all series have their levels."""
        return [
            Publication(node, one.name, one.samples(levels.of(node, one), minutes), dict(one.attributes))
            for node, one in itertools.product(self.members, itertools.chain(*self.kinds))
        ]


def _of_query(alarm: Mapping[str, Any], nodes: Sequence[CacheNode]) -> Iterator[Stimulus]:
    criteria = alarm["EvaluationCriteria"]["PromQLCriteria"]
    trial = _Trial.of(str(criteria["Query"]), nodes)
    durations = sum(int(criteria.get(name) or 0) for name in ("PendingPeriod", "RecoveryPeriod"))
    minutes = durations // MINUTE + 2 * RANGE_MINUTES
    candidates = _candidates([float(number) for number in NUMBER.findall(QUOTED.sub("", trial.query))])
    tried = list(itertools.product(candidates, repeat=len(trial.kinds)))
    calm = next((values for values in tried if not trial.returns(_Levels(values))), None)
    if calm is None:
        raise NoStimulusError(f"no values are calm for {trial.query}")
    raised = 0
    for variant in itertools.product(*trial.kinds):  # of each selector, one series breaches
        target = trial.members[-1 - raised % len(trial.members)]  # nodes that were added are the last
        possible = (_Levels(calm, target, variant, values) for values in tried if values != calm)
        levels = next((one for one in possible if trial.returns(one)), None)
        if levels is None:
            continue
        raised += 1
        apart = [value for one in variant for _, value in one.attributes if len(trial.kinds[one.selector]) > 1]
        yield Stimulus(
            what=f"{' '.join([variant[0].name, *dict.fromkeys(apart)])} of {target.name}",
            node=target,
            breaching=trial.publications(levels, minutes),
            calm=trial.publications(_Levels(calm), minutes),
            seconds=(minutes + 1) * MINUTE,
        )
    if not raised:
        raise NoStimulusError(f"no values of one node are returned by {trial.query}")


def _series_of(number: int, selector: Selector) -> Iterator[_Series]:
    """The series of a node that a selector admits, by the attributes that AWS documents."""
    known = documented.OTEL.get(selector.name)
    if known is None:
        return
    asked = [one for one in selector.matchers if not one[1].startswith(RESOURCE) and one[1] != documented.ROLE]
    for values in itertools.product(*known.values()):
        attributes = dict(zip(known, values, strict=True))
        if Selector("", tuple(asked), selector.counted).admits(attributes):
            yield _Series(number, selector.name, tuple(attributes.items()), selector.counted)


def _labels(node: CacheNode) -> dict[str, str]:
    role = "replica" if node.is_replica else "primary"
    return {GROUP: node.cache, SHARD: f"{node.cache}-{node.shard}", NODE: node.name, documented.ROLE: role}


def _admits(selector: Selector, node: CacheNode) -> bool:
    if selector.name in documented.REPLICAS_ONLY and not node.is_replica:
        return False
    asked = [one for one in selector.matchers if one[1].startswith(RESOURCE) or one[1] == documented.ROLE]
    return Selector("", tuple(asked), selector.counted).admits(_labels(node))


# Values ---------------------------------------------------------------------------------------------------------------


def _candidates(thresholds: Sequence[float]) -> list[float]:
    """Values to try: below and above each threshold, and those that switches and counters have."""
    found = [0.0, 1.0, 100.0]
    for threshold in thresholds:
        found += [threshold / 2, threshold * 1.1 + 1]
    return list(dict.fromkeys([*found, 1e9]))


def _products(candidates: Sequence[float], of: Sequence[Any]) -> Iterator[tuple[float, ...]]:
    return itertools.product(candidates, repeat=len(of))
