"""The advice of a message, followed as a reader would: what it says to write is written, and built again.

A fix is read for code: ``name=value``, a call, a constant, a text in quotes after "Use", and what to leave out. What it
says in words alone, for example "use a newer engine", cannot be followed by reading, and nothing is found.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

import elasticache_constructs
from application_constructs.database import DatabaseUser
from elasticache_constructs import ConfigurationError, NodeType
from tests.deployable.written import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES: dict[str, Any] = {
    **{name: getattr(elasticache_constructs, name) for name in elasticache_constructs.__all__},
    "DatabaseUser": DatabaseUser,
    "ec2": ec2,
    "kms": kms,
}
_CODE = re.compile(
    r"(?P<name>\b[a-z][a-z_]*)=(?P<value>\S.*)"
    r"|(?P<call>\b(?:ec2\.|kms\.)?[A-Z][A-Za-z]+(?:\.[a-z_]+)*\(.*)"
    r"|(?P<constant>\b[A-Z][A-Za-z]+\.[A-Z][A-Z0-9_]+\b)"
    r"|(?P<text>(?<=Use )'[^']*')"
    r"|(?P<type>\bcache\.[a-z0-9]+\.[a-z0-9]+)"
    r"|(?P<leave>\b[Ll]eave (?:the )?(?P<what>[a-z_]+) out)"
)


@dataclass(frozen=True)
class Advice:
    """One thing that a fix says to write."""

    name: str
    """The argument; empty where a value says by itself what it is."""
    value: Any
    left_out: bool = False

    def __str__(self) -> str:
        if self.left_out:
            return f"without {self.name}"
        return f"{self.name}={self.value!r}" if self.name else repr(self.value)


def all_advice(fix: str) -> list[Advice]:
    """What a fix says to write, each way of several by itself."""
    return list(_read(fix))


def _read(fix: str) -> Iterator[Advice]:
    place = 0
    while match := _CODE.search(fix, place):
        place = match.end()
        if match["leave"]:
            yield Advice(match["what"], None, left_out=True)
        elif match["constant"]:
            yield Advice("", eval(match["constant"], dict(_NAMES)))  # noqa: S307 - of our own messages
        elif match["type"]:
            yield Advice("", match["type"])
        elif match["text"]:
            yield Advice("", ast.literal_eval(match["text"]))
        else:
            start = match.start("value" if match["name"] else "call")
            source = _expression(fix[start:])
            place = start + max(len(source), 1)
            if (
                source
                and not re.search(r"\.\.\.|<[a-z]+>", source)
                and source.endswith((")", "]", "}")) | bool(match["name"])
            ):
                yield Advice(match["name"] or "", eval(source, dict(_NAMES)))  # noqa: S307


def _expression(text: str) -> str:
    """The longest beginning of a text that is an expression of names that are known; a tuple does not count."""
    for end in range(len(text), 0, -1):
        source = text[:end]
        try:
            tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError):
            continue
        names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
        if isinstance(tree, ast.Tuple | ast.BoolOp | ast.Compare) or source != source.strip() or names - _NAMES.keys():
            continue
        return source
    return ""


def followed(written: Call, advice: Advice, got: str) -> Call | None:
    """The call with an advice followed in it, wherever it belongs; None where it has no place there.

    Args:
        written: What was refused.
        advice: What to write.
        got: What the message says that it got, which tells of several places the right one.
    """
    places = [(node, changed) for node in _nodes(written) if (changed := _changed(node, advice, got)) is not None]
    if not places:
        return None
    # A global datastore has several of a kind, such as the backups of each member.
    node, changed = next((place for place in places if len(places) > 1 and _refuses(place[0], got)), places[0])
    result: Call | None = _replaced(written, node, changed)
    return result


def _refuses(node: Call, got: str) -> bool:
    try:
        node.made()
    except ConfigurationError as refusal:
        return any(error.got == got for error in refusal.errors)
    return False


def _nodes(value: Any) -> Iterator[Call]:
    """Calls, the innermost first: they are made first, and refused first."""
    match value:
        case Call():
            for each in (*value.arguments, *value.keywords.values()):
                yield from _nodes(each)
            yield value
        case list() | tuple():
            for each in value:
                yield from _nodes(each)
        case dict():
            for each in value.values():
                yield from _nodes(each)


def _changed(node: Call, advice: Advice, got: str) -> Any:
    parameter = re.match(r"parameters\['([^']*)'\]", got)
    if parameter and (not advice.name or advice.name == "it"):
        return _with_parameter(node, parameter[1], advice)
    if advice.name:
        return _with_argument(node, advice, got)
    if isinstance(advice.value, str):
        return _with_text(node, advice.value, got)
    made = node.constructor if isinstance(node.constructor, type) else getattr(node.constructor, "__self__", None)
    if made is type(advice.value):
        return advice.value
    same = [name for name, value in node.keywords.items() if type(value) is type(advice.value)]
    return _with(node, same[0], advice.value) if same else None


def _with(node: Call, name: str, value: Any) -> Call:
    return Call(node.constructor, node.arguments, {**node.keywords, name: value})


def _with_parameter(node: Call, parameter: str, advice: Advice) -> Call | None:
    """A value of ``parameters`` changed, or left out; an unknown name is left to the reader."""
    for name in ("parameters", "unlisted_parameters"):
        given = node.keywords.get(name)
        if isinstance(given, dict) and parameter in given:
            kept = {each: value for each, value in given.items() if each != parameter}
            if advice.left_out:
                return _with(node, name, kept)
            if isinstance(advice.value, str) and "-" in advice.value and advice.value.split("-")[0] == "allkeys":
                return _with(node, name, {**kept, parameter: advice.value})
    return None


def _with_argument(node: Call, advice: Advice, got: str) -> Call | None:
    parameters = list(inspect.signature(node.constructor).parameters)
    name = _argument(node, got) if advice.name == "it" else advice.name
    if name not in parameters or (advice.left_out and name not in node.keywords):
        return None
    if advice.left_out:
        kept = {each: value for each, value in node.keywords.items() if each != name}
        return Call(node.constructor, node.arguments, kept)
    if parameters.index(name) < len(node.arguments):
        place = parameters.index(name)
        arguments = (*node.arguments[:place], advice.value, *node.arguments[place + 1 :])
        return Call(node.constructor, arguments, node.keywords)
    # A word of one construct is now and then a word of another.
    is_meant = f"{name}=" in got or node.constructor.__qualname__.split(".")[0] in got
    return _with(node, name, advice.value) if is_meant else None


def _with_text(node: Call, text: str, got: str) -> Call | None:
    """A text, or the node type of that name, in the place of the one that was got."""
    is_type = text.startswith("cache.")

    def is_it(value: Any) -> bool:
        written = value.name if isinstance(value, NodeType) else value
        return (
            isinstance(written, str)
            and written not in ("", text)
            and (repr(written) in got or written in got.split())
            and (not is_type or isinstance(value, NodeType) or node.constructor is NodeType)
        )

    for name, value in node.keywords.items():
        if is_it(value):
            return _with(node, name, NodeType(text) if isinstance(value, NodeType) else text)
    # Of several patterns the empty one is wrong, where the message shows it.
    empty = [place for place, value in enumerate(node.arguments) if value == "" and "''" in got]
    for place in empty or range(len(node.arguments)):
        if empty or is_it(node.arguments[place]):
            return Call(node.constructor, (*node.arguments[:place], text, *node.arguments[place + 1 :]), node.keywords)
    return None


def _argument(node: Call, got: str) -> str:
    named = [name for name in node.keywords if f"{name}=" in got]
    return named[0] if len(named) == 1 else ""


def refused_call(refusal: BaseException) -> Call | None:
    """The value that refused itself, as the call that made it; None where it was no value."""
    found = None
    trace = refusal.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        made = frame.f_locals.get("self")
        if frame.f_code.co_name == "__post_init__" and dataclasses.is_dataclass(made):
            found = Call(type(made), (), {each.name: getattr(made, each.name) for each in dataclasses.fields(made)})
        trace = trace.tb_next
    return found


def _replaced(value: Any, node: Call, changed: Any) -> Any:
    if value is node:
        return changed
    match value:
        case Call():
            return Call(
                value.constructor,
                tuple(_replaced(each, node, changed) for each in value.arguments),
                {name: _replaced(each, node, changed) for name, each in value.keywords.items()},
            )
        case list() | tuple():
            return type(value)(_replaced(each, node, changed) for each in value)
        case dict():
            return {name: _replaced(each, node, changed) for name, each in value.items()}
        case _:
            return value
