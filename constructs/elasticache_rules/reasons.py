"""The reasons of relaxed defaults and of allowed changes."""

from __future__ import annotations

SHORTEST_REASON = 20
"""The minimum number of characters of a reason. The posture rules ask for as many."""


def is_reason(text: object) -> bool:
    """Whether a value is a text that says why."""
    return isinstance(text, str) and len(text.strip()) >= SHORTEST_REASON


def is_open(reason: str) -> bool:
    """Whether a reason is still to be written: it begins with TODO."""
    return reason.lstrip().upper().startswith("TODO")
