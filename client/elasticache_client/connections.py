"""Connections that stay authenticated and share one SSL context: a layer over each library's own connection class.

The pool calls a connection's ``connect()`` each time it hands it out. Here ``connect()`` checks the connection's age
with one clock reading. It also checks for a reply that the previous caller did not wait for, because the next caller's
command would receive it.

Two kinds of connection are reused without a pool: those of subscribers, and those of the asyncio cluster clients. They
are checked when they read or send.
"""

# The libraries have no types for many of the functions that are called here.
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio

# The socket and the libraries would import these at the first connection. A signal handler's exception that comes then
# may leave Python's import lock acquired, and all threads that import anything wait forever.
import email.parser  # noqa: F401 - see above
import encodings.idna  # noqa: F401 - see above
import math
import random
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from redis import CredentialProvider

from elasticache_client.failures import refusal_in_script
from elasticache_client.messages import refusal
from elasticache_client.retries import refusals
from elasticache_client.steps import run, run_async

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

    from redis.asyncio.connection import SSLConnection as AsyncBase
    from redis.connection import SSLConnection as SyncBase

    from elasticache_client.credentials import Credentials, Login
    from elasticache_client.steps import Steps
else:
    AsyncBase = SyncBase = object

# Spreads out the logins of connections that were opened together.
_JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What all connections of a client share.

    Attributes:
        credentials: The source of logins. None: the cache has no authentication.
        tls: The SSL context of all connections. None: connections are not encrypted.
        login_seconds: The age at which a connection authenticates again, minus a random part of up to a tenth.
        clock: A monotonic clock in seconds.
    """

    credentials: Credentials | None
    tls: ssl.SSLContext | None
    login_seconds: float
    clock: Callable[[], float] = time.monotonic


class _SingleLoginProvider(CredentialProvider):  # type: ignore[misc, unused-ignore]
    """Gives a library the one login that its connection is about to try."""

    login: Login

    def get_credentials(self) -> tuple[str, str]:
        return self.login.user, self.login.password

    async def get_credentials_async(self) -> tuple[str, str]:
        return self.login.user, self.login.password


class _Shared:
    """What synchronous and asyncio connections need; mixed into both."""

    wiring: Wiring
    refusal: tuple[type[Exception], ...]
    faults: tuple[type[Exception], ...]
    replies: type[Exception]
    _connect_callbacks: Any
    next_health_check: Any
    _parser: Any
    # Each returns a step: a result in threads, an awaitable in tasks.
    _login: Callable[[Credentials], Any]
    _after_refusal: Callable[[Credentials, list[Login]], Any]
    _has_unread: Callable[[], Any]
    _recycle: Callable[[], Any]
    send_command: Callable[..., Any]
    read_response: Callable[..., Any]

    def _prepare(self) -> None:
        self._due = math.inf
        self._is_ready = False
        self._packed = 0
        self._sending = 0
        self._unanswered = 0
        self._login_provider = _SingleLoginProvider()
        if self.wiring.credentials is not None:
            self.credential_provider: Any = self._login_provider

    def _note_login(self) -> None:
        # A new connection is healthy, and its first reply sets the time of the next check. A check during the login
        # would open another connection, whose login would be checked as well.
        self.next_health_check = math.inf
        if self.wiring.credentials is not None:
            age = self.wiring.login_seconds * (1 - _JITTER * random.random())  # noqa: S311 - not a secret
            self._due = self.wiring.clock() + age

    def _is_due(self) -> bool:
        return self.wiring.clock() >= self._due

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        """Pack commands and count them, because each has one reply."""
        commands = list(commands)
        self._packed = len(commands)
        return super().pack_commands(commands)  # type: ignore[misc]

    # A signal handler may raise an exception between any two lines, so a command counts as sent before it is.
    def _will_send(self) -> int:
        before = self._sending
        self._sending = before + (self._packed or 1)
        self._packed = 0
        return before

    def _has_sent(self, before: int) -> None:
        self._unanswered += self._sending - before
        self._sending = before

    def _was_answered(self) -> None:
        # A subscription has more replies than commands.
        if self._unanswered:
            self._unanswered -= 1

    def _unwrapped(self, error: Exception) -> Exception:
        """The error itself, or the one that an engine before 7.0 wraps in a script's error."""
        wrapped = refusal_in_script(error)
        if wrapped is None:
            return error
        unwrapped: Exception = self._parser.parse_error(wrapped)
        return unwrapped

    def _closed_by_another(self, error: AttributeError, *, is_open: bool) -> Exception:
        """A connection error if another caller has closed the connection.

        Cluster clients close a node's connections while other callers use them, and the library then fails on
        attributes that are gone.
        """
        return error if is_open else self.faults[0]("The connection was closed by another caller")

    def _is_left_over(self) -> bool:
        """Whether a reply is still to come, or the login is incomplete, because a caller gave up half way."""
        # Subscribers expect replies at any time.
        return bool(self._unanswered or self._sending or not self._is_ready) and not self._connect_callbacks

    def _begin(self) -> None:
        self._is_ready = False
        self._packed = self._sending = self._unanswered = 0

    def _log_in(self, connect: Callable[[], Any]) -> Steps[None]:
        """Open the connection with a login that the cache accepts."""
        self._begin()
        credentials = self.wiring.credentials
        if credentials is None:
            yield connect()
        else:
            refused: list[Login] = []
            login: Login | None = yield self._login(credentials)
            while login is not None:
                self._login_provider.login = login
                try:
                    yield connect()
                except self.refusal:
                    refused.append(login)
                    login = yield self._after_refusal(credentials, refused)
                    if login is None:
                        raise
                else:
                    break
        self._is_ready = True

    def _renew_login(self) -> Steps[None]:
        """Authenticate again on the open connection, or open another one if that is not possible."""
        credentials = self.wiring.credentials
        # AUTH must not be sent on a subscribed connection, or before a reply that was not read.
        if credentials is None or self._connect_callbacks or (yield self._has_unread()):
            yield self._recycle()
            return
        login = yield self._login(credentials)
        # The AUTH command must not find the connection due again.
        self._due = math.inf
        try:
            yield self.send_command("AUTH", login.user, login.password, check_health=False)
            yield self.read_response()
        except self.refusal:
            yield self._after_refusal(credentials, [login])
            yield self._recycle()
        except self.faults:
            yield self._recycle()
        else:
            self._note_login()


