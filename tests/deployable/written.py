"""Configurations as they are written: calls of constructors that have not been made yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
