"""Metric math of CloudWatch, as far as alarms use it here; everything else is refused by name.

A time series is a tuple with a value for each period; None stands for a period without datapoint.
See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from typing import TYPE_CHECKING, Any

from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Series = tuple[float | None, ...]
Value = float | Series | list[Series]
Query = "Mapping[str, Any]"

ARITHMETIC: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: Mapping[type, Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
EACH: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
TOGETHER: Mapping[str, Callable[[Sequence[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum}
FUNCTIONS = sorted({*EACH, *TOGETHER, "AVG", "FILL", "IF", "METRICS", "METRIC_COUNT", "PERIOD"})
OPERATORS = {"^": "**", "&&": " and ", "||": " or "}
WORDS = re.compile(r"\b(AND|OR)\b")


class MathError(Exception):
    """An expression cannot be evaluated; the message says what it has and what is understood."""


def _refusal(got: str, allowed: str) -> MathError:
    return MathError(refusal(got=got, allowed=allowed, fix="Change the expression, or add it to metric_math.py"))


def is_returned(query: Mapping[str, Any]) -> bool:
    """Whether an alarm watches this one of its queries; it does unless the query says that it does not.

    Args:
        query: One of its `Metrics`.
    """
    return str(query.get("ReturnData", True)).lower() == "true"


def parsed(expression: str) -> ast.expr:
    """The syntax tree of an expression.

    The syntax is Python's but for the names of some operators.

    Args:
        expression: The expression.

    Raises:
        MathError: If it is not valid.
    """
    text = WORDS.sub(lambda word: word[0].lower(), expression)
    for theirs, python in OPERATORS.items():
        text = text.replace(theirs, python)
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise _refusal(f"the expression {expression!r}", "it must be metric math") from None


class Calculation:
    """The queries of an alarm, which can be evaluated.

    Args:
        queries: Its `Metrics`.
        read: Reads the series of a query that has a metric.
        period: Seconds of a period.
    """

    def __init__(self, queries: Sequence[Mapping[str, Any]], read: Callable[[Any], Series], period: float) -> None:
        self._queries = {str(query["Id"]): query for query in queries}
        self._read = read
        self._period = period
        self._known: dict[str, Value] = {}

    def result(self) -> Series:
        """The series that the alarm watches.

        Raises:
            MathError: If an expression is not understood, or is not one series.
        """
        [watched] = [name for name, query in self._queries.items() if is_returned(query)]
        value = self._named(watched)
        if isinstance(value, list) and len(value) == 1:
            [value] = value
        if not isinstance(value, tuple):
            kind = f"{len(value)} series" if isinstance(value, list) else "a number"
            raise _refusal(f"{watched} is {kind}", "an alarm watches one series")
        return value

    def _named(self, name: str) -> Value:
        if name not in self._queries:
            raise _refusal(f"{name!r}", f"the queries of the alarm are {', '.join(self._queries)}")
        if name not in self._known:
            query = self._queries[name]
            stat = query.get("MetricStat")
            self._known[name] = self._read(stat) if stat else self._value(parsed(str(query["Expression"])))
        return self._known[name]

    def _value(self, node: ast.expr) -> Value:  # noqa: PLR0911 - one for each kind of node
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number)
            case ast.Name(id=name):
                return self._named(name)
            case ast.List(elts=items):
                return [series for item in items for series in _series(self._value(item))]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _pointwise(lambda value: -value, self._value(operand))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return _combined(ARITHMETIC[type(sign)], self._value(left), self._value(right))
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARISONS:
                compare = COMPARISONS[type(sign)]
                return _combined(lambda one, two: float(compare(one, two)), self._value(left), self._value(right))
            case ast.BoolOp(op=sign, values=[first, *others]):
                value = self._value(first)
                for other in others:
                    value = _combined(_AND if isinstance(sign, ast.And) else _OR, value, self._value(other))
                return value
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._called(name, arguments)
            case _:
                raise _refusal(f"{ast.unparse(node)!r}", "metric math has numbers, ids, lists, operators and functions")

    def _called(self, name: str, arguments: list[ast.expr]) -> Value:  # noqa: PLR0911 - one for each function
        match name, arguments:
            case "METRICS", []:
                return self._metrics("")
            case "METRICS", [ast.Constant(value=str() as part)]:
                return self._metrics(part)
            case "PERIOD", [ast.Name()]:
                return float(self._period)
            case "METRIC_COUNT", [argument]:
                return float(len(_series(self._value(argument))))
            case "AVG", [argument]:
                return _together(lambda values: sum(values) / len(values), self._value(argument), missing=0.0)
            case "FILL", [argument, filler]:
                return _filled(self._value(argument), self._value(filler))
            case "IF", [condition, *branches] if len(branches) in {1, 2}:
                return _chosen(self._value(condition), [self._value(branch) for branch in branches])
            case _, [argument] if name in EACH:
                return _pointwise(EACH[name], self._value(argument))
            case _, [argument] if name in TOGETHER:
                return _together(TOGETHER[name], self._value(argument))
        raise _refusal(f"{name} with {len(arguments)} arguments", f"understood are {', '.join(FUNCTIONS)}")

    def _metrics(self, part: str) -> list[Series]:
        found = [name for name, query in self._queries.items() if "MetricStat" in query and part in name]
        return [series for name in found for series in _series(self._named(name))]


def _AND(one: float, two: float) -> float:  # noqa: N802 - CloudWatch's name
    return float(bool(one) and bool(two))


def _OR(one: float, two: float) -> float:  # noqa: N802 - CloudWatch's name
    return float(bool(one) or bool(two))


def _series(value: Value) -> list[Series]:
    """The series that a value is made of.

    Raises:
        MathError: If it is a number.
    """
    if isinstance(value, float):
        raise _refusal(f"the number {value:g}", "there must be a series")
    return value if isinstance(value, list) else [value]


def _pointwise(function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, float):
        return float(function(value))
    found = [tuple(None if point is None else float(function(point)) for point in one) for one in _series(value)]
    return found if isinstance(value, list) else found[0]


def _combined(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Arithmetic: a missing value is 0, unless both are missing; a division by zero has no datapoint."""
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise _refusal(f"lists of {len(left)} and {len(right)} series", "both must have as many")
        return [_points(function, one, two) for one, two in zip(left, right, strict=True)]
    if isinstance(left, list) and not isinstance(right, list):
        return [_points(function, one, right) for one in left]
    if isinstance(right, list) and not isinstance(left, list):
        return [_points(function, left, one) for one in right]
    if isinstance(left, float) and isinstance(right, float):
        return _safely(function, left, right) or 0.0
    if isinstance(left, list) or isinstance(right, list):  # both cannot be
        raise TypeError
    return _points(function, left, right)


