"""Kinds of arguments: a value of the wrong one is refused in one line, before anything is asked of it."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args

from elasticache_constructs.errors import ConfigurationError, reported_together

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an argument may be."""

    of: type | UnionType
    example: str
    """How it is written, for the fix."""
    rule: str | None = None
    """The id of the argument's own rule."""
    method: str = ""
    """What every implementation of a CDK interface has: the proxies that come back from the CDK have no other mark."""
    secret: bool = False
    """Whether what was given in its place may hold a password, and so is not shown."""

    def has(self, value: object) -> bool:
        """Whether a value is of this kind."""
        if self.method:
            return hasattr(value, self.method)
        # An IResolvable stands for a text wherever an encoded token does.
        return isinstance(value, self.of) or (str in self._types and hasattr(value, "resolve"))

    @property
    def in_words(self) -> str:
        """The names of its types."""
        return " or ".join("None" if each is NoneType else each.__name__ for each in self._types)

    @property
    def _types(self) -> tuple[type, ...]:
        return get_args(self.of) or (self.of,)


def check_kind(call: str, name: str, value: object, kind: Kind) -> None:
    """Refuse a value of another kind.

    Args:
        call: What was called, for the message. Empty where several constructs share the argument.

        name: The argument's name.

        value: What it was given.

        kind: What it may be given.

    Raises:
        ConfigurationError: When the value is of another kind.
    """
    if kind.has(value):
        return
    written = f"{name}={'...' if kind.secret else reprlib.repr(value)}"
    raise ConfigurationError(
        got=f"{f'{call}({written})' if call else written} of type {type(value).__name__}",
        allowed=f"{name} is of type {kind.in_words}",
        fix=f"Use {name}={kind.example}",
        rule=kind.rule,
    )


def check_kinds(call: str, settings: object, kinds: Mapping[str, Kind]) -> None:
    """Refuse settings that have fields of another kind.

    Raises:
        ConfigurationError: When a field is of another kind; with all of them, where there are several.
    """
    with reported_together() as check:
        for name, kind in kinds.items():
            check(check_kind, call, name, getattr(settings, name), kind)


def checked_list(call: str, name: str, values: Iterable[Any], kind: Kind) -> tuple[Any, ...]:
    """The values themselves, once all of them are of one kind.

    Raises:
        ConfigurationError: When there is no list, or some of it is of another kind.
    """
    # A text is a list of letters, which nobody means.
    if isinstance(values, str) or not isinstance(values, Iterable):
        check_kind(call, name, values, Kind(of=list, example=kind.example, rule=kind.rule, secret=kind.secret))
    listed = tuple(values)
    with reported_together() as check:
        for each in listed:
            check(check_kind, call, name, each, kind)
    return listed
