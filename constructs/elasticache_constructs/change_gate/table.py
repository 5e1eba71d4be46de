"""The report as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_constructs.change_gate.changes import Change, Changes

_WIDTHS = {"resource": 32, "property": 28, "old": 20, "new": 20, "effect": 17, "why, and what to do instead": 62}


def table(changes: Changes) -> str:
    """One row for every change, the gravest first; several stacks each under their name.

    Returns:
        Lines of 189 characters at most; long cells are wrapped.
    """
    stacks = sorted({each.stack for each in changes})
    return "\n\n".join("\n".join(_of_stack(stack, changes)) for stack in stacks)


def _of_stack(stack: str, changes: Changes) -> Iterator[str]:
    yield stack
    yield _row(tuple(_WIDTHS))
    yield "-+-".join("-" * width for width in _WIDTHS.values())
    for each in changes:
        if each.stack == stack:
            yield _row((each.resource, each.property, each.old, each.new, each.effect.value, _explained(each)))


def _explained(change: Change) -> str:
    rules = f" [{', '.join(change.rules)}]" if change.rules else ""
    parts = [f"{change.reason}{rules}", change.instead, change.page if change.blocks else ""]
    return "\n".join(part for part in parts if part)


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
    return [piece for line in cell.splitlines() for piece in textwrap.wrap(line, width, break_on_hyphens=False)] or [""]
