"""Errors of a step. No text here ever holds a password."""

from __future__ import annotations


class RotationError(Exception):
    """A step did not reach its end. AWSCURRENT still logs in; invoking the step again is always safe."""

    retriable = False


class Refused(RotationError):  # noqa: N818 - what happened, as the other names here
    """The event, the configuration, the secret or the user is not one that this function may touch.

    Args:
        got: What was found.
        allowed: What would have been accepted, as a sentence without its full stop.
        fix: The change to make, as a sentence without its full stop.
    """

    def __init__(self, *, got: str, allowed: str, fix: str) -> None:
        super().__init__(f"{got}: {allowed}. {fix}.")


class RotationTooSoon(RotationError):  # noqa: N818
    """The password before this one may still be in use, and the cache has room for two only."""


class Drift(RotationError):  # noqa: N818
    """The cache does not accept what AWSCURRENT says, so nothing may be built on it."""


class CallFailed(RotationError):  # noqa: N818
    """An AWS call failed for good.

    Args:
        operation: The call.
        code: The service's error code.
        message: What the service said. Default: withheld, since the call carried a password.
    """

    def __init__(self, operation: str, code: str, message: str = "") -> None:
        self.code = code
        super().__init__(f"{operation} failed with {code}" + (f": {message}" if message else ""))


class Busy(RotationError):  # noqa: N818
    """An AWS call was throttled, or came while the user or group was being changed, or a node did not answer."""

    retriable = True


class NotYet(RotationError):  # noqa: N818
    """What the step waits for did not come about in the time the function had left."""

    retriable = True
