"""What a rule has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one rule.

    Attributes:
        what: What was checked.
        required: What is required.
        read: What the account has.
        ok: Whether the requirement is met.
    """

    what: str
    required: str
    read: str
    ok: bool
