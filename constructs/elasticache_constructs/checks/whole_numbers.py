"""Integer checks that let CDK tokens fail explicitly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_constructs.checks.errors import TOKEN_IN_WORDS
from elasticache_constructs.checks.tokens import is_unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_whole_number(value: object, lowest: int, highest: int) -> bool:
    """Whether a value is a whole number within limits, both included. A CDK token is not."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def shown(value: object) -> str:
    """A value for a message; a CDK token, which looks like a huge number, in words."""
    is_token = isinstance(value, int | float | str) and is_unresolved(value)
    return TOKEN_IN_WORDS if is_token else repr(value)


def other_type(value: object) -> str:
    """How a message goes on if what should be a whole number is of another type: `` of type str``; else nothing."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_number or shown(value) == TOKEN_IN_WORDS else f" of type {type(value).__name__}"


def shown_list(values: Iterable[object]) -> str:
    """A list of values for a message, each as `shown` has it."""
    return f"[{', '.join(map(shown, values))}]"
