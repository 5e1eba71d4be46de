"""The table of checks on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from verification.posture import Check

# Of resource, property, asked and read back; with two spaces between them they fit a wide terminal.
WIDTHS = (38, 34, 36, 36)
HEADINGS = ("resource", "property", "asked", "read back")


def table(checks: Sequence[Check]) -> str:
    """A line for each check, below the name of its stack."""
    return "\n".join(_lines(checks))


def _lines(checks: Sequence[Check]) -> Iterator[str]:
    yield _line((*HEADINGS, "ok"))
    yield _line((*("-" * width for width in WIDTHS), "---"))
    stack, resource = "", ""
    for check in checks:
        if check.stack != stack:
            stack, resource = check.stack, ""
            yield f"\n{stack}"
        named = check.resource if check.resource != resource else ""
        resource = check.resource
        verdict = "accepted" if check.accepted else "yes" if check.ok else "NO"
        yield _line((named, check.property, check.asked, check.read, verdict))


def _line(cells: Sequence[str]) -> str:
    *wide, last = cells
    return "  ".join([*(fitted(cell, width) for cell, width in zip(wide, WIDTHS, strict=True)), last]).rstrip()


def fitted(text: str, width: int) -> str:
    """The text in exactly this width; a long text keeps its start and its end, where names differ."""
    flat = " ".join(text.split())
    if len(flat) > width:
        head = width * 2 // 5
        flat = f"{flat[:head]}…{flat[len(flat) - (width - head - 1) :]}"
    return flat.ljust(width)


def failure(check: Check) -> str:
    """A failed check in full, on several lines."""
    note = f"\n    note   {check.note}" if check.note else ""
    named = f"{check.stack} {check.resource}".strip()
    return f"  {named}: {check.property}\n    asked  {check.asked}\n    read   {check.read}{note}"


def acceptance(check: Check) -> str:
    """A check that failed and is accepted, on one line with the reason."""
    return f"{check.stack} {check.resource}: {check.property.removeprefix('must: ')}, {check.read}: {check.accepted}"
