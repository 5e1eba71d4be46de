"""What an exception of a client library says about the cache: what failed.

The parents of the libraries' error classes do not say it: "cluster is down" is an error reply, but "loading" is a
broken connection. What failed decides how to react, so this module is the only place that classifies it.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Failure(Enum):
    """What has failed."""

    CONNECTION = "connection"
    """No reply: a connection could not be opened, broke, or timed out."""

    NODE = "node"
    """The node or the cluster replies but cannot serve: it loads data, has no primary, or has become a replica."""

    COMMAND = "command"
    """This command with these arguments, this user, or this key. Other commands may succeed."""

    LOGIN = "login"
    """The cache rejected the login, or no login was available."""

    OTHER = "other"
    """Not the cache's fault: an exception from a signal handler, or a client on the wrong event loop."""


_LIBRARIES: Final = frozenset({"redis", "valkey"})

_BY_CODE: Final = {
    "BUSY": Failure.NODE,
    "CLUSTERDOWN": Failure.NODE,
    "LOADING": Failure.NODE,
    "MASTERDOWN": Failure.NODE,
    "MISCONF": Failure.NODE,
    "NOREPLICAS": Failure.NODE,
    "READONLY": Failure.NODE,
    "UNBLOCKED": Failure.NODE,
    "NOAUTH": Failure.LOGIN,
    "WRONGPASS": Failure.LOGIN,
}
"""The meaning of an error reply's first word. Other words concern the command: OOM rejects writes but serves reads."""

_CODES: Final = {
    "AskError": "ASK",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "ExecAbortError": "EXECABORT",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}
"""Classes for which the libraries remove the first word."""

_CLASSES: Final = {
    "AuthenticationError": Failure.LOGIN,
    "AuthenticationWrongNumberOfArgsError": Failure.LOGIN,
    "AuthorizationError": Failure.LOGIN,
    "ExternalAuthProviderError": Failure.LOGIN,
    "SlotNotCoveredError": Failure.NODE,
    "ConnectionError": Failure.CONNECTION,
    "TimeoutError": Failure.CONNECTION,
    "InvalidResponse": Failure.CONNECTION,
    "RedisClusterException": Failure.CONNECTION,
    "ValkeyClusterException": Failure.CONNECTION,
    "DataError": Failure.COMMAND,
    "CrossSlotTransactionError": Failure.COMMAND,
    "InvalidPipelineStack": Failure.COMMAND,
}
"""Classes without a first word. The nearest class in an exception's ancestry counts."""

_LOGINS: Final = frozenset({"ElastiCacheAuthError", "SecretError"})
"""Errors, in addition to those of botocore, that say that no login was available."""

_CLUSTER_CLASSES: Final = frozenset({"RedisClusterException", "ValkeyClusterException"})
"""What the cluster clients raise if no node answers them. Its cause is the error of the last node."""

_CHECK_LOGIN: Final = (
    "the cache refused the login. Check that the role may call elasticache:Connect on the cache and on its user, or "
    "that the secret holds the password of the user"
)
_CHECK_COMMAND: Final = (
    "the cache refused the command to the user. Check the access string of the user: its commands, keys and channels"
)
_CHECK_ROLE: Final = (
    "no login was available. Check the AWS credentials of the application, and that its role may call "
    "secretsmanager:GetSecretValue on the secret and kms:Decrypt on the key of the secret"
)
# The rest of botocore's errors are of the network or of the service, and pass.
_PASSING: Final = frozenset({"ConnectionError", "EndpointConnectionError", "HTTPClientError"})
_PASSING_CODES: Final = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|Internal|ServiceUnavailable|SlowDown")
_SERVER_ERROR: Final = 500

