"""Errors are classified by what failed, for both libraries and for old engines."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from elasticache_client import SecretError
from elasticache_client.failures import Failure, code_of, denial, kind_of

LIBRARIES = ("redis", "valkey")
REPLIES = {
    "READONLY You can't write against a read only replica.": Failure.NODE,
    "READONLY You can't write against a read only replica. script: ab12, on @user_script:1.": Failure.NODE,
    "ERR Error running script (call to f_ab12): @user_script:1: @user_script: 1: -READONLY You can't write "
    "against a read only replica.": Failure.NODE,
    "ERR Error running script (call to f_ab12): @user_script:1: -READONLY You can't write.": Failure.NODE,
    "LOADING Redis is loading the dataset in memory": Failure.NODE,
    "CLUSTERDOWN The cluster is down": Failure.NODE,
    "CLUSTERDOWN Hash slot not served": Failure.NODE,
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": Failure.NODE,
    "BUSY Redis is busy running a script.": Failure.NODE,
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.": Failure.NODE,
    "NOREPLICAS Not enough good replicas to write.": Failure.NODE,
    "OOM command not allowed when used memory > 'maxmemory'.": Failure.COMMAND,
    "ERR Error running script (call to f_ab12): @user_script:3: @user_script: 3: -OOM command not allowed when used "
    "memory > 'maxmemory'.": Failure.COMMAND,
    "ERR Error running script (call to f_ab12): @user_script:3: WRONGTYPE Operation against a key": Failure.COMMAND,
    "WRONGTYPE Operation against a key holding the wrong kind of value": Failure.COMMAND,
    "NOSCRIPT No matching script. Please use EVAL.": Failure.COMMAND,
    "NOPERM this user has no permissions to access one of the keys used as arguments": Failure.COMMAND,
    "NOPERM User app has no permissions to run the 'evalsha' command": Failure.COMMAND,
    "ERR value is not an integer or out of range": Failure.COMMAND,
    "ERR unknown command 'FOO'": Failure.COMMAND,
    "CROSSSLOT Keys in request don't hash to the same slot": Failure.COMMAND,
    "TRYAGAIN Multiple keys request during rehashing of slot": Failure.COMMAND,
    "MOVED 1 127.0.0.1:7000": Failure.COMMAND,
    "ERR max number of clients reached": Failure.CONNECTION,
    "WRONGPASS invalid username-password pair or user is disabled.": Failure.LOGIN,
    "NOAUTH Authentication required.": Failure.LOGIN,
}


def _replied(library: str, reply: str) -> Exception:
    parser: Any = import_module(f"{library}._parsers.resp2")._RESP2Parser(65536)
    error: Exception = parser.parse_error(reply)
    return error


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("reply", "kind"), REPLIES.items(), ids=[reply[:60] for reply in REPLIES])
def test_replies(library: str, reply: str, kind: Failure) -> None:
    """Errors that the library's own parser makes from replies."""
    assert kind_of(_replied(library, reply)) is kind


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        ("ConnectionError", "Error 111 connecting to localhost:6379. Connection refused.", Failure.CONNECTION),
        ("TimeoutError", "Timeout reading from socket", Failure.CONNECTION),
        ("MaxConnectionsError", "Too many connections", Failure.CONNECTION),
        ("InvalidResponse", "Protocol Error: b'x'", Failure.CONNECTION),
        ("SlotNotCoveredError", "Command # 1 (GET a) of pipeline caused error: Slot 1 is not covered", Failure.NODE),
        ("ClusterError", "TTL exhausted.", Failure.COMMAND),
        ("ClusterError", "No replica was found", Failure.CONNECTION),
        ("DataError", "Invalid input of type: 'dict'.", Failure.COMMAND),
    ],
)
def test_what_is_no_reply(library: str, name: str, message: str, kind: Failure) -> None:
    """The libraries' own errors."""
    assert kind_of(getattr(import_module(f"{library}.exceptions"), name)(message)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError(104, "reset"), Failure.CONNECTION),
        (TimeoutError(), Failure.CONNECTION),
        (EOFError(), Failure.CONNECTION),
        (NoCredentialsError(), Failure.LOGIN),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetSecretValue"), Failure.LOGIN),
        (SecretError("no password"), Failure.LOGIN),
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), Failure.COMMAND),
        (RuntimeError("a job's time is up"), Failure.OTHER),
        (KeyboardInterrupt(), Failure.OTHER),
    ],
    ids=repr,
)
def test_what_is_not_the_librarys(error: BaseException, kind: Failure) -> None:
    """Errors of sockets and logins, and errors of the caller."""
    assert kind_of(error) is kind


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("READONLY You can't write against a read only replica.", "READONLY"),
        ("ERR Error running script (call to f_a): @user_script:1: @user_script: 1: -READONLY You can't", "READONLY"),
        ("NOSCRIPT No matching script.", "NOSCRIPT"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
    ],
)
def test_the_code_of_a_refusal(library: str, reply: str, code: str) -> None:
    """The code is found whether or not the library removed it."""
    assert code_of(_replied(library, reply)) == code


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def _answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetSecretValue")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("reply", "check"),
    [
        ("WRONGPASS invalid username-password pair or user is disabled.", "elasticache:Connect"),
        ("NOAUTH Authentication required.", "elasticache:Connect"),
        ("ERR invalid password", "elasticache:Connect"),
        ("NOPERM User app has no permissions to run the 'evalsha' command", "access string"),
        ("NOPERM No permissions to access a key", "access string"),
        ("ERR max number of clients reached", None),
        ("READONLY You can't write against a read only replica.", None),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", None),
    ],
)
def test_a_denial_is_no_outage(library: str, reply: str, check: str | None) -> None:
    """Only what a policy, a password or an access string has to allow first; also as the cause of another error."""
    error = _replied(library, reply)
    cluster = getattr(import_module(f"{library}.exceptions"), f"{library.title()}ClusterException")
    for each in (error, _caused(cluster("cannot be connected"), error), _caused(RuntimeError("no sessions"), error)):
        said = denial(each)
        assert said is None if check is None else check in str(said)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_cluster_without_a_login(library: str) -> None:
    """The cluster clients say that no node can be reached; the cause says why."""
    exceptions = import_module(f"{library}.exceptions")
    refused = exceptions.AuthenticationError("invalid username-password pair")
    silent = exceptions.TimeoutError("Timeout connecting to server")
    error = getattr(exceptions, f"{library.title()}ClusterException")
    assert kind_of(_caused(error("cannot be connected"), refused)) is Failure.LOGIN
    assert kind_of(_caused(error("cannot be connected"), silent)) is Failure.CONNECTION
    assert denial(exceptions.AuthorizationError("no")) is not None


@pytest.mark.parametrize(
    ("error", "is_denied"),
    [
        (_answered("AccessDeniedException", 400), True),
        (_answered("ExpiredTokenException", 400), True),
        (_answered("ResourceNotFoundException", 400), True),
        (_answered("ThrottlingException", 400), False),
        (_answered("InternalServiceError", 500), False),
        (_answered("ServiceUnavailable", 503), False),
        (NoCredentialsError(), True),
        (SecretError("no password"), True),
        (EndpointConnectionError(endpoint_url="https://secretsmanager"), False),
        (ConnectTimeoutError(endpoint_url="https://secretsmanager"), False),
        (ReadTimeoutError(endpoint_url="https://secretsmanager"), False),
        (ConnectionResetError(104, "reset"), False),
    ],
    ids=repr,
)
def test_a_login_that_aws_denies(error: Exception, *, is_denied: bool) -> None:
    """An error of the network, or of a service that has one, passes; everything else does not."""
    assert (denial(error) is not None) is is_denied
