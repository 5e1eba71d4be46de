"""The order of versions and sizes, which is not that of their text."""

from __future__ import annotations

import re


def version_key(version: str) -> tuple[int, ...]:
    """A version as its numbers: 1.6.6 comes before 1.6.12.

    Raises:
        ValueError: If a part is not a number.
    """
    return tuple(int(part) for part in version.split("."))


def natural_key(text: str) -> list[tuple[int, str]]:
    """Text with the numbers in it in numeric order: r7g before r10g."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part]


def size_key(size: str) -> tuple[int, int]:
    """The size of a node in the order of sizes: small, large, xlarge, 2xlarge."""
    named = ("nano", "micro", "small", "medium", "large", "xlarge")
    times = re.fullmatch(r"(\d+)xlarge", size)
    return (len(named), int(times[1])) if times else (named.index(size) if size in named else len(named) + 1, 0)