_CODE: Final = re.compile(r"([A-Z]{3,})(?: |$)")
# Engines before 7.0 wrap the error reply of a command in a script, with or without the dash of the protocol:
# «ERR Error running script (call to f_ab12): @user_script:1: @user_script: 1: -READONLY You can't write …».
_IN_SCRIPT: Final = re.compile(r"Error running script .*@user_script: ?\d+: -?(([A-Z]{3,}) .*)", re.DOTALL)


def kind_of(error: BaseException) -> Failure:
    """What has failed.

    Args:
        error: The exception that a command or a login raised.
    """
    if not _is_the_librarys(error):
        return _of_another_origin(error)
    if type(error).__name__ in _CLUSTER_CLASSES and error.__cause__ is not None:
        # The clients know no slots without a login, and then say that no node can be reached.
        return Failure.LOGIN if kind_of(error.__cause__) is Failure.LOGIN else Failure.CONNECTION
    code = code_of(error)
    if code in _BY_CODE:
        return _BY_CODE[code]
    for class_ in type(error).__mro__:
        if class_.__name__ in _CODES:
            break
        if class_.__name__ in _CLASSES:
            return _CLASSES[class_.__name__]
    # After too many redirections the cluster client raises "TTL exhausted": nodes replied. Otherwise none did.
    if type(error).__name__ == "ClusterError" and "TTL exhausted" not in str(error):
        return Failure.CONNECTION
    return Failure.COMMAND


def code_of(error: BaseException) -> str:
    """The first word of the server's error reply, for example ``READONLY``, or an empty string.

    Old engines wrap the reply of a command in a script; the wrapped reply counts.
    """
    for class_ in type(error).__mro__:
        if class_.__name__ in _CODES:
            return _CODES[class_.__name__]
    text = str(error)
    found = _CODE.match(refusal_in_script(error) or text)
    return found[1] if found else ""


def denial(error: BaseException) -> str | None:
    """What was refused and what to check, if the error says that credentials or permissions are refused.

    A retry fails too, until a policy, a password or an access string is changed. None: the error is of another kind,
    for example an outage. The text names no user, key, role or secret.

    Args:
        error: The exception that a command or a login raised, or one that it caused.
    """
    chain: BaseException | None = error
    while chain is not None:
        if code_of(chain) == "NOPERM":
            return _CHECK_COMMAND
        if kind_of(chain) is Failure.LOGIN and not _passes(chain):
            return _CHECK_LOGIN if _is_the_librarys(chain) else _CHECK_ROLE
        chain = chain.__cause__
    return None


def slot_is_migrating(error: BaseException) -> bool:
    """Whether the slot of the keys has been moving to another shard for longer than the cluster client retries."""
    return code_of(error) == "TRYAGAIN" or (type(error).__name__ == "ClusterError" and "TTL exhausted" in str(error))


def refusal_in_script(error: BaseException) -> str | None:
    """The error reply of a command in a script, as the server would send it without the script.

    None if the error does not come from a script, or if the engine is 7.0 or later, which sends the reply unwrapped.
    """
    found = _IN_SCRIPT.search(str(error))
    return found[1] if found else None


def _passes(error: BaseException) -> bool:
    """Whether a login was not available because of the network, or of the service that has the secret."""
    names = {class_.__name__ for class_ in type(error).__mro__}
    if _is_the_librarys(error):
        # The cluster clients' error says nothing; its cause does.
        return bool(names & _CLUSTER_CLASSES)
    response = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(names & _PASSING) or status >= _SERVER_ERROR or _PASSING_CODES.search(code) is not None


def _is_the_librarys(error: BaseException) -> bool:
    return any(class_.__module__.partition(".")[0] in _LIBRARIES for class_ in type(error).__mro__)


def _of_another_origin(error: BaseException) -> Failure:
    if any(class_.__module__.startswith("botocore.") or class_.__name__ in _LOGINS for class_ in type(error).__mro__):
        return Failure.LOGIN
    if isinstance(error, OSError | EOFError):
        return Failure.CONNECTION
    return Failure.COMMAND if isinstance(error, UnicodeError) else Failure.OTHER