class _SyncConnection(_Shared, SyncBase):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare()

    def connect(self) -> None:
        if self._sock is not None and self._is_left_over():
            self.disconnect()
        if self._sock is None:
            self._open()
        elif self._is_due():
            self._log_in_again()

    def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        before = self._will_send()
        try:
            super().send_packed_command(*args, **kwargs)
        except AttributeError as error:
            raise self._closed_by_another(error, is_open=self._sock is not None) from error
        self._has_sent(before)

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            response = super().read_response(*args, **kwargs)
        except self.replies as error:
            self._was_answered()
            raise self._unwrapped(error) from None
        except AttributeError as error:
            raise self._closed_by_another(error, is_open=self._sock is not None) from error
        self._was_answered()
        return response

    def can_read(self, *args: Any, **kwargs: Any) -> bool:
        # A subscriber polls here without taking the connection from the pool.
        if self._connect_callbacks and self._sock is not None and self._is_due():
            self._recycle()
        return bool(super().can_read(*args, **kwargs))

    def _open(self) -> None:
        super().connect()

    def _connect(self) -> Any:
        sock = super()._connect()
        self._note_login()
        return sock

    def _wrap_socket_with_ssl(self, sock: Any) -> Any:
        assert self.wiring.tls is not None  # noqa: S101 - only connections with TLS call this
        return self.wiring.tls.wrap_socket(sock, server_hostname=self.host)

    def _logged_in(self, connect: Callable[[], Any]) -> None:
        run(self._log_in(connect))

    def _log_in_again(self) -> None:
        run(self._renew_login())

    def _login(self, credentials: Credentials) -> Login:
        return credentials.login()

    def _after_refusal(self, credentials: Credentials, refused: list[Login]) -> Login | None:
        return credentials.after_refusal(refused)

    def _has_unread(self) -> bool:
        try:
            return bool(super().can_read())
        except self.faults:
            return True

    def _recycle(self) -> None:
        self.disconnect()
        self.connect()


class _RedisConnection(_SyncConnection):
    def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        if self._sock is None:
            parent = super().connect_check_health
            self._logged_in(lambda: parent(*args, **kwargs))


class _ValkeyConnection(_SyncConnection):
    def _open(self) -> None:
        parent = super()._open
        # The library retries only what comes before the login.
        self.retry.call_with_retry(lambda: self._logged_in(parent), lambda _: self.disconnect())


