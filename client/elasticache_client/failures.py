"""What an exception of a client says about the cache: a connection, a node, one command, or a login.

redis-py and valkey-py have classes of the same names, and of different parents: a cluster that is down is a reply, a
server that loads its data a broken connection. What failed decides what to do, so it is looked up in one place.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Failure(Enum):
    """What has failed."""

    CONNECTION = "connection"
    """There is no answer: a connection could not be opened, broke, or timed out."""

    NODE = "node"
    """The node, or the cluster, answers and cannot serve: it loads data, has no primary, or has become a replica."""

    COMMAND = "command"
    """This command, with these arguments, for this user, or this key. Others may well be served."""

    LOGIN = "login"
    """The cache refuses the login, or none could be had."""

    OTHER = "other"
    """Nothing that a cache does: an exception that a signal's handler raises, or a client on a foreign event loop."""


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
"""What a reply's first word says. Any other is about the command: OOM refuses writes and serves reads."""

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
"""Classes for which the libraries take the first word away."""

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
"""Classes without a reply's first word; the nearest in an exception's ancestry counts."""

_LOGINS: Final = frozenset({"ElastiCacheAuthError", "SecretError"})
"""Why no login could be had, beside the errors of botocore."""

_CODE: Final = re.compile(r"([A-Z]{3,})(?: |$)")
# Engines before 7.0 wrap what a command in a script was refused for, with or without the dash of the protocol:
# «ERR Error running script (call to f_ab12): @user_script:1: @user_script: 1: -READONLY You can't write …».
_IN_SCRIPT: Final = re.compile(r"Error running script .*@user_script: ?\d+: -?(([A-Z]{3,}) .*)", re.DOTALL)


def kind_of(error: BaseException) -> Failure:
    """What has failed.

    Args:
        error: what a command, or a login, raised.
    """
    if not _is_the_librarys(error):
        return _of_another_origin(error)
    code = code_of(error)
    if code in _BY_CODE:
        return _BY_CODE[code]
    for each in type(error).__mro__:
        if each.__name__ in _CODES:
            break
        if each.__name__ in _CLASSES:
            return _CLASSES[each.__name__]
    # A cluster that gave up after redirections or slots that move has an answer; one that found nobody has none.
    if type(error).__name__ == "ClusterError" and "TTL exhausted" not in str(error):
        return Failure.CONNECTION
    return Failure.COMMAND


def code_of(error: BaseException) -> str:
    """The first word of the server's refusal, such as ``READONLY``, also where an old engine wraps it; else empty."""
    for each in type(error).__mro__:
        if each.__name__ in _CODES:
            return _CODES[each.__name__]
    text = str(error)
    found = _CODE.match(refusal_in_script(error) or text)
    return found[1] if found else ""


def is_on_the_move(error: BaseException) -> bool:
    """Whether the keys' slot is moving to another shard, for longer than the cluster client has tried again."""
    return code_of(error) == "TRYAGAIN" or (type(error).__name__ == "ClusterError" and "TTL exhausted" in str(error))


def refusal_in_script(error: BaseException) -> str | None:
    """What a command in a script was refused for, as the server would have said it without the script.

    None where the error does not come from a script, or an engine from 7.0 on says so itself.
    """
    found = _IN_SCRIPT.search(str(error))
    return found[1] if found else None


def _is_the_librarys(error: BaseException) -> bool:
    return any(each.__module__.partition(".")[0] in _LIBRARIES for each in type(error).__mro__)


def _of_another_origin(error: BaseException) -> Failure:
    if any(each.__module__.startswith("botocore.") or each.__name__ in _LOGINS for each in type(error).__mro__):
        return Failure.LOGIN
    if isinstance(error, OSError | EOFError):
        return Failure.CONNECTION
    return Failure.COMMAND if isinstance(error, UnicodeError) else Failure.OTHER
