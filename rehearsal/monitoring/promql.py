"""PromQL, as far as alarms use it here; everything else is refused by name.

The grammar is that of `promql-parser`. No Python package evaluates it: `promql-analyzer`, `promqlpy` and builders only
read or write queries, and others ask a Prometheus server. The meaning is Prometheus 3's, which CloudWatch follows.
See https://prometheus.io/docs/prometheus/latest/querying/ and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-PromQL.html.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verification.messages import refusal

NAME = "__name__"
LOOKBACK_SECONDS = 300.0  # how old the last sample of a series may be
MAX_SERIES = 500
MAX_RANGE_SECONDS = 7 * 86_400.0

Labels = Mapping[str, str]
Key = frozenset[tuple[str, str]]
Sample = tuple[float, float]  # when, in seconds since 1970, and the value
Vector = dict[Key, float]
Range = dict[Key, list[Sample]]

ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": operator.pow,
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SETS = ("and", "or", "unless")
AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": len,
}
OVER_TIME: Mapping[str, Callable[[Sequence[float]], float]] = {
    **{f"{name}_over_time": function for name, function in AGGREGATIONS.items()},
    "last_over_time": lambda values: values[-1],
}
EACH: Mapping[str, Callable[[float], float]] = {"abs": abs, "ceil": math.ceil, "floor": math.floor}
SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}  # of matchers
RATES = ("rate", "increase", "delta")
FUNCTIONS = sorted({*EACH, *OVER_TIME, *RATES})


class QueryError(Exception):
    """A query cannot be evaluated; the message says what it has and what is understood."""


def _refusal(got: str, allowed: str) -> QueryError:
    return QueryError(refusal(got=got, allowed=allowed, fix="Change the query, or add it to promql.py"))


@dataclass(eq=False)
class Series:
    """One time series.

    Attributes:
        labels: Its labels, with its name as `__name__`.
        times: When it was measured, in order.
        values: What was measured.
    """

    labels: Labels
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @functools.cached_property
    def key(self) -> Key:
        """Its labels, by which it is known."""
        return frozenset(self.labels.items())

    def add(self, at: float, value: float) -> None:
        """Add a sample; one that has the same time is replaced.

        Args:
            at: When it was measured, in seconds since 1970.
            value: What was measured.
        """
        place = bisect_right(self.times, at)
        if place and self.times[place - 1] == at:
            self.values[place - 1] = value
            return
        self.times.insert(place, at)
        self.values.insert(place, value)

    def last(self, at: float) -> float | None:
        """The value at a moment; None if the last sample is too old.

        Args:
            at: The moment.
        """
        place = bisect_right(self.times, at) - 1
        return self.values[place] if place >= 0 and at - self.times[place] < LOOKBACK_SECONDS else None

    def between(self, after: float, until: float) -> list[Sample]:
        """The samples after a moment and not after another.

        Args:
            after: The first moment, which is left out.
            until: The second moment.
        """
        first, end = bisect_right(self.times, after), bisect_right(self.times, until)
        return list(zip(self.times[first:end], self.values[first:end], strict=True))


@functools.lru_cache(maxsize=256)
def parsed(query: str) -> Any:
    """The syntax tree of a query.

    Args:
        query: The query.

    Raises:
        QueryError: If it is not valid.
    """
    parser: Any = importlib.import_module("promql_parser")
    try:
        return parser.parse(query)
    except ValueError as fault:
        raise _refusal(f"the query {query!r}: {fault}", "it must be PromQL") from None


@dataclass(frozen=True)
class Selector:
    """What a query selects.

    Attributes:
        name: Name of the metric; empty if the query has none.
        matchers: Operator, label and value of each matcher but the name's.
        counted: Whether the query takes a rate of it, which makes sense for counters.
    """

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    counted: bool

    def admits(self, labels: Labels) -> bool:
        """Whether a series with these labels is selected.

        Args:
            labels: Its labels, with its name as `__name__`.
        """
        named = not self.name or labels.get(NAME) == self.name
        return named and all(_matches(sign, labels.get(label, ""), value) for sign, label, value in self.matchers)


def _matches(sign: str, value: str, asked: str) -> bool:
    if sign in {"=", "!="}:
        return (value == asked) == (sign == "=")
    return bool(re.fullmatch(asked, value)) == (sign == "=~")


def selectors(query: str) -> list[Selector]:
    """What a query selects, from left to right.

    Args:
        query: The query.

    Raises:
        QueryError: If it is not valid, or not understood.
    """
    return list(_selectors(parsed(query), counted=False))


def _selectors(node: Any, *, counted: bool) -> Iterable[Selector]:
    kind = type(node).__name__
    match kind:
        case "VectorSelector":
            yield _selector(node, counted=counted)
        case "MatrixSelector":
            yield _selector(node.vector_selector, counted=counted)
        case "BinaryExpr":
            yield from _selectors(node.lhs, counted=counted)
            yield from _selectors(node.rhs, counted=counted)
        case "AggregateExpr" | "ParenExpr" | "UnaryExpr":
            yield from _selectors(node.expr, counted=counted)
        case "Call":
            for argument in node.args:
                yield from _selectors(argument, counted=counted or node.func.name in {"rate", "increase"})
        case "NumberLiteral":
            return
        case _:
            raise _refusal(kind, "it is not understood")


def reach(query: str) -> float:
    """How many seconds before a moment a query reads.

    Args:
        query: The query.

    Raises:
        QueryError: If it is not valid.
    """
    return _reach(parsed(query))


def _reach(node: Any) -> float:
    match type(node).__name__:
        case "VectorSelector":
            return LOOKBACK_SECONDS + _seconds(node.offset)
        case "MatrixSelector":
            return float(node.range.total_seconds()) + _seconds(node.vector_selector.offset)
        case "BinaryExpr":
            return max(_reach(node.lhs), _reach(node.rhs))
        case "AggregateExpr" | "ParenExpr" | "UnaryExpr":
            return _reach(node.expr)
        case "Call":
            return max(map(_reach, node.args), default=0.0)
    return 0.0


def _selector(node: Any, *, counted: bool = False) -> Selector:
    if node.at is not None or node.matchers.or_matchers:
        raise _refusal(str(node), "`@` and `or` between matchers are not understood")
    matchers = [
        (SIGNS[str(matcher.op).rpartition(".")[2]], str(matcher.name), str(matcher.value))
        for matcher in node.matchers.matchers
    ]
    names = [value for sign, label, value in matchers if (sign, label) == ("=", NAME)]
    name = node.name or (names[0] if names else "")
    return Selector(name, tuple(one for one in matchers if one[:2] != ("=", NAME)), counted)


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of queries at one moment.

    Attributes:
        series: All series by the name of their metric.
        at: The moment, in seconds since 1970.
    """

    series: Mapping[str, Sequence[Series]]
    at: float

    def vector(self, query: str) -> Vector:
        """What a query returns: a value for each set of labels.

        Args:
            query: The query.

        Raises:
            QueryError: If it is not understood, or returns a number.
        """
        found = self._value(parsed(query))
        if isinstance(found, float):
            raise _refusal(f"the query {query!r} returns a number", "an alarm needs a vector")
        if len(found) > MAX_SERIES:
            raise _refusal(f"{len(found)} series", f"a query returns at most {MAX_SERIES}")
        return found

    def _value(self, node: Any) -> float | Vector:  # noqa: PLR0911 - one for each kind of node
        match type(node).__name__:
            case "NumberLiteral":
                return float(node.val)
            case "ParenExpr":
                return self._value(node.expr)
            case "UnaryExpr":
                value = self._value(node.expr)
                return -value if isinstance(value, float) else _each(operator.neg, value)
            case "VectorSelector":
                return self._selected(node)
            case "Call":
                return self._called(node)
            case "AggregateExpr":
                return self._aggregated(node)
            case "BinaryExpr":
                return _combined(node, self._value(node.lhs), self._value(node.rhs))
            case kind:
                raise _refusal(kind, "it is not understood")

    def _selected(self, node: Any) -> Vector:
        selector, at = _selector(node), self.at - _seconds(node.offset)
        values = ((one, one.last(at)) for one in self._admitted(selector))
        return {one.key: value for one, value in values if value is not None}

    def _called(self, node: Any) -> Vector:
        name, arguments = str(node.func.name), list(node.args)
        if name in EACH and len(arguments) == 1:
            value = self._value(arguments[0])
            if not isinstance(value, float):
                return _each(EACH[name], value)
        if name in {*OVER_TIME, *RATES} and type(arguments[0]).__name__ == "MatrixSelector":
            [matrix] = arguments
            seconds = matrix.range.total_seconds()
            if seconds > MAX_RANGE_SECONDS:
                raise _refusal(f"a range of {seconds:.0f} s", "it must be at most 7 days")
            return self._over_time(name, matrix.vector_selector, seconds)
        raise _refusal(f"{name}({', '.join(type(one).__name__ for one in arguments)})", ", ".join(FUNCTIONS))

    def _over_time(self, name: str, node: Any, seconds: float) -> Vector:
        selector, until = _selector(node), self.at - _seconds(node.offset)
        found: Vector = {}
        for one in self._admitted(selector):
            samples = one.between(until - seconds, until)
            if name in RATES:
                value = _extrapolated(name, samples, until - seconds, until)
            else:
                value = OVER_TIME[name]([value for _, value in samples]) if samples else None
            if value is not None:
                found[one.key if name == "last_over_time" else _nameless(one.key)] = float(value)
        return found

    def _admitted(self, selector: Selector) -> Iterable[Series]:
        names = [selector.name] if selector.name else list(self.series)
        return (one for name in names for one in self.series.get(name, ()) if selector.admits(one.labels))

    def _aggregated(self, node: Any) -> Vector:
        name, value = str(node.op), self._value(node.expr)
        if name not in AGGREGATIONS or isinstance(value, float):
            raise _refusal(f"the aggregation {name}", f"understood are {', '.join(AGGREGATIONS)} of a vector")
        keeps = _kept(node.modifier, default=frozenset())
        groups: dict[Key, list[float]] = {}
        for key, one in value.items():
            groups.setdefault(keeps(key), []).append(one)
        return {key: float(AGGREGATIONS[name](values)) for key, values in groups.items()}


