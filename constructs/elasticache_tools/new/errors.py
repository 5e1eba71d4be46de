"""The exception of the command, and its grammar."""

from __future__ import annotations


class NewProjectError(Exception):
    """The project cannot be written. The command exits with 2.

    Args:
        got: What was received.
        allowed: What is allowed.
        fix: The change that fixes it, as an imperative sentence without its full stop.
    """

    def __init__(self, got: str, allowed: str, fix: str) -> None:
        super().__init__(f"{got}: {allowed}. {fix}.")
