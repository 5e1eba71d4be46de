"""What the readers of quantities share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cost.items import Item
from elasticache_rules.templates.app import Resource, Templates

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From how many to how many a scalable target goes; ``None`` where the template leaves it open."""

    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a resource is read with.

    Args:
        templates: All templates.
        targets: The ranges of scalable targets, by resource and dimension.
        today: The day, for charges that begin on one.
    """

    templates: Templates
    targets: Mapping[tuple[Resource, str], Range] = field(default_factory=dict)
    today: dt.date


Reader = Callable[[Resource, Context], Iterator[Item]]


def whole_number(value: Any) -> int | None:
    """A whole number of a template, which may be a text; ``None`` for anything else, a reference for example."""
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


def written(value: Any) -> str | None:
    """A text of a template; ``None`` for anything else, a reference for example."""
    return value if isinstance(value, str) else None


def flag(value: Any) -> bool | None:
    """Whether a property is true, which may be a text; ``None`` if a reference decides."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return value.lower() == "true" if isinstance(value, str) else None


def times(number: int | Decimal, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 node``, ``3 nodes``."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