def _seconds(offset: Any) -> float:
    return 0.0 if offset is None else float(offset.total_seconds())


def _nameless(key: Key) -> Key:
    return frozenset(label for label in key if label[0] != NAME)


def _each(function: Callable[[float], float], vector: Vector) -> Vector:
    return {_nameless(key): float(function(value)) for key, value in vector.items()}


def _kept(modifier: Any, default: Key | None) -> Callable[[Key], Key]:
    """Which labels a `by`, `without`, `on` or `ignoring` keeps; without one, `default`, or all if that is None."""
    if modifier is None:
        return _nameless if default is None else lambda _key: default
    labels, kind = frozenset(modifier.labels), str(modifier.type).rpartition(".")[2]
    if kind in {"By", "Include"}:
        return lambda key: frozenset(label for label in key if label[0] in labels)
    return lambda key: frozenset(label for label in _nameless(key) if label[0] not in labels)


def _extrapolated(name: str, samples: Sequence[Sample], after: float, until: float) -> float | None:
    """Prometheus's rate, increase or delta: the change between samples, extrapolated to the ends of the range."""
    if len(samples) < 2:  # noqa: PLR2004 - a change has two ends
        return None
    counter = name != "delta"
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    change = last - first
    if counter:
        change += sum(before for (_, before), (_, value) in itertools.pairwise(samples) if value < before)
    sampled = last_at - first_at
    between = sampled / (len(samples) - 1)
    start, end = first_at - after, until - last_at
    threshold = between * 1.1
    start = between / 2 if start >= threshold else start
    if counter and change > 0 and first >= 0:
        start = min(start, sampled * (first / change))  # a counter was not below 0
    end = between / 2 if end >= threshold else end
    change *= (sampled + start + end) / sampled
    return change / (until - after) if name == "rate" else change


