"""A pool of connections to PostgreSQL, configured by environment variables."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, Self, TypeVar

import msgspec
from botocore.session import Session  # type: ignore[import-untyped]
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from elasticache_client.failures import denial
from elasticache_client.messages import refusal
from elasticache_client.quiet import no_secrets_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

_PREFIX = "DATABASE_"
_CONNECT_SECONDS = 3
_STATEMENT_SECONDS = 5
_WAIT_SECONDS = 5.0
# Shorter than the 29 seconds of the function's timeout.
_FOR_SCRIPTS = "SET LOCAL statement_timeout = '25s'"
_FLAGS = {"true": True, "false": False}
# PostgreSQL's own words: libpq has no SQLSTATE for a connection that was not opened. Other FATAL errors pass, such as
# those of a server that starts or has too many clients.
_REFUSED = re.compile(
    r"FATAL: .*(authentication failed|is not permitted to log in|pg_hba\.conf|does not exist|permission denied)"
)


class DatabaseSettingsError(ValueError):
    """A setting is missing or wrong. The message says what was given, what is allowed, and how to correct it."""


class DatabaseRefusedError(Exception):
    """The database refused the login, or there are no credentials for one. Another attempt does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """How to reach the database. Contains no secret.

    Attributes:
        host: The host name, or the directory of a Unix socket.
        port: The port.
        name: The database's name.
        user: The user name.
        tls: Whether connections are encrypted, and the server's certificate and name are verified.
        iam: Whether to use an IAM authentication token as the password, which requires TLS. If False, no password is
            used.
        ca_file: A PEM file of certificate authorities to trust. Default: the system's, which do not include Amazon
            RDS's.

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
        """Read the settings from ``DATABASE_HOST``, ``_PORT``, ``_NAME``, ``_USER``, ``_TLS`` and ``_IAM``.

        ``DATABASE_CA_FILE`` is optional.

        Raises:
            DatabaseSettingsError: If a variable is missing or wrong.
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
        """The environment variables that describe these settings."""
        values = {name: getattr(self, name) for name in ("host", "port", "name", "user", "tls", "iam", "ca_file")}
        return {
            f"{_PREFIX}{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in values.items()
        }


class Database:
    """Connections to one database: opened on first use, checked before each use, and at most ten.

    If all are in use, a caller waits for up to 5 seconds. The server cancels a statement after 5 seconds. If the server
    does not respond, a caller gives up after about ten seconds.

    Args:
        settings: The database to connect to. Default: read from the environment.
    """

    def __init__(self, settings: DatabaseSettings | None = None) -> None:
        settings = settings or DatabaseSettings.from_environment()
        arguments = _connection_arguments(settings)
        self._failure: Exception | None = None

        def connect(*_: object, **__: object) -> Connection[DictRow]:
            # The pool logs why it has no connection, and does not tell its callers.
            try:
                connection = Connection[DictRow].connect(**arguments())
            except Exception as error:
                self._failure = error
                raise
            self._failure = None
            return connection

        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            connection_class=type("Connection", (Connection,), {"connect": staticmethod(connect)}),
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
        """The number of statements that this process has sent or is about to send. A script counts as one."""
        counted = self._pool.get_stats()
        # requests_errors counts the requests that got no connection.
        return counted.get("requests_num", 0) - counted.get("requests_errors", 0)

    def all(self, kind: type[T], statement: LiteralString, **parameters: object) -> list[T]:
        """Execute one statement and return its rows, each converted to the given type."""
        with self._connection() as connection:
            return msgspec.convert(connection.execute(statement, parameters).fetchall(), list[kind])  # type: ignore[valid-type]

    def one(self, kind: type[T], statement: LiteralString, **parameters: object) -> T | None:
        """Execute one statement and return its first row, or None."""
        return next(iter(self.all(kind, statement, **parameters)), None)

    def run(self, script: bytes) -> None:
        """Execute several statements in one transaction, each within 25 seconds."""
        with self._connection() as connection, connection.transaction():
            connection.execute(_FOR_SCRIPTS)
            connection.execute(script)

    @contextmanager
    def _connection(self) -> Iterator[Connection[DictRow]]:
        self._pool.open()
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as timeout:
            if self._failure is None or not (_REFUSED.search(str(self._failure)) or denial(self._failure)):
                raise
            fix = (
                "Check that the role may call rds-db:connect on the user, that the user exists and has rds_iam, and "
                "that the application has credentials"
            )
            got = f"The database refused the login ({type(self._failure).__name__})"
            raise DatabaseRefusedError(refusal(got=got, allowed="users with a grant may log in", fix=fix)) from timeout


def _connection_arguments(settings: DatabaseSettings) -> Callable[[], dict[str, Any]]:
    arguments = {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.name,
        "user": settings.user,
        "connect_timeout": _CONNECT_SECONDS,
        # Without these, the system waits for a quarter of an hour if the host no longer exists.
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "options": f"-c statement_timeout={_STATEMENT_SECONDS}s",
        "row_factory": dict_row,
        # No statement depends on an earlier one, so none needs a transaction and its two extra round trips.
        "autocommit": True,
        **({"sslmode": "verify-full", "sslrootcert": settings.ca_file} if settings.tls else {"sslmode": "disable"}),
    }
    if not settings.iam:
        return lambda: arguments
    # A token opens connections for 15 minutes. Signing is local, so each connection gets a new one.
    signer = _Signer()
    return lambda: {**arguments, "password": signer.token(settings)}


class _Signer:
    """Signs IAM authentication tokens with the credentials and the Region of the environment."""

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
