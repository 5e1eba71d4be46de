"""The one form of the messages that refuse an argument or a setting."""

from __future__ import annotations


def refusal(*, got: str, allowed: str, fix: str) -> str:
    """The message of an exception: what was given, what is allowed, and how to correct it.

    Args:
        got: What was given, for example ``ELASTICACHE_PORT=70000``. Never a secret.
        allowed: What is accepted, for example ``must be 1 to 65535``, without a full stop.
        fix: What to do, as an imperative sentence without a full stop.
    """
    return f"{got}: {allowed}. {fix}."
