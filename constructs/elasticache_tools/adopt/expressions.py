"""Python expressions as ruff formats them: one argument a line, unless everything fits into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_WIDTH = 80
_INDENT = "    "


@dataclass(frozen=True)
class Name:
    """A name, or anything else that is written as it is."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        function: What is called.
        positional: Positional arguments.
        keywords: Arguments by name. One that is ``None`` is left out.
        expanded: Whether each argument has its line, although all would fit into one.
    """

    function: str
    positional: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    expanded: bool = False


def written(value: object, *, depth: int, before: int = 0) -> str:
    """A value in Python: texts, numbers, lists, `Name` and `Call`.

    Args:
        value: The value.
        depth: How far the line that it stands in is indented, in steps.
        before: How many characters of that line stand before it.
    """
    line = _in_one_line(value)
    if len(_INDENT) * depth + before + len(line) <= _WIDTH and not (isinstance(value, Call) and value.expanded):
        return line
    match value:
        case Call():
            parts = _parts(value)
            return _spread(f"{value.function}(", parts, ")", depth) if parts else line
        case list() | tuple() if value:
            return _spread("[", [("", each) for each in value], "]", depth)
        case _:
            return line


def _parts(call: Call) -> list[tuple[str, object]]:
    named = [(f"{name}=", value) for name, value in call.keywords.items() if value is not None]
    return [*(("", value) for value in call.positional), *named]


def _spread(opening: str, parts: list[tuple[str, object]], closing: str, depth: int) -> str:
    lines = [
        f"{_INDENT * (depth + 1)}{name}{written(value, depth=depth + 1, before=len(name) + 1)},"
        for name, value in parts
    ]
    return "\n".join([opening, *lines, f"{_INDENT * depth}{closing}"])


def _in_one_line(value: object) -> str:
    match value:
        case Name():
            return value.text
        case Call():
            return f"{value.function}({', '.join(name + _in_one_line(part) for name, part in _parts(value))})"
        case list() | tuple():
            return f"[{', '.join(map(_in_one_line, value))}]"
        case Mapping():
            return "{" + ", ".join(f"{_in_one_line(key)}: {_in_one_line(each)}" for key, each in value.items()) + "}"
        case str():
            return _quoted(value)
        case _:
            return repr(value)


def _quoted(text: str) -> str:
    """A text in double quotes, or in single ones if it has double ones only."""
    shown = repr(text)
    if shown.startswith("'") and '"' not in text:
        return '"' + shown[1:-1].replace("\\'", "'") + '"'
    return shown