def _combined(node: Any, left: float | Vector, right: float | Vector) -> float | Vector:
    sign, modifier = str(node.op), node.modifier
    if sign in SETS:
        if isinstance(left, float) or isinstance(right, float):
            raise _refusal(f"{sign} with a number", "it needs two vectors")
        return _set(sign, modifier, left, right)
    calculate, filters = _operation(sign, returns_bool=bool(modifier and modifier.return_bool))
    if isinstance(left, float) and isinstance(right, float):
        value = calculate(left, right)
        if value is None or filters:
            raise _refusal(f"{left} {sign} {right}", "numbers are compared with bool")
        return value
    keeps = (lambda key: key) if filters else _nameless
    if isinstance(right, float) and not isinstance(left, float):
        return _present({keeps(key): calculate(value, right) for key, value in left.items()})
    if isinstance(left, float) and not isinstance(right, float):
        # The value of a comparison that filters is that of the vector.
        found = {keeps(key): (calculate(left, value), value) for key, value in right.items()}
        return {key: value if filters else one for key, (one, value) in found.items() if one is not None}
    if isinstance(left, float) or isinstance(right, float):
        raise TypeError(sign)
    return _matched(modifier, calculate, left, right)


def _operation(sign: str, *, returns_bool: bool) -> tuple[Callable[[float, float], float | None], bool]:
    """An operation that returns None for what a comparison filters out, and whether it filters."""
    if sign in COMPARISONS:
        compare = COMPARISONS[sign]
        if returns_bool:
            return lambda one, two: float(compare(one, two)), False
        return lambda one, two: one if compare(one, two) else None, True
    if sign not in ARITHMETIC:
        raise _refusal(f"the operator {sign}", f"understood are {', '.join([*ARITHMETIC, *COMPARISONS, *SETS])}")
    return functools.partial(_arithmetic, sign), False


