"""The one form of the rehearsal's error messages."""

from __future__ import annotations


def refusal(*, got: str, allowed: str, fix: str) -> str:
    """The message of an error: what was found, what is allowed, and how to correct it.

    Args:
        got: What was found, without a full stop. Never a secret.
        allowed: What is allowed, without a full stop.
        fix: What to do, as an imperative sentence without a full stop.
    """
    return f"{got}: {allowed}. {fix}."
