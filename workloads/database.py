"""PostgreSQL, reached as the environment says."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, Self, TypeVar

import msgspec
from botocore.session import Session  # type: ignore[import-untyped]
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from elasticache_client.messages import refusal
from elasticache_client.quiet import no_secrets_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_PREFIX = "DATABASE_"
_CONNECT_SECONDS = 3
_STATEMENT_SECONDS = 5
_WAIT_SECONDS = 5.0
# Below the 29 seconds that a function has.
_FOR_SCRIPTS = "SET LOCAL statement_timeout = '25s'"
_FLAGS = {"true": True, "false": False}


class DatabaseSettingsError(ValueError):
    """A setting is missing or wrong; the message says what was given, what is allowed and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """How to reach the database, without any secret in it.

    Attributes:
        host: its host name, or a directory with its socket.
        port: its port.
        name: the database's name.
        user: who logs in.
        tls: whether the connection is encrypted and the server's certificate and name are verified.
        iam: whether an IAM token is the password, which asks for TLS; else there is no password.
        ca_file: the authorities to trust, in PEM. Default: the system's, among which Amazon RDS's are not.

    See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    """

    host: str
    port: int
    name: str
    user: str
    tls: bool
    iam: bool
    ca_file: str = "system"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> DatabaseSettings:
        """Read ``DATABASE_HOST``, ``_PORT``, ``_NAME``, ``_USER``, ``_TLS``, ``_IAM`` and, where set, ``_CA_FILE``.

        Raises:
            DatabaseSettingsError: one is missing or wrong.
        """
        port = _variable(environ, "PORT", "a number")
        if not port.isdecimal():
            raise _wrong("PORT", port, "a number")
        tls, iam = _flag(environ, "TLS"), _flag(environ, "IAM")
        if iam and not tls:
            raise _wrong("TLS", "false", "true with DATABASE_IAM=true")
        return cls(
            host=_variable(environ, "HOST", "a host name, or a directory with a socket"),
            port=int(port),
            name=_variable(environ, "NAME", "the database's name"),
            user=_variable(environ, "USER", "the user's name"),
            tls=tls,
            iam=iam,
            ca_file=environ.get(f"{_PREFIX}CA_FILE", "system"),
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that give these settings back."""
        values = {name: getattr(self, name) for name in ("host", "port", "name", "user", "tls", "iam", "ca_file")}
        return {
            f"{_PREFIX}{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in values.items()
        }


class Database:
    """Connections to one database: opened at the first need, checked before use, and never more than ten.

    Whoever finds none free waits for 5 seconds at most. A statement is ended by the server after 5 seconds; a server
    that is gone is given up after about ten.

    Args:
        settings: where it is. Default: what the environment says.
    """

    def __init__(self, settings: DatabaseSettings | None = None) -> None:
        settings = settings or DatabaseSettings.from_environment()
        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            kwargs=_connection_arguments(settings),
            connection_class=Connection[DictRow],
            min_size=1,
            max_size=10,
            timeout=_WAIT_SECONDS,
            check=ConnectionPool.check_connection,
            open=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    @property
    def queries(self) -> int:
        """How many statements this process has had the database carry out, or waits to; a script counts as one."""
        counted = self._pool.get_stats()
        # The second are those that found no connection.
        return counted.get("requests_num", 0) - counted.get("requests_errors", 0)

    def all(self, kind: type[T], statement: LiteralString, **parameters: object) -> list[T]:
        """Carry out one statement and return its rows, each as a value of the given type."""
        self._pool.open()
        with self._pool.connection() as connection:
            return msgspec.convert(connection.execute(statement, parameters).fetchall(), list[kind])  # type: ignore[valid-type]

    def one(self, kind: type[T], statement: LiteralString, **parameters: object) -> T | None:
        """Its first row, or None."""
        return next(iter(self.all(kind, statement, **parameters)), None)

    def run(self, script: bytes) -> None:
        """Carry out several statements, all or none, within 25 seconds each."""
        self._pool.open()
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(_FOR_SCRIPTS)
            connection.execute(script)


def _connection_arguments(settings: DatabaseSettings) -> Callable[[], dict[str, Any]]:
    arguments = {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.name,
        "user": settings.user,
        "connect_timeout": _CONNECT_SECONDS,
        # A host that is gone answers nothing: without these the system waits for a quarter of an hour.
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "options": f"-c statement_timeout={_STATEMENT_SECONDS}s",
        "row_factory": dict_row,
        # No answer differs by what came before it, so none needs a transaction's two more round trips.
        "autocommit": True,
        **({"sslmode": "verify-full", "sslrootcert": settings.ca_file} if settings.tls else {"sslmode": "disable"}),
    }
    if not settings.iam:
        return lambda: arguments
    # Signing happens on this machine; a token is good for opening connections for 15 minutes, so each gets a new one.
    signer = _Signer()
    return lambda: {**arguments, "password": signer.token(settings)}


class _Signer:
    """Makes IAM tokens with the credentials and the region of the environment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def token(self, settings: DatabaseSettings) -> str:
        with self._lock:
            self._client = self._client or Session().create_client("rds")
        with no_secrets_logged():
            return str(self._client.generate_db_auth_token(settings.host, settings.port, settings.user))


def _variable(environ: Mapping[str, str], name: str, allowed: str) -> str:
    value = environ.get(f"{_PREFIX}{name}")
    if not value:
        fix = f"Set {_PREFIX}{name} to {allowed}"
        raise DatabaseSettingsError(refusal(got=f"{_PREFIX}{name} is not set", allowed="always required", fix=fix))
    return value


def _flag(environ: Mapping[str, str], name: str) -> bool:
    text = _variable(environ, name, "true or false")
    if text not in _FLAGS:
        raise _wrong(name, text, "true or false")
    return _FLAGS[text]


def _wrong(name: str, text: str, allowed: str) -> DatabaseSettingsError:
    fix = f"Correct {_PREFIX}{name}"
    return DatabaseSettingsError(refusal(got=f"{_PREFIX}{name}={text!r}", allowed=f"must be {allowed}", fix=fix))
