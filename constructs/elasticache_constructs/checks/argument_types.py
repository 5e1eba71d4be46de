"""Kinds of arguments: a value of the wrong one is refused in one line, before anything is asked of it."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args

from elasticache_constructs.checks.errors import TOKEN_IN_WORDS, ConfigurationError, is_unseen, reported_together
from elasticache_constructs.checks.tokens import is_token

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
    literal: bool = False
    """Whether it has to be known at synth, since what follows depends on it: a CDK token is refused."""
    free: bool = False
    """Whether it is free text, in which nothing else looks for characters that are not seen."""
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
        ConfigurationError: If the value is of another kind.
    """
    if kind.has(value):
        if kind.literal and is_token(value):
            _refuse_token(call, name, kind)
        if kind.free and isinstance(value, str):
            check_seen(f"{call}({name}=...)" if call else name, value, rule=kind.rule)
        return
    written = f"{name}={'...' if kind.secret else reprlib.repr(value)}"
    raise ConfigurationError(
        got=f"{f'{call}({written})' if call else written} of type {type(value).__name__}",
        allowed=f"{name} is of type {kind.in_words}",
        fix=f"Use {name}={kind.example}",
        rule=kind.rule,
    )


def check_seen(what: str, text: str, *, rule: str | None = None) -> None:
    """Refuse a text with something in it that its reader does not see, and that would say something else elsewhere.

    Args:
        what: What has the text.
        text: The text.
        rule: The rule's id.

    Raises:
        ConfigurationError: If it has a control character, a line end, a mark of direction or one without width.
    """
    unseen = next((each for each in text if is_unseen(each)), None)
    if unseen is not None:
        raise ConfigurationError(
            got=f"{what} with the character U+{ord(unseen):04X}",
            allowed="a text has neither line ends nor other characters that are not seen",
            fix="Leave it out: it may have come from where the text was copied",
            rule=rule,
        )


def _refuse_token(call: str, name: str, kind: Kind) -> None:
    written = f"{name}={TOKEN_IN_WORDS}"
    raise ConfigurationError(
        got=f"{call}({written})" if call else written,
        allowed=f"{name} has to be known at synth",
        fix=f"Write it out, as in {name}={kind.example}",
        rule=kind.rule,
    )


def check_kinds(call: str, settings: object, kinds: Mapping[str, Kind]) -> None:
    """Refuse settings that have fields of another kind.

    Raises:
        ConfigurationError: If a field is of another kind; with all of them, where there are several.
    """
    with reported_together() as check:
        for name, kind in kinds.items():
            check(check_kind, call, name, getattr(settings, name), kind)


def checked_list(call: str, name: str, values: Iterable[Any], kind: Kind) -> tuple[Any, ...]:
    """The values themselves, once all of them are of one kind.

    Raises:
        ConfigurationError: If there is no list, or some of it is of another kind.
    """
    # A text is iterable, but never meant as a list.
    if isinstance(values, str) or not isinstance(values, Iterable):
        check_kind(call, name, values, Kind(of=list, example=kind.example, rule=kind.rule, secret=kind.secret))
    listed = tuple(values)
    with reported_together() as check:
        for each in listed:
            check(check_kind, call, name, each, kind)
    return listed