def _arithmetic(sign: str, one: float, two: float) -> float:
    try:
        return float(ARITHMETIC[sign](one, two))
    except ZeroDivisionError:
        return math.nan if one == 0 or math.isnan(one) or sign == "%" else math.copysign(math.inf, one)


def _present(vector: Mapping[Key, float | None]) -> Vector:
    return {key: value for key, value in vector.items() if value is not None}


def _set(sign: str, modifier: Any, left: Vector, right: Vector) -> Vector:
    keeps = _kept(modifier and modifier.matching, default=None)
    lefts, rights = {keeps(key) for key in left}, {keeps(key) for key in right}
    if sign == "or":
        return {**left, **{key: value for key, value in right.items() if keeps(key) not in lefts}}
    return {key: value for key, value in left.items() if (keeps(key) in rights) == (sign == "and")}


def _matched(modifier: Any, calculate: Callable[[float, float], float | None], left: Vector, right: Vector) -> Vector:
    """Pair two vectors by their labels: one to one, or many to one with `group_left` and `group_right`."""
    keeps = _kept(modifier and modifier.matching, default=None)
    card = str(modifier.card).rpartition(".")[2] if modifier else "OneToOne"
    if modifier and modifier.group_labels:
        raise _refusal(f"group_left({', '.join(modifier.group_labels)})", "labels of the other side are not added here")
    many, few = (right, left) if card == "OneToMany" else (left, right)
    ones: dict[Key, float] = {}
    for key, value in few.items():
        if keeps(key) in ones:
            raise _refusal(f"several series with {dict(keeps(key))} on one side", "labels must pair series")
        ones[keeps(key)] = value
    on = modifier is not None and modifier.matching is not None
    found: dict[Key, float | None] = {}
    for key, value in many.items():
        if keeps(key) not in ones:
            continue
        other = ones[keeps(key)]
        result = keeps(key) if on and card == "OneToOne" else _nameless(key)
        if result in found:
            raise _refusal(f"several series with {dict(result)}", "labels must pair series; use group_left")
        found[result] = calculate(other, value) if card == "OneToMany" else calculate(value, other)
    return _present(found)
