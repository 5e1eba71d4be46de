"""The report as text and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from elasticache_rules.change_gate.changes import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticache_rules.change_gate.changes import Change, Changes

_WIDTHS = {"resource": 30, "property": 26, "old": 17, "new": 17, "effect": 17}
_WIDTH = 120
_INDENT = " " * 4


def table(changes: Changes) -> str:
    """One row for every change, most severe first, with the reason and an alternative below it; stack by stack.

    What changes in place in one alarm is one row, without values: with other nodes each alarm measures otherwise.

    Returns:
        Lines of at most 120 characters; only addresses are longer, since they are not broken.
    """
    stacks = dict.fromkeys(each.stack for each in changes)
    return "\n\n".join("\n".join(_of_stack(stack, changes)) for stack in stacks)


def stops(left: Changes) -> str:
    """A line for each resource whose changes stop the deployment, with the effects."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in left:
        found.setdefault((each.stack, each.resource), []).append(f"{each.property} ({each.effect.value})")
    lines = (_wide(f"{stack} {name}: {', '.join(said)}") for (stack, name), said in found.items())
    return "\n".join(line for each in lines for line in each)


def document(changes: Changes, left: Changes, allowed: Sequence[str]) -> dict[str, Any]:
    """The report for machines.

    Args:
        changes: All changes.
        left: Those that stop the deployment.
        allowed: The allowances that were used, a line each.
    """
    return {
        "stopped": bool(left),
        "changes": [
            {**asdict(change), "effect": change.effect.value, "stops": change in left.lines} for change in changes
        ],
        "allowed": list(allowed),
    }


def _of_stack(stack: str, changes: Changes) -> Iterator[str]:
    yield stack
    yield _row(tuple(_WIDTHS))
    yield "-+-".join("-" * width for width in _WIDTHS.values())
    for each in _folded([each for each in changes if each.stack == stack]):
        yield _row((each.resource, each.property, each.old, each.new, each.effect.value))
        yield from _explained(each)


def _folded(changes: Sequence[Change]) -> Iterator[Change]:
    for _, alike in groupby(changes, lambda each: each.resource if _is_of_alarm(each) else id(each)):
        first, *others = alike
        names = ", ".join(each.property for each in (first, *others))
        yield replace(first, property=names, old="...", new="...") if others else first


def _is_of_alarm(change: Change) -> bool:
    is_plain = change.effect is Effect.IN_PLACE and not (change.blocks or change.reason or change.instead)
    return is_plain and change.kind in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}


def _explained(change: Change) -> Iterator[str]:
    rules = f"[{', '.join(change.rules)}]" if change.rules else ""
    for text in (f"{change.reason} {rules}".strip(), change.instead, change.page if change.blocks else ""):
        yield from _wide(text)


def _wide(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _row(cells: tuple[str, ...]) -> str:
    columns = [_wrapped(cell, width) for cell, width in zip(cells, _WIDTHS.values(), strict=True)]
    height = max(map(len, columns))
    padded = [column + [""] * (height - len(column)) for column in columns]
    lines = (
        " | ".join(text.ljust(width) for text, width in zip(line, _WIDTHS.values(), strict=True))
        for line in zip(*padded, strict=True)
    )
    return "\n".join(line.rstrip() for line in lines)


def _wrapped(cell: str, width: int) -> list[str]:
    return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
