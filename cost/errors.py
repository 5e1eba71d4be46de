"""The exception of the cost table, and its grammar."""

from __future__ import annotations


class CostError(Exception):
    """Prices or templates cannot be read. The command exits with 2.

    Args:
        got: What was received.
        allowed: What is allowed.
        fix: The change that fixes it, as an imperative sentence without its full stop.
    """

    def __init__(self, got: str, allowed: str, fix: str) -> None:
        super().__init__(f"{got}: {allowed}. {fix}.")


class UnreachableError(CostError):
    """Nothing is answered at all, whichever list is asked for."""


class NoRegionError(CostError):
    """The app leaves the Region of its stacks to the deployment, and no Region is named."""
