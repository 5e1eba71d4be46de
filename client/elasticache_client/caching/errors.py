"""What callers may have to hear of, beside the errors of their own functions."""

from __future__ import annotations


class LoadFailed(Exception):  # noqa: N818  # it says what happened
    """Another caller, perhaps in another process, failed to load; nobody tries again before his lease ends.

    Attributes:
        error: the name of the original error's type. Its message stays in the process where it was raised.
        retry_seconds: when the next caller may load.
    """

    def __init__(self, key: str, error: str, retry_seconds: float) -> None:
        super().__init__(
            f"Loading {key!r} failed in another call with {error}. It is asked again in {retry_seconds:.1f} s, not "
            "before: look for the original error in that caller's log, and retry later."
        )
        self.error = error
        self.retry_seconds = retry_seconds


class Overloaded(Exception):  # noqa: N818  # it says what happened
    """The cache does not shield the database, and as many loads as may run without it are running."""

    def __init__(self, limit: int, seconds: float) -> None:
        super().__init__(
            f"The cache does not answer, and no place among {limit} loads past it came free in {seconds:g} s. Retry "
            "later, or raise bypass_limit if the database bears more."
        )


class Unavailable(Exception):  # noqa: N818  # never leaves this package
    """The cache, or the node that has the key, did not answer, or is not asked because it did not."""


class Refused(Unavailable):
    """It answered with an error: other commands or other keys may fare better."""
