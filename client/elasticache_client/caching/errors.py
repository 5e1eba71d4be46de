"""Errors that callers may get in addition to those of the functions they pass."""

from __future__ import annotations


class LoadFailed(Exception):  # noqa: N818 - it says what happened
    """Another caller, perhaps in another process, failed to load; no caller tries again before its lease ends.

    Attributes:
        error: The name of the original error's type. Its message stays in the process where it was raised.
        retry_seconds: In how many seconds the next caller may load.
    """

    def __init__(self, key: str, error: str, retry_seconds: float) -> None:
        super().__init__(
            f"Loading {key!r} failed in another call with {error}. It is not loaded again for "
            f"{retry_seconds:.1f} s. Look for the original error in that caller's log, and retry later."
        )
        self.error = error
        self.retry_seconds = retry_seconds


class Overloaded(Exception):  # noqa: N818 - it says what happened
    """The cache does not answer, and the maximum number of loads without it is running."""

    def __init__(self, limit: int, seconds: float) -> None:
        super().__init__(
            f"The cache does not answer, and {limit} loads without it were running for {seconds:g} s. Retry later, or "
            "raise bypass_limit if the database can take more."
        )


class Unavailable(Exception):  # noqa: N818 - never leaves this package
    """The cache, or the node that has the key, did not answer, or is not used because it did not."""


class Refused(Unavailable):
    """It answered with an error, which need not concern other commands or other keys."""