def _points(function: Callable[[float, float], float], left: float | Series, right: float | Series) -> Series:
    length = len(left) if isinstance(left, tuple) else len(right) if isinstance(right, tuple) else 0
    lefts = left if isinstance(left, tuple) else (left,) * length
    rights = right if isinstance(right, tuple) else (right,) * length
    # A number is in every period, so a series and a number have a datapoint where the series has one.
    missing = [
        (one is None or not isinstance(left, tuple)) and (two is None or not isinstance(right, tuple))
        for one, two in zip(lefts, rights, strict=True)
    ]
    return tuple(
        None if gone else _safely(function, one or 0.0, two or 0.0)
        for one, two, gone in zip(lefts, rights, missing, strict=True)
    )


def _safely(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        return float(function(left, right))
    except (ZeroDivisionError, OverflowError):
        return None


def _together(function: Callable[[Sequence[float]], float], value: Value, missing: float | None = None) -> Value:
    """A number of one series, or one series of several."""
    if isinstance(value, list):
        return tuple(_of_period(function, points, missing) for points in zip(*value, strict=True))
    [series] = _series(value)
    return _of_period(function, series, missing) or 0.0


def _of_period(
    function: Callable[[Sequence[float]], float], points: Iterable[float | None], missing: float | None
) -> float | None:
    points = list(points)
    known = [point for point in points if point is not None]
    if not known:
        return None
    if missing is not None:
        known += [missing] * (len(points) - len(known))
    return float(function(known))


def _filled(value: Value, filler: Value) -> Value:
    if not isinstance(filler, float):
        raise _refusal("FILL with a series", "it must be filled with a number here")
    found: list[Series] = [tuple(filler if point is None else point for point in one) for one in _series(value)]
    return found if isinstance(value, list) else found[0]


def _chosen(condition: Value, branches: Sequence[Value]) -> Series:
    """IF: a period gets the first branch where the condition is not 0, and otherwise the second, if there is one."""
    [tests] = _series(condition)

    def point(value: Value, number: int) -> float | None:
        if isinstance(value, list):
            raise _refusal("IF with a list of series", "its branches are numbers or series")
        return value if isinstance(value, float) else value[number]

    other: Value = branches[1] if len(branches) > 1 else (None,) * len(tests)
    return tuple(
        None if test is None else point(branches[0] if test else other, number) for number, test in enumerate(tests)
    )
