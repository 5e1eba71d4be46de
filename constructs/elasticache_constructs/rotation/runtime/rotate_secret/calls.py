"""One AWS call: errors are classified, and secrets stay out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from .errors import Busy, CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_THROTTLED = frozenset(
    {
        "InternalFailure",
        "InternalServiceError",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_BEING_CHANGED = frozenset(
    {
        "InvalidCacheClusterState",
        "InvalidReplicationGroupState",
        "InvalidServerlessCacheStateFault",
        "InvalidUserGroupState",
        "InvalidUserState",
    }
)
_SECRET_ARGUMENTS = frozenset({"AuthToken", "Passwords", "SecretString"})


def call(operation: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """Make the call and return its answer.

    Errors are raised without their cause: botocore's may quote the arguments, and those may be passwords.

    Raises:
        Busy: If the same call may succeed a little later.
        CallFailed: If it will not.
    """
    name = operation.__name__
    try:
        return dict(operation(**arguments))
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        message = "" if _SECRET_ARGUMENTS & arguments.keys() else str(error.response["Error"].get("Message", ""))
    except (HTTPClientError, NoConnectionError) as error:
        raise Busy(f"{name} got no answer: {type(error).__name__}") from None
    except BotoCoreError as error:
        raise CallFailed(name, type(error).__name__) from None
    if code in _THROTTLED or code in _BEING_CHANGED:
        raise Busy(f"{name} must be retried: {code}")
    raise CallFailed(name, code, message)
