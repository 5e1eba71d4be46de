"""Values in templates: whether two are equal, as far as it is known before a deployment."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.references import Reference, references, sole_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Path = tuple[str, ...]
"""Names below ``Properties`` and indexes of list elements; ``*`` is every element."""

ABSENT: Any = None
"""The value of an absent property. ``{"Ref": "AWS::NoValue"}`` is the same."""

_NO_VALUE = {"Ref": "AWS::NoValue"}


class Difference(enum.IntEnum):
    """Whether two values differ."""

    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The templates around two values."""

    old_resources: Collection[str]
    new_resources: Collection[str]
    moved: Callable[[Reference], Difference]
    """Whether a reference that is in both has another value."""


def normalised(value: Any) -> Any:
    """The value as CloudFormation compares it: scalars as text, and ``AWS::NoValue`` left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if value == _NO_VALUE:
            return ABSENT
        pairs = ((str(name), _branches(each) if name == "Fn::If" else normalised(each)) for name, each in value.items())
        return {name: each for name, each in pairs if each is not ABSENT}
    if isinstance(value, list):
        return [each for each in map(normalised, value) if each is not ABSENT]
    if isinstance(value, bool):
        return "true" if value else "false"
    return ABSENT if value is None else str(value)


def _branches(value: Any) -> Any:
    """The parts of an ``Fn::If``. A part has another meaning in the other branch."""
    return [each if each == _NO_VALUE else normalised(each) for each in value] if isinstance(value, list) else value


def is_intrinsic(value: object) -> bool:
    """Whether a value is an intrinsic function, known at deployment only."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, argument),) = value.items()
    # A policy statement has conditions too, but not by name.
    return name == "Ref" or name.startswith("Fn::") or (name == "Condition" and isinstance(argument, str))


def is_known(value: object) -> bool:
    """Whether a value has no intrinsic function and no dynamic reference at any depth."""
    if is_intrinsic(value) or is_dynamic(value):
        return False
    if isinstance(value, dict):
        return all(is_known(each) for each in value.values())
    return not isinstance(value, list) or all(is_known(each) for each in value)


def is_dynamic(value: object) -> bool:
    """Whether a value is read from Secrets Manager or Parameter Store at deployment."""
    return "{{resolve:" in (value if isinstance(value, str) else json.dumps(value))


def difference(old: Any, new: Any, around: Surroundings) -> Difference:
    """Whether two normalised values differ.

    Args:
        old: The value in the old template.
        new: The value in the new one.
        around: Their templates.
    """
    if is_intrinsic(old) or is_intrinsic(new):
        return _of_functions(old, new, around)
    if isinstance(old, dict) and isinstance(new, dict):
        return max(
            (difference(old.get(name), new.get(name), around) for name in old.keys() | new.keys()),
            default=Difference.NO,
        )
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return max((difference(*pair, around) for pair in zip(old, new, strict=True)), default=Difference.NO)
    if isinstance(old, str) and isinstance(new, str) and old != new and (is_dynamic(old) or is_dynamic(new)):
        return Difference.PERHAPS
    return Difference.NO if old == new else Difference.YES


def _of_functions(old: Any, new: Any, around: Surroundings) -> Difference:
    if old == new:
        return max(map(around.moved, references(old)), default=Difference.NO)
    # A property that appears or goes is a change, whatever its value will be.
    if old is ABSENT or new is ABSENT:
        return Difference.YES
    before, after = sole_reference(old), sole_reference(new)
    are_two_resources = (
        before is not None
        and after is not None
        and before.name != after.name
        and before.attribute == after.attribute
        and before.is_identity
        and before.name in around.old_resources
        and after.name in around.new_resources
    )
    return Difference.YES if are_two_resources else Difference.PERHAPS


def places(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, Any, Any]]:
    """The paths at which two values differ, as deep as both have the same shape."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and not is_intrinsic(old) and not is_intrinsic(new):
        for name in sorted(old.keys() | new.keys()):
            yield from places((*path, name), old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from places((*path, str(index)), *pair)
    else:
        yield path, old, new


def at(value: Any, path: Path) -> Any:
    """The values at a path below a value, where ``*`` is every element of a list. A function ends the path."""
    if not path or is_intrinsic(value):
        return value
    name, *rest = path
    if isinstance(value, list):
        return [at(each, tuple(rest) if name == "*" else path) for each in value]
    return at(value.get(name), tuple(rest)) if isinstance(value, dict) else ABSENT