class EventLoopError(RuntimeError):
    """An asyncio client was used on a second event loop. Nothing was sent."""


class _ClientLoop:
    """The event loop of a client's connections: the first on which one is opened."""

    loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        loop = asyncio.get_running_loop()
        if self.loop is None:
            self.loop = loop
        if self.loop is not loop:
            raise EventLoopError(
                refusal(
                    got="An asyncio client was used on a second event loop",
                    allowed="must stay on one loop, because its sockets belong to that loop",
                    fix="Make a client on each loop, or keep one loop for all calls: runner = asyncio.Runner() once, "
                    "then runner.run(...) instead of asyncio.run(...)",
                )
            )


class _AsyncConnection(_Shared, AsyncBase):
    client_loop: _ClientLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare()
        if self.wiring.tls is not None:
            self.ssl_context.context = self.wiring.tls

    async def connect(self) -> None:
        self.client_loop.check()
        if self.is_connected and self._is_left_over():
            await self.disconnect()
        if not self.is_connected:
            await self._open()
        elif self._is_due():
            await self._log_in_again()

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        before = self._will_send()
        try:
            await super().send_packed_command(*args, **kwargs)
        except AttributeError as error:
            raise self._closed_by_another(error, is_open=self.is_connected) from error
        self._has_sent(before)

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        # A subscriber reads repeatedly without taking the connection from the pool.
        if self._connect_callbacks and self.is_connected and self._is_due():
            await self._recycle()
        try:
            response = await super().read_response(*args, **kwargs)
        except self.replies as error:
            self._was_answered()
            raise self._unwrapped(error) from None
        except AttributeError as error:
            raise self._closed_by_another(error, is_open=self.is_connected) from error
        self._was_answered()
        return response

    async def _open(self) -> None:
        await super().connect()

    async def _connect(self) -> None:
        await super()._connect()
        self._note_login()

    async def _logged_in(self, connect: Callable[[], Awaitable[Any]]) -> None:
        await run_async(self._log_in(connect))

    async def _log_in_again(self) -> None:
        await run_async(self._renew_login())

    async def _login(self, credentials: Credentials) -> Login:
        return await credentials.login_async()

    async def _after_refusal(self, credentials: Credentials, refused: list[Login]) -> Login | None:
        return await credentials.after_refusal_async(refused)

    async def _has_unread(self) -> bool:
        try:
            # redis-py 8 renamed the method.
            return bool(await (self.can_read() if hasattr(self, "can_read") else self.can_read_destructive()))
        except self.faults:
            return True

    async def _recycle(self) -> None:
        await self.disconnect()
        await self.connect()


class _AsyncRedisConnection(_AsyncConnection):
    async def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_connected:
            parent = super().connect_check_health
            await self._logged_in(lambda: parent(*args, **kwargs))


class _AsyncValkeyConnection(_AsyncConnection):
    async def _open(self) -> None:
        parent = super()._open
        await self.retry.call_with_retry(lambda: self._logged_in(parent), lambda _: self.disconnect())


class _ClusterNode(AsyncBase):
    """An extra layer for the asyncio cluster clients, whose nodes keep connections without a pool."""

    _is_ready: bool

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        # During a login, commands are sent before the replies to earlier ones are read.
        if self.is_connected and self._is_ready:
            await self.connect()
        await super().send_packed_command(*args, **kwargs)


_LAYERS: dict[tuple[str, bool], type] = {
    ("redis", False): _RedisConnection,
    ("valkey", False): _ValkeyConnection,
    ("redis", True): _AsyncRedisConnection,
    ("valkey", True): _AsyncValkeyConnection,
}


def connection_class(library: str, wiring: Wiring, *, asynchronous: bool, cluster: bool) -> Any:
    """The library's connection class with this package's layer, wired for one client."""
    module = import_module(f"{library}.asyncio.connection" if asynchronous else f"{library}.connection")
    exceptions = import_module(f"{library}.exceptions")
    base = module.SSLConnection if wiring.tls is not None else module.Connection
    layers = (_LAYERS[library, asynchronous], base)
    return type(
        base.__name__,
        (_ClusterNode, *layers) if asynchronous and cluster else layers,
        {
            "wiring": wiring,
            "refusal": refusals(library),
            "faults": (exceptions.ConnectionError, exceptions.TimeoutError, OSError),
            "replies": exceptions.ResponseError,
            **({"client_loop": _ClientLoop()} if asynchronous else {}),
        },
    )
