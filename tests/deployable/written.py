"""Configurations as they are written: calls of constructors that have not been made yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_constructs.checks.errors import reported_together

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Call:
    """A call with its arguments, calls among them. Shown as it would stand in code."""

    constructor: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def made(self) -> Any:
        """What comes of the call; innermost calls first, as Python has it."""
        return self.constructor(*_made(self.arguments), **self.made_keywords())

    def made_keywords(self) -> dict[str, Any]:
        """Its named arguments, made."""
        return {name: _made(value) for name, value in self.keywords.items()}

    def __repr__(self) -> str:
        positional = [repr(each) for each in self.arguments]
        named = [f"{name}={value!r}" for name, value in self.keywords.items()]
        return f"{self.constructor.__qualname__}({', '.join(positional + named)})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - as hypothesis calls it
        printer.text(repr(self))


@dataclass(frozen=True)
class Cache(Call):
    """A cache: the call that makes its settings, and what the construct is given that is a resource."""

    given: dict[str, Any] = field(default_factory=dict)
    check: Callable[..., None] | None = None
    """Refuses what is given, by name; made."""

    def made(self) -> Any:
        """The settings, once what is given is checked, too."""
        with reported_together() as checked:
            settings = checked(super().made)
            if self.check is not None and self.given:
                checked(self.check, **self.made_given())
        return settings

    def made_given(self) -> dict[str, Any]:
        """What the construct is given, made."""
        return {name: _made(value) for name, value in self.given.items()}

    def __repr__(self) -> str:
        settings = super().__repr__()
        given = [f"{name}={value!r}" for name, value in self.given.items()]
        return " with ".join([settings, *given])


def call(constructor: Callable[..., Any], *arguments: Any, **keywords: Any) -> Call:
    """A call to be made later."""
    return Call(constructor, arguments, keywords)


def _made(value: Any) -> Any:
    match value:
        case Call():
            return value.made()
        case list() | tuple():
            return type(value)(_made(each) for each in value)
        case dict():
            return {name: _made(each) for name, each in value.items()}
        case _:
            return value
